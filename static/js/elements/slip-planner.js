/** How many more fit into the learner's slice; one more until it says no; the sum behind the answer. */

import { Live } from "../lib/live.js";
import { say } from "../lib/say.js";
import { isOvertaken } from "../lib/time.js";
import { duration, megabytes } from "../panel/figures.js";

/**
 * @typedef {{each_bytes: number | null, more: number | null}} Each
 * @typedef {{used_bytes: {machines: number, containers: number}, free_bytes: number, machine: Each,
 *   container: Each}} Line
 * @typedef {{at: number, slice_bytes: number, kept_bytes: number, lines: {idle: Line, promised: Line},
 *   mine: {machines: number, containers: number, container_start: {ms: number} | null},
 *   refused: {kind: string, sentence: string} | null, after_refusal: number}} Plan
 */

const LINES = /** @type {const} */ (["idle", "promised"]);
const KINDS = /** @type {const} */ (["machine", "container"]);
const NAMES = { idle: "Idle, measured now", promised: "If each used all" };
const INSTEAD = "Start a container instead";
const USUAL = "Start a container";
const EVERY_MS = 3000; // a machine that was asked for boots, and takes its memory bit by bit

export class SlipPlanner extends HTMLElement {
  /** @type {(name: "plan" | "more" | "less", fields?: object) => Promise<{plan: Plan}>} set by the page */
  ask = () => Promise.reject(new Error("no connection"));

  /** @type {(name: string) => void} set by the page */
  press = () => {};

  /** @param {Live["follows"]} follows */
  set follows(follows) {
    this.#live.follows = follows;
  }

  #live = new Live(() => this.#take("plan"), EVERY_MS);
  #asked = 0;
  #at = 0;
  /** @type {string | null} the last one that was shown; null before the first look */
  #refusal = null;

  connectedCallback() {
    this.addEventListener("click", this.#click);
    this.querySelector("details")?.addEventListener("toggle", this.#toggled);
  }

  disconnectedCallback() {
    this.removeEventListener("click", this.#click);
    this.querySelector("details")?.removeEventListener("toggle", this.#toggled);
    this.#live.stop();
  }

  /** What the server tells; null: it can't, and says why when it is asked. @param {Plan | null} plan */
  hear(plan) {
    if (!this.querySelector("details")?.open) return;
    if (plan) this.#read(plan);
    else this.#live.look();
  }

  /** The connection is gone. */
  lose() {
    this.#live.lose();
  }

  /** Reads the plan anew, where its card is open. */
  look() {
    const details = this.querySelector("details");
    if (details?.open) this.#live.follow(details);
  }

  #toggled = () => {
    const details = this.querySelector("details");
    if (!details?.open) return;
    this.press(details.dataset.press ?? "");
    this.#live.follow(details);
  };

  /** @param {Event} event */
  #click = async (event) => {
    const button = event.target instanceof Element ? event.target.closest("button") : null;
    if (!button || button.getAttribute("aria-busy") === "true") return;
    const kind = button.getAttribute("data-more");
    if (!kind && !button.hasAttribute("data-less")) return;
    button.setAttribute("aria-busy", "true");
    await (kind ? this.#take("more", { kind }) : this.#take("less"));
    button.setAttribute("aria-busy", "false");
  };

  /** @param {"plan" | "more" | "less"} name @param {{kind?: string}} [fields] */
  async #take(name, fields = {}) {
    if (name !== "plan") this.#asked += 1;
    const turn = this.#asked;
    try {
      const { plan } = await this.ask(name, fields);
      if (turn !== this.#asked) return; // a later deed has another plan
      if (name === "plan") return this.#read(plan);
      this.#isNews(plan);
      this.#show(plan);
      if (name === "more") this.#announce(plan, fields.kind ?? "");
      else this.#tellEnd();
    } catch (problem) {
      const words = problem instanceof Error ? problem.message : String(problem);
      this.#fill("[data-when]", words);
      if (name !== "plan") say(words);
    }
  }

  /** Shows a plan that nothing was pressed for, unless it is older than what is shown. @param {Plan} plan */
  #read(plan) {
    if (isOvertaken(plan.at, this.#at)) return;
    const isNews = this.#isNews(plan);
    this.#show(plan);
    if (isNews) this.#announce(plan, plan.refused?.kind ?? "");
  }

  /** Whether it was refused since the last look: a machine may come to nothing as it boots. @param {Plan} plan */
  #isNews({ refused }) {
    const before = this.#refusal;
    this.#refusal = refused?.sentence ?? "";
    return before !== null && this.#refusal !== "" && this.#refusal !== before;
  }

  /** @param {Plan} plan */
  #show(plan) {
    this.#at = plan.at;
    this.#fill("[data-when]", "measured now");
    for (const line of LINES) {
      for (const kind of KINDS) {
        const { more } = plan.lines[line][kind];
        this.#fill(`[data-line=${line}] [data-kind=${kind}]`, more === null ? "–" : String(more));
      }
    }
    this.#showRefusal(plan);
    this.#showSlice(plan);
    this.#showSum(plan);
    const extra = plan.mine.machines + plan.mine.containers > 2;
    this.querySelector("[data-less]")?.toggleAttribute("hidden", !extra);
  }

  /** @param {Plan} plan */
  #showRefusal({ refused }) {
    this.querySelector("[data-refused]")?.toggleAttribute("hidden", !refused);
    this.toggleAttribute("data-says-no", Boolean(refused));
    this.#fill("[data-refused-text]", refused?.sentence ?? "");
    const button = this.querySelector("[data-more=container]");
    button?.classList.toggle("button--main", refused?.kind === "machine");
    const words = refused?.kind === "machine" ? INSTEAD : USUAL;
    if (button?.lastChild) button.lastChild.textContent = ` ${words}`;
  }

  /** @param {Plan} plan */
  #showSlice({ slice_bytes, kept_bytes, lines }) {
    const used = lines.promised.used_bytes;
    const parts = [
      { name: "machines", bytes: used.machines },
      { name: "containers", bytes: used.containers },
    ];
    const bars = parts.map(({ name, bytes }) => {
      const bar = document.createElement("span");
      bar.className = "slice__part";
      bar.dataset.of = name;
      bar.style.inlineSize = `${(100 * bytes) / slice_bytes}%`;
      return bar;
    });
    const kept = document.createElement("span");
    kept.className = "slice__kept";
    kept.style.insetInlineEnd = `${(100 * kept_bytes) / slice_bytes}%`;
    this.querySelector("[data-slice]")?.replaceChildren(...bars, kept);
    const words = parts.map(({ name, bytes }) => `${name} ${megabytes(bytes)}`).join(", ");
    this.#fill(
      "[data-slice-text]",
      `Promised of your ${megabytes(slice_bytes)}: ${words}. Kept free: ${megabytes(kept_bytes)}.`,
    );
  }

  /** @param {Plan} plan */
  #showSum(plan) {
    const rows = LINES.flatMap((name) => {
      const line = plan.lines[name];
      const free = `${megabytes(plan.slice_bytes)} − ${megabytes(plan.kept_bytes)} kept − ${megabytes(line.used_bytes.machines)} machines − ${megabytes(line.used_bytes.containers)} containers = ${megabytes(line.free_bytes)} free`;
      const sums = KINDS.map(
        (kind) =>
          `${megabytes(line.free_bytes)} ÷ ${megabytes(line[kind].each_bytes)} a ${kind} → ${line[kind].more ?? "–"}`,
      );
      return [`${NAMES[name]}: ${free}`, ...sums];
    });
    const place = this.querySelector("[data-arithmetic]");
    // Only where it changed, or a reader's selection would go.
    if (!place || place.textContent === rows.join("")) return;
    place.replaceChildren(
      ...rows.map((text) => {
        const line = document.createElement("p");
        line.className = "small mono";
        line.textContent = text;
        return line;
      }),
    );
  }

  /** @param {Plan} plan @param {string} kind */
  #announce({ refused, mine }, kind) {
    const isRefused = refused?.kind === kind;
    const start = mine.container_start;
    const words = isRefused
      ? refused.sentence
      : kind === "container" && start
        ? `A container started: first prompt after ${duration(start.ms)}, cold.`
        : `One more ${kind} starts. You have ${counted(mine.machines, "machine")} and ${counted(mine.containers, "container")}.`;
    this.#tell(words, !isRefused);
  }

  /** Its button has gone, and the keyboard's place is with what became of it. */
  #tellEnd() {
    this.#tell("The extra ones have ended.");
    const place = this.querySelector("[data-started]");
    const isLost =
      document.activeElement === document.body || this.contains(document.activeElement);
    if (isLost && place instanceof HTMLElement) place.focus();
  }

  /** @param {string} words @param {boolean} [isShown] a refusal has a place of its own */
  #tell(words, isShown = true) {
    const place = this.querySelector("[data-started]");
    if (place instanceof HTMLElement) {
      place.hidden = !isShown;
      place.textContent = words;
    }
    say(words);
  }

  /** @param {string} selector @param {string} text */
  #fill(selector, text) {
    const place = this.querySelector(selector);
    if (place && place.textContent !== text) place.textContent = text;
  }
}

/** @param {number} count @param {string} name */
function counted(count, name) {
  return `${count} ${name}${count === 1 ? "" : "s"}`;
}

customElements.define("slip-planner", SlipPlanner);
