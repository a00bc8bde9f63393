/** Keys of a page: single letters outside fields and terminals, a few chords everywhere. */

import { isWriting } from "./dom.js";

const LETTERS_OFF = "slip-letters-off";

/**
 * A key press as the table of keys spells it: `C`, `Shift+H`, `Ctrl+Enter`, `?`.
 * @param {{key: string, ctrlKey: boolean, altKey: boolean, metaKey: boolean, shiftKey: boolean}} press
 */
export function keyName({ key, ctrlKey, altKey, metaKey, shiftKey }) {
  const isLetter = /^[a-z]$/i.test(key);
  const shifts = shiftKey && (isLetter || key.length > 1);
  const parts = [ctrlKey && "Ctrl", altKey && "Alt", metaKey && "Meta", shifts && "Shift"];
  return [...parts.filter(Boolean), isLetter ? key.toUpperCase() : key].join("+");
}

/** Whether single letters are keys here; remembered by this browser. */
export function lettersAreKeys() {
  return localStorage.getItem(LETTERS_OFF) === null;
}

/** Switches single letters off, or on again. */
export function toggleLetters() {
  if (lettersAreKeys()) localStorage.setItem(LETTERS_OFF, "1");
  else localStorage.removeItem(LETTERS_OFF);
}

/**
 * Calls the deed of each key. Chords work in fields too; nothing is taken inside a terminal.
 * @param {Record<string, () => void>} deeds
 */
export function bindKeys(deeds) {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.repeat) return;
    const name = keyName(event);
    const deed = deeds[name];
    if (!deed || !isFree(name, event.target)) return;
    event.preventDefault();
    deed();
  });
}

/**
 * @param {string} name
 * @param {EventTarget | null} target
 */
function isFree(name, target) {
  if (target instanceof Element && target.closest("slip-terminal .xterm")) return false;
  const isChord = name.startsWith("Ctrl+") || /F\d+$/.test(name);
  if (isChord) return true;
  return lettersAreKeys() && !isWriting(target) && !document.querySelector("dialog[open]");
}
