/**
 * The end of a paste that Ctrl C cut off. A program that brackets pastes takes all that follows for pasted text until
 * the bracket is closed: keys would be dead to it. Where the page goes or its connection, the server closes it.
 */

const END = "\x1b[201~";
const ANSWER_MS = 1500; // a busy shell that still reads the paste takes its time
const MODE = 2004;

export class Bracket {
  #term;
  #clock;
  #type;
  #isOver = true;

  /**
   * @param {import("@xterm/xterm").Terminal} term
   * @param {import("./sizes.js").Clock} clock
   * @param {(text: string) => void} type
   */
  constructor(term, clock, type) {
    this.#term = term;
    this.#clock = clock;
    this.#type = type;
    term.parser.registerCsiHandler({ prefix: "?", final: "l" }, (modes) => {
      if (modes.includes(MODE)) this.#isOver = true;
      return false;
    });
  }

  /** Ctrl C was sent into a paste: a shell begins a new line by itself, where a stray end would be typed. */
  interrupted() {
    if (this.#term.buffer.active.type === "alternate") {
      this.#type(END); // an editor only takes it for more text
      return;
    }
    this.#isOver = false;
    this.#clock.later(ANSWER_MS, () => {
      if (!this.#isOver && this.#term.modes.bracketedPasteMode) this.#type(END);
      this.#isOver = true;
    });
  }
}
