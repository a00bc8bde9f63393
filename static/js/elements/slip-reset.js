/** Throws the learner's container away for a fresh one, as their step begins. */

import { say } from "../lib/say.js";

export class SlipReset extends HTMLElement {
  /** @type {() => Promise<unknown>} asks for it; set by the page */
  ask = () => Promise.reject(new Error("no connection"));

  connectedCallback() {
    this.#button?.addEventListener("click", this.#reset);
  }

  disconnectedCallback() {
    this.#button?.removeEventListener("click", this.#reset);
  }

  /**
   * How it ended.
   * @param {{done: boolean, sentence: string}} fact
   */
  show({ done, sentence }) {
    this.#busy(false);
    this.#tell(sentence);
    say(sentence, { urgent: !done });
  }

  #reset = async () => {
    if (this.#button?.ariaBusy === "true") return;
    this.#busy(true);
    this.#tell("Making a new container, and setting it up…");
    try {
      await this.ask();
    } catch (problem) {
      this.#busy(false);
      this.#tell(problem instanceof Error ? problem.message : "");
    }
  };

  get #button() {
    return this.querySelector("button");
  }

  /** @param {boolean} isBusy */
  #busy(isBusy) {
    if (this.#button) this.#button.ariaBusy = String(isBusy);
  }

  /** @param {string} words */
  #tell(words) {
    const place = this.querySelector("[data-words]");
    if (place) place.textContent = words;
  }
}

customElements.define("slip-reset", SlipReset);
