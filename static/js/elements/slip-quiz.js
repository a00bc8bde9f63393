/** One question of a step; an answer is judged like a check. */

import { showFindings, showProblem, showState, spoken } from "../lib/findings.js";
import { say } from "../lib/say.js";

/** @typedef {import("../lib/findings.js").Verdict} Verdict */

/** Kinds that are answered by a choice; what is sent is its place in the list. */
const CHOSEN = ["choice", "guess"];

export class SlipQuiz extends HTMLElement {
  /** @type {(question: string, value: string | number) => Promise<Verdict>} set by the page */
  ask = () => Promise.reject(new Error("no connection"));

  #isAsking = false;

  connectedCallback() {
    this.querySelector("form")?.addEventListener("submit", this.#submit);
  }

  disconnectedCallback() {
    this.querySelector("form")?.removeEventListener("submit", this.#submit);
  }

  get isPassed() {
    return this.dataset.state === "passed";
  }

  /** Sends what is chosen or typed; with nothing chosen the first field gets the focus. */
  async send() {
    const value = this.#value();
    if (value === null) {
      this.querySelector("input")?.focus();
      say("Choose or type an answer first.");
      return;
    }
    if (this.#isAsking) return;
    this.#isAsking = true;
    const before = /** @type {"idle"} */ (this.dataset.state ?? "idle");
    showState(this, "looking");
    showProblem(this, "");
    try {
      const verdict = await this.ask(this.dataset.question ?? "", value);
      showFindings(this, verdict);
      say(spoken(verdict));
      this.dispatchEvent(new CustomEvent("slip-verdict", { bubbles: true, detail: verdict }));
    } catch (problem) {
      showState(this, before);
      const sentence = problem instanceof Error ? problem.message : "";
      showProblem(this, sentence);
      say(sentence);
    } finally {
      this.#isAsking = false;
    }
  }

  /** @returns {string | number | null} */
  #value() {
    const form = this.querySelector("form");
    const raw = form && new FormData(form).get("value");
    if (typeof raw !== "string" || !raw.trim()) return null;
    return CHOSEN.includes(this.dataset.kind ?? "") ? Number(raw) : raw.trim();
  }

  /** @param {Event} event */
  #submit = (event) => {
    event.preventDefault();
    this.send();
  };
}

customElements.define("slip-quiz", SlipQuiz);
