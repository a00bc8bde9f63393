/**
 * The hidden field of a terminal, into which browsers, input methods and screen readers write. xterm.js reads keys and
 * compositions from it; here is what it leaves out.
 */

/**
 * @param {import("@xterm/xterm").Terminal} term
 * @param {HTMLElement} element around it: hears of everything before xterm.js does
 */
export function prepareField(term, element) {
  const field = term.textarea;
  if (!field) return;
  field.tabIndex = -1; // Tab must go past, not in
  // Phones change what is typed unless told not to.
  for (const name of ["autocapitalize", "autocorrect", "autocomplete"])
    field.setAttribute(name, "off");
  field.spellcheck = false;
  let isKeyDown = false;
  const keep = (/** @type {KeyboardEvent} */ event) => {
    isKeyDown = event.type === "keydown";
    if (event.target === field && !event.isComposing) keepAtEnd(field);
  };
  for (const kind of ["keydown", "keyup"])
    element.addEventListener(kind, /** @type {EventListener} */ (keep), { capture: true });
  field.addEventListener("blur", () => {
    isKeyDown = false; // whose end another window hears
  });
  // xterm.js types such text itself, but for a screen reader's user.
  field.addEventListener("input", (event) => {
    const { inputType, data } = /** @type {InputEvent} */ (event);
    const isWithoutKey = inputType === "insertText" && !isKeyDown;
    if (isWithoutKey && data && term.options.screenReaderMode) term.input(data);
  });
}

/**
 * For a screen reader the arrows move in the field as well, and a selection is put into it for the browser's menu:
 * what an input method then writes in its midst xterm.js would take for what stands at its end.
 * @param {HTMLTextAreaElement} field
 */
function keepAtEnd(field) {
  if (field.selectionStart !== field.value.length) field.value = "";
}
