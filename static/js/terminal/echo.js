/** How long keys take: from a key typed at a prompt to what the server next sends. */

const KEPT = 5;
export const SLOW_MS = 400;
const LONGEST_MS = 5000;

export class Echo {
  #now;
  #sentAt = 0;
  /** @type {number[]} */
  #times = [];

  /** @param {() => number} now milliseconds */
  constructor(now) {
    this.#now = now;
  }

  /** A key went out that the shell answers at once. */
  sent() {
    this.#sentAt ||= this.#now();
  }

  /** Something came back. */
  heard() {
    if (!this.#sentAt) return;
    const took = this.#now() - this.#sentAt;
    this.#sentAt = 0;
    if (took > LONGEST_MS) return; // that was no answer: the shell read in secret
    this.#times.push(took);
    this.#times.splice(0, this.#times.length - KEPT);
  }

  /** What was on its way is not coming, or is no answer to a key. */
  forget() {
    this.#sentAt = 0;
    this.#times = [];
  }

  /**
   * Milliseconds a key takes, once several in a row were slow; one that was late says nothing.
   * @returns {number | null}
   */
  get slowMs() {
    if (this.#times.length < KEPT) return null;
    const middle = [...this.#times].sort((one, other) => one - other)[KEPT >> 1] ?? 0;
    return middle > SLOW_MS ? Math.round(middle) : null;
  }
}
