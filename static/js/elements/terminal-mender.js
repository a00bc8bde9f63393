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

export class TerminalMender {
  #term;
  #isAtShell;
  #timer = 0;

  /**
   * @param {import("@xterm/xterm").Terminal} term
   * @param {() => boolean} isAtShell whether the shell is in front, and nothing is replayed
   */
  constructor(term, isAtShell) {
    this.#term = term;
    this.#isAtShell = isAtShell;
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
    const line = lineOf(this.#term);
    if (!this.#isAtShell() || !isPrompt(line)) return;
    const { mouseTrackingMode, insertMode, originMode, sendFocusMode } = this.#term.modes;
    this.#term.write(
      mending({
        isAlternate: this.#term.buffer.active.type === "alternate",
        mouse: mouseTrackingMode,
        isInserting: insertMode,
        isOrigin: originMode,
        tellsFocus: sendFocusMode,
        line,
      }),
    );
  }
}
