/** What is open stays true: looked at again and again while somebody can see it. */

export class Live {
  #look;
  #everyMs;
  #timer = 0;
  #isLooking = false;

  /**
   * @param {() => Promise<unknown>} look never asked for while it is still at it
   * @param {number} everyMs
   */
  constructor(look, everyMs) {
    this.#look = look;
    this.#everyMs = everyMs;
  }

  /**
   * Begins with a look.
   * @param {HTMLDetailsElement} details
   */
  follow(details) {
    this.stop();
    this.#timer = window.setInterval(() => {
      if (!details.open) this.stop();
      else if (document.visibilityState === "visible") this.#once();
    }, this.#everyMs);
    this.#once();
  }

  stop() {
    window.clearInterval(this.#timer);
    this.#timer = 0;
  }

  async #once() {
    if (this.#isLooking) return;
    this.#isLooking = true;
    try {
      await this.#look();
    } finally {
      this.#isLooking = false;
    }
  }
}
