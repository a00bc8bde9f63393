/**
 * How many columns a character takes: as the C library of the lab counts, by which shells and editors move the cursor.
 * Were a family of emoji drawn in two columns where bash has counted six, the line being edited would fall to pieces.
 */

const VERSION = "as-the-shell";
/** Unicode's own bound for text that is safe to take in (UAX 15, Stream-Safe): no script needs more. */
const MARKS_MOST = 30;
// Marks, joiners, and the vowels and ends of Korean syllables that stand on the letter before.
const ON_THE_LETTER_BEFORE = /^[\p{Mn}\p{Me}\p{Cf}\u1160-\u11ff]$/u;
const SOFT_HYPHEN = 0xad;
const NARROW = 1;
const WIDE = 2;

/** @typedef {import("@xterm/xterm").IUnicodeVersionProvider} Provider */

/** @implements {Provider} */
export class Widths {
  version = VERSION;
  #tables;
  /** @type {Map<number, 0 | 1 | 2>} */
  #known = new Map();
  #marks = 0;

  /** @param {Provider} tables which characters are wide */
  constructor(tables) {
    this.#tables = tables;
  }

  /** @param {number} codepoint @returns {0 | 1 | 2} */
  wcwidth(codepoint) {
    if (codepoint < SOFT_HYPHEN) return NARROW;
    let width = this.#known.get(codepoint);
    if (width === undefined) {
      width = this.#look(codepoint);
      this.#known.set(codepoint, width);
    }
    return width;
  }

  /**
   * What xterm.js wants to know: bit 0 says that it stands on the character before, bits 1 and 2 are the width.
   * @param {number} codepoint
   * @param {number} preceding what this said of the character before; 0 where there is none
   */
  charProperties(codepoint, preceding) {
    const width = this.wcwidth(codepoint);
    const before = (preceding >> 1) & 3;
    if (width || !before) return properties(width || NARROW);
    // Thousands of marks on one letter are no text, and are drawn for minutes: the next begins another cell.
    this.#marks = preceding & 1 ? this.#marks + 1 : 1;
    return this.#marks < MARKS_MOST ? properties(before) | 1 : properties(NARROW);
  }

  /** @param {number} codepoint @returns {0 | 1 | 2} */
  #look(codepoint) {
    const isOn =
      codepoint !== SOFT_HYPHEN && ON_THE_LETTER_BEFORE.test(String.fromCodePoint(codepoint));
    if (isOn) return 0;
    return (this.#tables.charProperties(codepoint, 0) >> 1) & WIDE ? WIDE : NARROW;
  }
}

/** @param {number} width */
function properties(width) {
  return width << 1;
}

/**
 * Lets a terminal count as the shell does.
 * @param {import("@xterm/xterm").Terminal} term
 * @param {import("@xterm/xterm").ITerminalAddon} addon has the tables
 */
export function countAsTheShell(term, addon) {
  /** @type {Provider[]} */
  const tables = [];
  const register = (/** @type {Provider} */ provider) => tables.push(provider);
  addon.activate(/** @type {any} */ ({ unicode: { register, versions: [], activeVersion: "" } }));
  const [found] = tables;
  if (!found) return;
  term.unicode.register(new Widths(found));
  term.unicode.activeVersion = VERSION;
}
