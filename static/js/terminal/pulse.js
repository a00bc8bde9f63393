/**
 * Notices a connection that is dead without a word: a cable pulled, a wireless network left. The browser keeps such a
 * websocket open for minutes, and the page would call it connected.
 */

export const IDLE_MS = 10_000;
export const KEY_MS = 1000;
export const ANSWER_MS = 4000;

export class Pulse {
  #clock;
  #knock;
  #lost;
  #heardAt = 0;
  #knockedAt = 0;
  #isSoon = false;
  /** @type {unknown} */
  #timer = null;

  /**
   * @param {import("./link.js").Clock} clock
   * @param {() => void} knock asks the other side for a sign of life
   * @param {() => void} lost nothing came
   */
  constructor(clock, knock, lost) {
    this.#clock = clock;
    this.#knock = knock;
    this.#lost = lost;
  }

  begin() {
    this.#knockedAt = 0;
    this.heard();
    this.#later(IDLE_MS);
  }

  stop() {
    this.#clock.cancel(this.#timer);
    this.#timer = null;
  }

  /** Anything at all came. */
  heard() {
    this.#heardAt = this.#clock.now();
  }

  /** A key went out: mostly something comes back, and if not, we ask sooner. */
  typed() {
    if (this.#timer === null || this.#isSoon || this.#isWaiting) return;
    this.#later(KEY_MS);
    this.#isSoon = true;
  }

  get #isWaiting() {
    return this.#knockedAt > this.#heardAt;
  }

  /** @param {number} ms */
  #later(ms) {
    this.stop();
    this.#isSoon = false;
    this.#timer = this.#clock.later(ms, () => this.#look());
  }

  #look() {
    if (this.#isWaiting) {
      this.stop();
      this.#lost();
    } else if (this.#clock.now() - this.#heardAt >= KEY_MS) {
      this.#knockedAt = this.#clock.now();
      this.#later(ANSWER_MS);
      this.#knock();
    } else this.#later(IDLE_MS);
  }
}
