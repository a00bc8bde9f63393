/** What goes into xterm.js: all output of a terminal, so that none of it, however hostile, stops the page. */

import { Counts } from "./counts.js";
import { Sizes } from "./sizes.js";

const [ROWS_MOST, COLUMNS_MOST] = [500, 1000];
// xterm.js lets the page breathe between two writes, never within one, and 64 KiB of dear sequences take seconds.
const DOSE_BYTES = 1024;

export class Intake {
  #term;
  #counts;
  #sizes;

  /**
   * @param {import("@xterm/xterm").Terminal} term
   * @param {import("./sizes.js").Clock} clock
   */
  constructor(term, clock) {
    this.#term = term;
    this.#counts = new Counts(term.parser);
    this.#sizes = new Sizes((rows, cols) => term.resize(cols, rows), clock);
    term.parser.registerCsiHandler({ prefix: "?", final: "t" }, (size) => this.#take(size));
  }

  /**
   * @param {Uint8Array} data as it came
   * @param {() => void} drawn
   */
  output(data, drawn) {
    for (let at = 0; at < data.length; at += DOSE_BYTES) {
      const end = at + DOSE_BYTES;
      this.#term.write(data.subarray(at, end), () => {
        this.#counts.begin();
        if (end >= data.length) drawn();
      });
    }
  }

  /**
   * The size that the server says, in its place between two outputs.
   * @param {number} rows
   * @param {number} cols
   */
  size(rows, cols) {
    this.#term.write(sizeMark(rows, cols));
  }

  close() {
    this.#sizes.close();
  }

  /**
   * The output says where the size changed, so that a replay draws each part as it was drawn.
   * @param {(number | number[])[]} size 8, rows, columns
   */
  #take([kind, rows, cols]) {
    if (kind !== 8 || typeof rows !== "number" || typeof cols !== "number") return false;
    if (rows > 0 && rows <= ROWS_MOST && cols > 0 && cols <= COLUMNS_MOST)
      this.#sizes.take(rows, cols);
    return true;
  }
}

/** @param {number} rows @param {number} cols */
export function sizeMark(rows, cols) {
  return `\x1b[?8;${rows};${cols}t`;
}
