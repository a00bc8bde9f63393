/** What a view of the learner's own engine has in common with others: when it looks, and its words. */

/** @typedef {"containers" | "images"} What */

export class SlipEngine extends HTMLElement {
  /** @type {(what: What) => Promise<any[]>} set by the page */
  ask = () => Promise.reject(new Error("no connection"));

  #isLooking = false;
  #wantsMore = false;

  connectedCallback() {
    this.querySelector("[data-look]")?.addEventListener("click", this.look);
  }

  disconnectedCallback() {
    this.querySelector("[data-look]")?.removeEventListener("click", this.look);
  }

  /** @type {What} what it asks for */
  get what() {
    return "containers";
  }

  /**
   * Draws what was found, and gives it in words.
   * @param {any[]} _found
   * @returns {string}
   */
  draw(_found) {
    return "";
  }

  /** One at a time; a wish that comes meanwhile is met once more at the end. */
  look = async () => {
    if (this.#isLooking) {
      this.#wantsMore = true;
      return;
    }
    this.#isLooking = true;
    try {
      this.#say(this.draw(await this.ask(this.what)));
    } catch (problem) {
      this.#say(problem instanceof Error ? problem.message : "");
    } finally {
      this.#isLooking = false;
    }
    if (!this.#wantsMore) return;
    this.#wantsMore = false;
    this.look();
  };

  /** @param {string} words */
  #say(words) {
    const place = this.querySelector("[data-words]");
    if (place && place.textContent !== words) place.textContent = words;
  }
}
