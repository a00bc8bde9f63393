/** Switches off what a program left on that died, once its shell is in front again. */

import { mending } from "../terminal/mend.js";

const MEND_MS = 400; // a program that only begins is in front by then
const PROMPT = /[$#%>❯➜λ»] ?$/;

/** Whether a line looks as a shell's does that waits. @param {string} line */
export function isPrompt(line) {
  return PROMPT.test(line);
}

/**
 * What stands before the cursor.
 * @param {import("@xterm/xterm").Terminal} term
 */
export function lineOf({ buffer: { active } }) {
  const line = active.getLine(active.baseY + active.cursorY);
  return line?.translateToString(false, 0, active.cursorX) ?? "";
}

/**
 * All that is shown down to the cursor, in lines as they were printed.
 * @param {import("@xterm/xterm").Terminal} term
 */
function screenOf(term) {
  const { active } = term.buffer;
  let text = "";
  for (let row = active.baseY; row < active.baseY + active.cursorY; row++) {
    const goesOn = active.getLine(row + 1)?.isWrapped;
    text += active.getLine(row)?.translateToString(!goesOn) ?? "";
    if (!goesOn) text += "\r\n";
  }
  return text + lineOf(term);
}

export class TerminalMender {
  #term;
  #isAtShell;
  #timer = 0;
  #isBack = false;
  #isUnknown = false;

  /**
   * @param {import("@xterm/xterm").Terminal} term
   * @param {() => boolean} isAtShell whether the shell is in front, and nothing is replayed
   */
  constructor(term, isAtShell) {
    this.#term = term;
    this.#isAtShell = isAtShell;
  }

  /**
   * A replay is over. What was mended before it isn't part of it, so what was printed since stands on the screen that
   * goes, and is kept.
   */
  back() {
    this.#isBack = true;
    this.#isUnknown = true;
    this.look();
  }

  /** A program is in front: what it leaves is its own. */
  giveWay() {
    this.#isBack = false;
    this.#isUnknown = true;
  }

  /** Something changed: looks at it soon. */
  look() {
    if (this.#isAtShell()) this.#timer ||= window.setTimeout(() => this.#mend(), MEND_MS);
  }

  close() {
    clearTimeout(this.#timer);
  }

  #mend() {
    this.#timer = 0;
    if (!this.#isAtShell() || !isPrompt(lineOf(this.#term))) return;
    const { mouseTrackingMode, insertMode, originMode, sendFocusMode } = this.#term.modes;
    this.#term.write(
      mending({
        isAlternate: this.#term.buffer.active.type === "alternate",
        mouse: mouseTrackingMode,
        isInserting: insertMode,
        isOrigin: originMode,
        tellsFocus: sendFocusMode,
        isUnknown: this.#isUnknown,
        line: this.#isBack ? screenOf(this.#term) : lineOf(this.#term),
      }),
    );
    this.#isBack = false;
    this.#isUnknown = false;
  }
}
