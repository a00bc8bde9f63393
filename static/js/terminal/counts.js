/**
 * Sequences that move many lines for a few bytes. xterm.js takes each of their steps, so a line of them stops the page
 * for minutes, and a reload meets them again.
 */

const MOST = 1000; // no terminal of ours has more rows or columns
const STEPS_MOST = 1000; // of lines, in one dose of output
const RESET_STEPS = 50; // what a whole new screen costs
// Insert lines, delete lines, scroll up and down.
const MOVING = ["L", "M", "S", "T"];
// Tabs on and back, repeat the last character: dear only by the billion.
const COUNTED = ["I", "Z", "b"];

export class Counts {
  #steps = 0;

  /**
   * Lets a terminal pass over counts that no screen has, and over what moves more lines than any program does.
   * @param {import("@xterm/xterm").IParser} parser
   */
  constructor(parser) {
    for (const final of COUNTED)
      parser.registerCsiHandler({ final }, ([count]) => typeof count === "number" && count > MOST);
    for (const final of MOVING)
      parser.registerCsiHandler({ final }, ([count]) => this.#isTooMuch(Number(count) || 1));
    parser.registerEscHandler({ final: "c" }, () => this.#isTooMuch(RESET_STEPS));
  }

  /** Another dose of output begins. */
  begin() {
    this.#steps = 0;
  }

  /** @param {number} steps */
  #isTooMuch(steps) {
    if (steps > MOST || this.#steps >= STEPS_MOST) return true;
    this.#steps += steps;
    return false;
  }
}
