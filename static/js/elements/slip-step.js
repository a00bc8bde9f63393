/** One step as a whole: its one button checks, and becomes the way on when all is passed. */

import { goTo } from "../lib/leaving.js";
import { say } from "../lib/say.js";
import { SlipCheck } from "./slip-check.js";
import { SlipHints } from "./slip-hints.js";
import { SlipQuiz } from "./slip-quiz.js";

/** @typedef {import("../lib/findings.js").Verdict} Verdict */

const SETTLE_MS = 600;

export class SlipStep extends HTMLElement {
  /** @type {() => Promise<unknown>} lets the learner go on unpassed; set by the page */
  skip = () => Promise.resolve();

  #doneAt = Number.NEGATIVE_INFINITY;

  connectedCallback() {
    this.addEventListener("slip-verdict", this.#judged);
    this.addEventListener("click", this.#click);
  }

  disconnectedCallback() {
    this.removeEventListener("slip-verdict", this.#judged);
    this.removeEventListener("click", this.#click);
  }

  get isDone() {
    return this.dataset.done === "true";
  }

  /** The step's name within its lesson. */
  get name() {
    return this.dataset.step?.split("/")[1] ?? "";
  }

  /**
   * Leads on, or not yet.
   * @param {string[]} ids of the steps that the class isn't to open yet
   */
  lock(ids) {
    const onward = this.querySelector("[data-onward]");
    const isLocked = ids.includes(onward?.getAttribute("data-onward") ?? "");
    onward?.setAttribute("aria-disabled", String(isLocked));
    this.querySelector("[data-locked-line]")?.toggleAttribute("hidden", !isLocked);
  }

  /** Looks into the lab, or sends the first answer that isn't right yet. */
  check() {
    const check = this.querySelector("slip-check");
    if (check instanceof SlipCheck && check.dataset.state !== "passed") {
      check.look();
      return;
    }
    const open = [...this.querySelectorAll("slip-quiz")].find(
      (each) => each instanceof SlipQuiz && !each.isPassed,
    );
    if (open instanceof SlipQuiz) open.send();
  }

  /** Opens the next hint. */
  hint() {
    const hints = this.querySelector("slip-hints");
    if (hints instanceof SlipHints) hints.openNext();
  }

  /** @param {Event} event */
  #judged = (event) => {
    const verdict = /** @type {CustomEvent<Verdict>} */ (event).detail;
    if (verdict.done && !this.isDone) this.#finish(verdict.summary);
    else if (verdict.broke) this.#offerOn();
  };

  /** @param {string} summary how long it took, tries and hints */
  #finish(summary) {
    this.dataset.done = "true";
    this.#doneAt = performance.now();
    const check = this.querySelector("[data-check]");
    const onward = this.querySelector("[data-onward]");
    // "Check again" is hidden by now, and with it the focus went to the page.
    const focused = document.activeElement;
    const hadFocus = focused?.matches("body, [data-again], [data-check]");
    check?.setAttribute("hidden", "");
    this.querySelector("[data-skip]")?.setAttribute("hidden", "");
    this.querySelector("[data-after]")?.removeAttribute("hidden");
    const line = this.querySelector("[data-done-line]");
    line?.removeAttribute("hidden");
    const sum = this.querySelector("[data-summary]");
    if (sum) sum.textContent = summary;
    onward?.removeAttribute("hidden");
    // After the last step of all there is no way on; the focus still stays in its place.
    const next = onward ?? line;
    if (hadFocus && next instanceof HTMLElement) next.focus({ preventScroll: true });
  }

  /** A check that broke holds nobody up. */
  #offerOn() {
    this.querySelector("[data-onward]")?.removeAttribute("hidden");
  }

  /** @param {Event} event */
  #click = (event) => {
    const target = event.target instanceof Element ? event.target : null;
    if (target?.closest("[data-onward][aria-disabled=true]")) {
      event.preventDefault();
      say(this.querySelector("[data-locked-line]")?.textContent?.trim() ?? "");
    } else if (target?.closest("[data-onward]") && performance.now() - this.#doneAt < SETTLE_MS) {
      event.preventDefault();
    } else if (target?.closest("[data-check]")) this.check();
    else if (target?.closest("[data-hint]")) this.hint();
    else if (target?.closest("[data-skip]")) this.leave();
  };

  /** Goes on without having passed, which is kept. */
  async leave() {
    await this.skip();
    const onward = this.querySelector("[data-onward]");
    if (onward instanceof HTMLAnchorElement && onward.ariaDisabled !== "true") goTo(onward.href);
  }
}

customElements.define("slip-step", SlipStep);
