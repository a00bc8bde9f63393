/**
 * The sizes that output says. A hostile program may print thousands, and for each xterm.js breaks its ten thousand
 * lines anew; so they get a share of the page's time, and of those that come too soon the last one counts.
 */

const SPENT_MOST_MS = 500;
const SHARE = 0.1; // of the time that passes

/** @typedef {{now: () => number, later: (ms: number, deed: () => void) => any, cancel: (timer: any) => void}} Clock */

export class Sizes {
  #resize;
  #clock;
  #spentMs = 0;
  #at;
  /** @type {[number, number] | null} */
  #waiting = null;
  /** @type {any} */
  #timer = null;

  /**
   * @param {(rows: number, cols: number) => void} resize takes as long as it takes
   * @param {Clock} clock
   */
  constructor(resize, clock) {
    this.#resize = resize;
    this.#clock = clock;
    this.#at = clock.now();
  }

  /**
   * @param {number} rows
   * @param {number} cols
   */
  take(rows, cols) {
    this.#forgive();
    this.#waiting = [rows, cols];
    if (this.#spentMs <= SPENT_MOST_MS) this.#give();
    else this.#timer ??= this.#clock.later(this.#rest, () => this.#give());
  }

  close() {
    this.#clock.cancel(this.#timer);
  }

  /** How long until there is time again. */
  get #rest() {
    return (this.#spentMs - SPENT_MOST_MS) / SHARE;
  }

  #forgive() {
    const now = this.#clock.now();
    this.#spentMs = Math.max(0, this.#spentMs - (now - this.#at) * SHARE);
    this.#at = now;
  }

  #give() {
    this.#clock.cancel(this.#timer);
    this.#timer = null;
    const [rows, cols] = this.#waiting ?? [0, 0];
    this.#waiting = null;
    if (!rows) return;
    const began = this.#clock.now();
    this.#resize(rows, cols);
    this.#spentMs += this.#clock.now() - began;
  }
}
