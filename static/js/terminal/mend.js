/** What a program that died has left switched on, and how to switch it off. Nothing here touches the page. */

/**
 * @typedef {object} Left
 * @property {boolean} isAlternate the other screen is shown
 * @property {string} mouse how the mouse is reported, or `none`
 * @property {boolean} isInserting
 * @property {boolean} isOrigin
 * @property {boolean} tellsFocus
 * @property {boolean} isUnknown a program was there, and what it left otherwise (a hidden cursor, margins, another
 *   alphabet) xterm.js doesn't tell
 * @property {string} line what stands before the cursor
 */

const CALM =
  "\x1b7\x1b[?6l\x1b[r\x1b8" + // the whole screen scrolls again; the cursor stays
  "\x1b[?9l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1005l\x1b[?1006l\x1b[?1015l" + // the mouse is the page's
  "\x1b[?1004l\x1b[4l\x1b[?7h\x1b[?25h\x0f\x1b(B"; // focus is not told, the cursor is seen, letters are letters

/**
 * Gives the bytes that make a terminal fit for its shell again, or nothing where all is well. What shells switch
 * themselves (keypad, arrows, bracketed paste) stays theirs.
 * @param {Left} left
 */
export function mending({
  isAlternate,
  mouse,
  isInserting,
  isOrigin,
  tellsFocus,
  isUnknown,
  line,
}) {
  const isSeen = isAlternate || mouse !== "none" || isInserting || isOrigin || tellsFocus;
  if (!isSeen && !isUnknown) return "";
  // The prompt was printed on the screen that goes; the shell doesn't print it twice.
  return isAlternate ? `${CALM}\x1b[?1049l\r\n${line}` : CALM;
}
