/** The join page: puts the dash in, says whose code it is, and joins once. */

import { lookUp, tidyCode } from "../lib/code.js";
import { drawing } from "../lib/dom.js";

const PAUSE_MS = 300;
const form = document.querySelector("form[data-join]");
const input = document.querySelector("#code");
const state = document.querySelector("[data-code-state]");

/**
 * @param {string} kind field__found or field__error
 * @param {string} shape
 * @param {string} text
 */
function show(kind, shape, text) {
  const line = document.createElement("p");
  line.className = kind;
  const words = document.createElement("span");
  words.textContent = text;
  line.append(drawing(`[data-shape=${shape}]`), words);
  state?.replaceChildren(line);
}

let timer = 0;

/** @param {HTMLInputElement} field */
async function look(field) {
  const code = field.value;
  const found = await lookUp(code);
  if (field.value !== code) return;
  field.setAttribute("aria-invalid", String(found.is === "wrong"));
  if (found.is === "found") show("field__found", "good", found.text);
  else if (found.is === "wrong") show("field__error", "failed", found.text);
  else state?.replaceChildren();
}

if (input instanceof HTMLInputElement) {
  input.addEventListener("input", () => {
    const tidy = tidyCode(input.value);
    if (tidy !== input.value) input.value = tidy;
    clearTimeout(timer);
    input.removeAttribute("aria-invalid");
    state?.replaceChildren();
    if (tidy.length === 7) timer = window.setTimeout(() => look(input), PAUSE_MS);
  });
}

form?.addEventListener("submit", () => {
  for (const button of form.querySelectorAll("button.button--main")) {
    button.setAttribute("aria-busy", "true");
  }
});
