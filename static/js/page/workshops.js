/** The list of workshops: N opens a new one. */

import { isWriting } from "../lib/dom.js";

document.addEventListener("keydown", (event) => {
  if (isWriting(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
  const link = document.querySelector(`a[data-key="${CSS.escape(event.key.toLowerCase())}"]`);
  if (link instanceof HTMLAnchorElement) link.click();
});
