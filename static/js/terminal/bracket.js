/**
 * The end of a paste that Ctrl C cut off. A program that brackets pastes takes all that follows for pasted text until
 * the bracket is closed: keys would be dead to it. Where the page goes or its connection, the server closes it.
 */

const END = "\x1b[201~";
const INTERRUPT = "\x03";
const LOOK_MS = 500;
const LOOKS = 4; // a busy shell that still reads the paste takes its time
const MODE = 2004;

export class Bracket {
  #term;
  #clock;
  #type;
  #isAtPrompt;
  #hasAnswered = false;
  /** @type {unknown} */
  #timer = null;

  /**
   * @param {import("@xterm/xterm").Terminal} term
   * @param {import("./sizes.js").Clock} clock
   * @param {(text: string) => void} type
   * @param {() => boolean} isAtPrompt whether the line looks as one does in which a shell waits
   */
  constructor(term, clock, type, isAtPrompt) {
    this.#term = term;
    this.#clock = clock;
    this.#type = type;
    this.#isAtPrompt = isAtPrompt;
    term.parser.registerCsiHandler({ prefix: "?", final: "l" }, (modes) => {
      if (modes.includes(MODE)) this.#hasAnswered = true;
      return false;
    });
  }

  /** Ctrl C was sent into a paste: a shell begins a new line by itself, where a stray end would be typed. */
  interrupted() {
    if (this.#term.buffer.active.type === "alternate") {
      this.#type(END); // an editor only takes it for more text
      return;
    }
    this.#clock.cancel(this.#timer);
    this.#hasAnswered = false;
    this.#look(LOOKS);
  }

  /** Something is typed: where the shell waits already, it is a line of its own, and no rest of the paste. */
  typed() {
    if (this.#hasAnswered && this.#isAtPrompt()) this.#clock.cancel(this.#timer);
  }

  /**
   * bash says that it was interrupted also where it then goes on to take in what is pasted; asked again while no more
   * comes, it stops.
   * @param {number} looks how many are left
   */
  #look(looks) {
    this.#timer = this.#clock.later(LOOK_MS, () => {
      const isOver = this.#hasAnswered && this.#isAtPrompt();
      if (isOver || !this.#term.modes.bracketedPasteMode) return;
      if (looks === 1) {
        this.#type(END);
        return;
      }
      if (this.#hasAnswered) this.#type(INTERRUPT);
      this.#look(looks - 1);
    });
  }
}
