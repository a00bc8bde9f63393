/** A step's check: looks into the lab when asked, says what was expected and what was found. */

import { showFindings, showProblem, showState, spoken, stateOf } from "../lib/findings.js";
import { say } from "../lib/say.js";

/** @typedef {import("../lib/findings.js").Verdict} Verdict */

const SLOW_MS = 3000;

export class SlipCheck extends HTMLElement {
  /** @type {() => Promise<Verdict>} set by the page */
  ask = () => Promise.reject(new Error("no connection"));

  #isLooking = false;

  connectedCallback() {
    this.#again.addEventListener("click", this.#start);
  }

  disconnectedCallback() {
    this.#again.removeEventListener("click", this.#start);
  }

  /** Looks now, unless it is looking already. */
  async look() {
    if (this.#isLooking) return;
    this.#isLooking = true;
    const before = /** @type {"idle"} */ (this.dataset.state ?? "idle");
    const slow = setTimeout(() => this.#aside("still looking, at most 30 s"), SLOW_MS);
    showState(this, "looking");
    showProblem(this, "");
    this.#aside("looking in your container…");
    try {
      this.#show(await this.ask());
    } catch (problem) {
      showState(this, before);
      this.#aside("");
      const sentence = problem instanceof Error ? problem.message : "";
      showProblem(this, sentence);
      say(sentence);
    } finally {
      clearTimeout(slow);
      this.#isLooking = false;
    }
  }

  /** @param {Verdict} verdict */
  #show(verdict) {
    showFindings(this, verdict);
    this.#aside(verdict.passed ? "just now" : "");
    this.#again.hidden = verdict.passed;
    say(spoken(verdict));
    this.dispatchEvent(new CustomEvent("slip-verdict", { bubbles: true, detail: verdict }));
    if (stateOf(verdict) !== "passed") this.scrollIntoView({ block: "nearest" });
  }

  get #again() {
    return /** @type {HTMLButtonElement} */ (this.querySelector("[data-again]"));
  }

  /** @param {string} text */
  #aside(text) {
    const aside = this.querySelector("[data-aside]");
    if (aside) aside.textContent = text;
  }

  #start = () => {
    this.look();
  };
}

customElements.define("slip-check", SlipCheck);
