/** One question of a step; an answer is judged like a check. */

import { showFindings, showProblem, showState, spoken } from "../lib/findings.js";
import { say } from "../lib/say.js";

/** @typedef {import("../lib/findings.js").Verdict} Verdict */

/** Kinds that are answered by one choice; what is sent is its place in the list. */
const CHOSEN = ["choice", "guess"];
/** Kinds that are answered by some of the choices, or all: their places, with spaces between. */
const LISTED = ["several", "order"];

/**
 * A part of an order goes one place up or down; the focus stays on its button, or at the end of the
 * list goes to the other one.
 * @param {HTMLElement} item
 * @param {HTMLElement} button
 */
function moveItem(item, button) {
  const isUp = button.dataset.move === "-1";
  if (isUp) item.previousElementSibling?.before(item);
  else item.nextElementSibling?.after(item);
  const opposite = item.querySelector(`[data-move="${isUp ? 1 : -1}"]`);
  const isAtEnd = !(isUp ? item.previousElementSibling : item.nextElementSibling);
  if (isAtEnd && opposite instanceof HTMLElement) opposite.focus();
  else button.focus();
  const places = [...(item.parentElement?.children ?? [])];
  const words = item.querySelector("span")?.textContent ?? "";
  say(`${words}: now ${places.indexOf(item) + 1} of ${places.length}.`);
}

export class SlipQuiz extends HTMLElement {
  /** @type {(question: string, value: string | number) => Promise<Verdict>} set by the page */
  ask = () => Promise.reject(new Error("no connection"));

  #isAsking = false;

  connectedCallback() {
    this.querySelector("form")?.addEventListener("submit", this.#submit);
    this.addEventListener("click", this.#move);
  }

  disconnectedCallback() {
    this.querySelector("form")?.removeEventListener("submit", this.#submit);
    this.removeEventListener("click", this.#move);
  }

  get isPassed() {
    return this.dataset.state === "passed";
  }

  /** Sends what is chosen or typed; with nothing chosen the first field gets the focus. */
  async send() {
    const value = this.#value();
    if (value === null) {
      const field = this.querySelector("input, textarea");
      if (field instanceof HTMLElement) field.focus();
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
    if (form && LISTED.includes(this.dataset.kind ?? "")) {
      return new FormData(form).getAll("value").join(" ") || null;
    }
    const raw = form && new FormData(form).get("value");
    if (typeof raw !== "string" || !raw.trim()) return null;
    return CHOSEN.includes(this.dataset.kind ?? "") ? Number(raw) : raw.trim();
  }

  /** @param {Event} event */
  #move = (event) => {
    const button = event.target instanceof Element ? event.target.closest("[data-move]") : null;
    const item = button?.closest("li");
    if (button instanceof HTMLElement && item) moveItem(item, button);
  };

  /** @param {Event} event */
  #submit = (event) => {
    event.preventDefault();
    this.send();
  };
}

customElements.define("slip-quiz", SlipQuiz);
