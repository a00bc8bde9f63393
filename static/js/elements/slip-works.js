/** The same work on both sides: started, followed, stopped; the last result of each stays. */

import { say } from "../lib/say.js";
import { ratio, shown } from "../panel/figures.js";

/**
 * @typedef {{rate: number, unit: string}} Rate
 * @typedef {{work: string, state: "waiting" | "running" | "done" | "stopped" | "failed", place: number | null,
 *   side: "machine" | "container" | null, percent: number | null, container: Rate | null,
 *   machine: Rate | null, accelerator: string | null, sentence?: string | null}} Work
 */

const SIDES = /** @type {const} */ (["machine", "container"]);
const ACTIVE = ["waiting", "running"];

export class SlipWorks extends HTMLElement {
  /** @type {(work: string) => Promise<unknown>} set by the page */
  run = () => Promise.resolve();

  /** @type {() => Promise<unknown>} set by the page */
  stop = () => Promise.resolve();

  connectedCallback() {
    this.addEventListener("click", this.#click);
    for (const row of this.querySelectorAll("[data-last]")) {
      const last = JSON.parse(row.getAttribute("data-last") ?? "null");
      if (last) this.#showResult(row, last);
    }
  }

  disconnectedCallback() {
    this.removeEventListener("click", this.#click);
  }

  /** @param {Work} fact */
  show(fact) {
    const row = this.querySelector(`[data-work="${CSS.escape(fact.work)}"]`);
    if (!(row instanceof HTMLElement)) return;
    row.dataset.state = fact.state;
    for (const side of SIDES) showProgress(row, side, fact);
    if (fact.state === "done") row.dataset.last = JSON.stringify(fact);
    // What was stopped has no result, so the one before it is still the last.
    const { last } = row.dataset;
    this.#showResult(row, fact.state === "stopped" && last ? JSON.parse(last) : fact);
    this.#showButtons(row, ACTIVE.includes(fact.state));
    const words = wordsOf(row.dataset.label ?? "", fact);
    this.#say(words);
    if (!ACTIVE.includes(fact.state)) say(words);
  }

  /** @param {Element} row @param {Pick<Work, "machine" | "container" | "accelerator">} fact */
  #showResult(row, { machine, container, accelerator }) {
    for (const [side, rate] of Object.entries({ machine, container })) {
      const place = row.querySelector(`[data-side=${side}] [data-value]`);
      if (place) place.textContent = rate ? shown(rate.rate, rate.unit) : "–";
    }
    const times = row.querySelector("[data-ratio]");
    if (times) times.textContent = ratio(container?.rate, machine?.rate);
    const isEmulated = accelerator === "tcg" && machine !== null;
    row.querySelector("[data-mark]")?.toggleAttribute("hidden", !isEmulated);
  }

  /** @param {HTMLElement} row @param {boolean} isActive */
  #showButtons(row, isActive) {
    for (const button of this.querySelectorAll("[data-run]")) {
      const isOwn = row.contains(button);
      const word = button.querySelector("[data-word]");
      if (word && isOwn) word.textContent = isActive ? "Stop" : "Again";
      button.setAttribute("aria-disabled", String(isActive && !isOwn));
    }
  }

  /** @param {Event} event */
  #click = async (event) => {
    const button = event.target instanceof Element ? event.target.closest("[data-run]") : null;
    const row = button?.closest("[data-work]");
    if (!(row instanceof HTMLElement) || button?.getAttribute("aria-disabled") === "true") return;
    try {
      if (ACTIVE.includes(row.dataset.state ?? "")) await this.stop();
      else await this.run(row.dataset.work ?? "");
    } catch (problem) {
      const words = problem instanceof Error ? problem.message : String(problem);
      this.#say(words);
      say(words);
    }
  };

  /** @param {string} words */
  #say(words) {
    const line = this.querySelector("[data-say]");
    if (line && line.textContent !== words) line.textContent = words;
  }
}

/**
 * @param {HTMLElement} row
 * @param {"machine" | "container"} side
 * @param {Work} fact
 */
function showProgress(row, side, fact) {
  const bar = row.querySelector(`[data-side=${side}] progress`);
  if (!(bar instanceof HTMLProgressElement)) return;
  bar.hidden = !(fact.state === "running" && fact.side === side);
  bar.value = fact.percent ?? 0;
}

/** @param {string} label @param {Work} fact */
function wordsOf(label, { state, place, side, machine, container, sentence }) {
  if (sentence) return sentence;
  if (state === "waiting")
    return place ? `${label}: number ${place} in line.` : `${label}: in line.`;
  if (state === "running") return side ? `${label}: the ${side} works.` : `${label}: it begins.`;
  if (state === "stopped") return `${label}: stopped.`;
  const parts = Object.entries({ machine, container }).map(([name, rate]) =>
    rate ? `${name} ${shown(rate.rate, rate.unit)}` : `no ${name}`,
  );
  const times = ratio(container?.rate, machine?.rate);
  return `${label} for 3\u00a0s: ${parts.join(", ")}${times === "–" ? "" : `, ${times.replace("×", " times")}`}.`;
}

customElements.define("slip-works", SlipWorks);
