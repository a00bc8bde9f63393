/** A question before something that can't be taken back, and one for a name. */

import { button } from "./terminal-strip.js";

/**
 * @param {HTMLElement} place
 * @param {string} text
 * @param {string} yes what the deed is called
 * @param {string} [shown] what it is about, as it is
 * @returns {Promise<boolean>}
 */
export async function ask(place, text, yes, shown) {
  const parts = [];
  if (shown) {
    const about = document.createElement("pre");
    about.className = "term-ask__shown";
    about.textContent = shown;
    parts.push(about);
  }
  return (await open(place, text, yes, parts)) === "yes";
}

/**
 * @param {HTMLElement} place
 * @param {string} text
 * @param {string} value what stands in the field at first
 * @param {number} most characters
 * @returns {Promise<string | null>} null when nothing is to change
 */
export async function askName(place, text, value, most) {
  const field = document.createElement("input");
  field.className = "field__input";
  field.value = value;
  field.maxLength = most;
  field.setAttribute("aria-label", text);
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    field.closest("dialog")?.close("yes");
  });
  const answer = open(place, text, "Rename", [field]);
  field.select();
  return (await answer) === "yes" ? field.value.trim() : null;
}

/**
 * @param {HTMLElement} place
 * @param {string} text
 * @param {string} yes
 * @param {Element[]} parts
 * @returns {Promise<string>} what the dialog was closed with
 */
function open(place, text, yes, parts) {
  const dialog = document.createElement("dialog");
  dialog.className = "term-ask";
  const words = document.createElement("p");
  words.textContent = text;
  const buttons = document.createElement("div");
  buttons.className = "row";
  buttons.append(
    button("button button--main", yes, () => dialog.close("yes")),
    button("button", "Cancel", () => dialog.close("no")),
  );
  dialog.append(words, ...parts, buttons);
  dialog.setAttribute("aria-label", text);
  place.append(dialog);
  return new Promise((done) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      done(dialog.returnValue);
    });
    dialog.showModal();
  });
}
