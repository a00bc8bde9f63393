/** A certificate: printed by a press. */

import { one } from "../lib/dom.js";

const button = one("[data-print]", HTMLButtonElement);
button.hidden = false;
button.addEventListener("click", () => print());
