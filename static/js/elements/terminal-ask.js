/** A question before something that can't be taken back. */

import { button } from "./terminal-strip.js";

/**
 * @param {HTMLElement} place
 * @param {string} text
 * @param {string} yes what the deed is called
 * @returns {Promise<boolean>}
 */
export function ask(place, text, yes) {
  const dialog = document.createElement("dialog");
  dialog.className = "term-ask";
  const words = document.createElement("p");
  words.textContent = text;
  const buttons = document.createElement("div");
  buttons.className = "row";
  const finish = (/** @type {string} */ answer) => dialog.close(answer);
  buttons.append(
    button("button button--main", yes, () => finish("yes")),
    button("button", "Cancel", () => finish("no")),
  );
  dialog.append(words, buttons);
  dialog.setAttribute("aria-label", text);
  place.append(dialog);
  return new Promise((done) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      done(dialog.returnValue === "yes");
    });
    dialog.showModal();
  });
}
