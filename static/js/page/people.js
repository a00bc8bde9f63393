/** The one-time link that was just made: a button that copies it. */

import { copyText } from "../lib/clipboard.js";
import { one } from "../lib/dom.js";
import { say } from "../lib/say.js";

const button = one("[data-copy]", HTMLButtonElement);
button.hidden = false;
button.addEventListener("click", async () => {
  const link = one("[data-link]", HTMLElement).textContent ?? "";
  const isCopied = await copyText(link);
  say(isCopied ? "The link is copied." : "Select the link and copy it.");
  if (isCopied) button.textContent = "Copied";
});
