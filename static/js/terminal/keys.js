/** Which key becomes which deed or which bytes. Nothing here touches the page. */

/**
 * @typedef {{key: string, code?: string, ctrlKey: boolean, altKey: boolean, metaKey: boolean, shiftKey: boolean}} Press
 * @typedef {{hasSelection: boolean, isMac: boolean, isAlternate: boolean}} Place
 * @typedef {"copy" | "paste" | "leave" | "send"} Deed
 */

/**
 * What a key press in a terminal means. `copy` and `paste` are left to the browser, which may do them on a plain
 * http address where scripts may not.
 * @param {Press} press
 * @param {Place} place
 * @returns {Deed}
 */
export function deedOf(press, place) {
  const name = chordOf(press);
  if (ALWAYS[name]) return ALWAYS[name];
  if (place.hasSelection && (place.isMac ? ["M-c"] : COPIES).includes(name)) return "copy";
  const pastes = place.isMac ? name === "M-v" : name === "C-v" && !place.isAlternate;
  return pastes ? "paste" : "send";
}

/** @type {Record<string, Deed>} */
const ALWAYS = { "CS-l": "leave", "CS-c": "copy", "CS-v": "paste", "S-insert": "paste" };
const COPIES = ["C-c", "C-insert"];

/** Ctrl Shift L, whatever the keyboard's language. @param {Press} press */
export function isLeave(press) {
  return ALWAYS[chordOf(press)] === "leave";
}

/** @param {Press} press */
function chordOf({ key, code = "", ctrlKey, altKey, metaKey, shiftKey }) {
  const held = [ctrlKey && "C", altKey && "A", metaKey && "M", shiftKey && "S"];
  return `${held.filter(Boolean).join("")}-${latin(key, code)}`;
}

/**
 * The letter that a chord means: on a Greek or a Russian keyboard the one in that place, as in every other program.
 * @param {string} key
 * @param {string} code
 */
function latin(key, code) {
  const isForeign = key.length === 1 && key > "~";
  const place = isForeign ? /^Key([A-Z])$/.exec(code) : null;
  return (place?.[1] ?? key).toLowerCase();
}

/**
 * A clipboard's text as a shell may have it: without the control characters by which a page that one copied from
 * could end a bracketed paste, and run what follows.
 * @param {string} text
 */
export function cleanPaste(text) {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out
  return text.replace(/[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]/g, "");
}

/**
 * Whether a paste has to be asked about: several lines run at once where the program doesn't bracket them.
 * @param {string} text
 * @param {boolean} isBracketed
 */
export function mustAsk(text, isBracketed) {
  return !isBracketed && /[\r\n]/.test(text.replace(/[\r\n]+$/, ""));
}

/**
 * Whether data comes from the terminal itself (an answer to a program's question), not from a key. Only the tab that
 * has the keyboard answers: two answers would be typed into the program.
 * @param {string} data
 */
export function isAnswer(data) {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: answers begin with an escape
  return /^\x1b(\[[?>=]?[\d;]*(\$y|[cnRtx])|\]\d+;|P)/.test(data);
}

const ARROWS = { ArrowUp: "A", ArrowDown: "B", ArrowRight: "C", ArrowLeft: "D" };

/**
 * The bytes of a key of the touch bar.
 * @param {string} key a name such as `Escape`, or the character itself
 * @param {{ctrl: boolean, alt: boolean, application: boolean}} held `application`: the program asked for the other
 *   arrow codes (vim does)
 */
export function barBytes(key, { ctrl, alt, application }) {
  if (key in ARROWS) {
    const letter = ARROWS[/** @type {keyof typeof ARROWS} */ (key)];
    const modifier = 1 + (alt ? 2 : 0) + (ctrl ? 4 : 0);
    if (modifier > 1) return `\x1b[1;${modifier}${letter}`;
    return (application ? "\x1bO" : "\x1b[") + letter;
  }
  const plain = { Escape: "\x1b", Tab: "\t" }[key] ?? key;
  return withHeld(plain, { ctrl, alt });
}

/**
 * What is typed while Ctrl or Alt of the touch bar are held.
 * @param {string} text
 * @param {{ctrl: boolean, alt: boolean}} held
 */
export function withHeld(text, { ctrl, alt }) {
  if (text.length !== 1) return text;
  const code = text.toUpperCase().charCodeAt(0);
  const isControl = ctrl && code >= 0x40 && code <= 0x5f;
  const bytes = isControl ? String.fromCharCode(code & 0x1f) : text;
  return alt ? `\x1b${bytes}` : bytes;
}

/**
 * Ctrl and Alt of the touch bar: a tap holds for one key, a second tap locks, a third lets go.
 */
export class Held {
  /** @type {Record<"ctrl" | "alt", "up" | "once" | "locked">} */
  state = { ctrl: "up", alt: "up" };

  /** @param {"ctrl" | "alt"} key */
  tap(key) {
    const next = /** @type {const} */ ({ up: "once", once: "locked", locked: "up" });
    this.state[key] = next[this.state[key]];
    return this.state[key];
  }

  /** What is held now; a key held once is up after this. */
  take() {
    const held = { ctrl: this.state.ctrl !== "up", alt: this.state.alt !== "up" };
    if (this.state.ctrl === "once") this.state.ctrl = "up";
    if (this.state.alt === "once") this.state.alt = "up";
    return held;
  }
}
