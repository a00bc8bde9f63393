/** What stands where the terminal will be until the lab is there; and the figures of a living one. */

import { drawing } from "../lib/dom.js";
import { level, megabytes } from "../lib/figures.js";

/**
 * @typedef {{state: "waiting" | "making" | "ready" | "ended" | "away", place: number | null,
 *   lab: string | null, terminals: string[], names: Record<string, string>, machine?: object | null, sentence: string}} LabFact
 * @typedef {{memory_bytes: number | null, memory_limit_bytes: number | null, pids: number | null,
 *   pids_limit: number | null, cpu_percent: number | null}} Usage
 */

const OLD_S = 8;
const SHAPES = {
  waiting: "waiting",
  making: "working",
  ready: "good",
  ended: "finished",
  away: "look",
};
const WORDS = {
  waiting: "You are in line. You start by yourself; the lesson’s text is ready to read.",
  making: "Making your container…",
  ready: "",
  ended: "Your container has ended. Load the page again for a new one.",
  away: "The runtime does not answer; labs go on. This page tries again by itself.",
};

export class SlipLab extends HTMLElement {
  /** @param {Pick<LabFact, "state" | "sentence">} fact */
  show({ state, sentence }) {
    this.dataset.state = state;
    const text = this.querySelector("[data-text]");
    const words = sentence || WORDS[state];
    if (text && text.textContent !== words) text.textContent = words;
    this.querySelector("[data-shape-slot]")?.replaceChildren(
      drawing(`[data-shape=${SHAPES[state]}]`),
    );
  }

  /**
   * The workshop is over: there is no lab to load again, but something to keep, and others to join.
   * @param {string} sentence
   */
  close(sentence) {
    this.show({ state: "ended", sentence });
    this.querySelector("[data-again]")?.setAttribute("hidden", "");
    for (const link of this.querySelectorAll("[data-elsewhere]")) link.removeAttribute("hidden");
  }
}

export class SlipMeters extends HTMLElement {
  #timer = 0;
  #shownAt = 0;

  connectedCallback() {
    this.#timer = window.setInterval(() => this.#showAge(), 1000);
  }

  disconnectedCallback() {
    clearInterval(this.#timer);
  }

  /** @param {Usage} usage */
  show(usage) {
    this.hidden = false;
    this.#shownAt = Date.now();
    this.#showAge();
    const { memory_bytes, memory_limit_bytes, cpu_percent, pids, pids_limit } = usage;
    const memory = `${megabytes(memory_bytes)} of ${megabytes(memory_limit_bytes)}\u00a0MB`;
    this.#one("memory", memory_bytes, memory_limit_bytes, memory);
    this.#one("cpu", cpu_percent, 100, cpu_percent === null ? "–" : `${cpu_percent}\u00a0%`);
    this.#one("pids", pids, pids_limit, `${pids ?? "–"} of ${pids_limit ?? "–"}`);
  }

  /** Old figures are labelled with their age, never faded. */
  #showAge() {
    const seconds = Math.round((Date.now() - this.#shownAt) / 1000);
    const tag = this.querySelector("[data-age]");
    if (!tag || !this.#shownAt) return;
    tag.toggleAttribute("hidden", seconds < OLD_S);
    tag.textContent = `figures ${seconds}\u00a0s old`;
  }

  /**
   * @param {string} name
   * @param {number | null} value
   * @param {number | null} limit
   * @param {string} text
   */
  #one(name, value, limit, text) {
    const one = this.querySelector(`[data-meter=${name}]`);
    if (!(one instanceof HTMLElement)) return;
    one.hidden = false;
    const near = name === "cpu" ? "calm" : level(value, limit);
    one.dataset.level = near;
    const meter = one.querySelector("meter");
    if (meter) {
      meter.max = limit ?? 1;
      meter.value = value ?? 0;
    }
    const words = { calm: "", near: ", nearly full", full: ", at its limit" };
    const place = one.querySelector("[data-value]");
    if (place) place.textContent = text + words[near];
  }
}

customElements.define("slip-lab", SlipLab);
customElements.define("slip-meters", SlipMeters);
