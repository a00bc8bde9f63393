/**
 * A plain field that sends a line: for keyboards on glass whose suggestions write words anew, which a terminal can't
 * take back.
 */

import { button } from "./terminal-strip.js";

/**
 * @param {(line: string) => boolean} send the line and Enter; false when it can't be sent now
 * @returns {HTMLFormElement} hidden at first
 */
export function lineField(send) {
  const form = document.createElement("form");
  form.className = "term-line";
  form.hidden = true;
  const field = document.createElement("input");
  field.className = "field__input";
  field.setAttribute("aria-label", "A line for the terminal");
  field.autocapitalize = "off";
  field.autocomplete = "off";
  field.enterKeyHint = "send";
  const deed = button("button button--main", "Send", () => {});
  deed.type = "submit";
  form.append(field, deed);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    event.stopPropagation(); // no way to another page
    if (send(field.value)) field.value = "";
    field.focus();
  });
  return form;
}

/** Shows the field, or puts it away. @param {HTMLFormElement} form */
export function toggleLine(form) {
  form.hidden = !form.hidden;
  if (!form.hidden) form.querySelector("input")?.focus();
}
