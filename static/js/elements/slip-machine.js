/** The machine's half of the page: off, in line, booting, ready, or gone; and the button that boots it. */

import { drawing, proseNodes } from "../lib/dom.js";
import { say } from "../lib/say.js";
import { duration, MB, shown } from "../panel/figures.js";

/**
 * @typedef {{state: "queued" | "booting" | "ready" | "ending" | "ended" | "failed", place: number | null,
 *   how: "cold" | "resumed", accelerator: "kvm" | "tcg" | null, terminal: string | null,
 *   stages_ms: Record<string, number>, requested_at: number, memory_bytes: number | null,
 *   reason: string | null, sentence: string | null}} Machine
 */

const OFF = "The machine is off. It has the container’s files and limits, and a kernel of its own.";
const ENDED = "The machine has stopped. The container works on.";
/** @type {Record<string, string>} */
const SHAPES = {
  queued: "waiting",
  saving: "working",
  booting: "working",
  ending: "working",
  failed: "failed",
};
/** @type {Record<string, string>} what stands in the head of the half */
const WORDS = { queued: "in line", booting: "booting", ending: "stopping", ready: "" };
const GONE = ["ended", "failed"];

export class SlipMachine extends HTMLElement {
  /** @type {(how: string) => Promise<unknown>} set by the page */
  boot = () => Promise.resolve();

  /** @type {(force: boolean) => Promise<unknown>} set by the page */
  halt = () => Promise.resolve();

  /** @type {() => void} goes on in the lesson; set by the page */
  without = () => {};

  /** @type {Machine | null} */
  #machine = null;
  #timer = 0;
  #stopAsked = 0;

  connectedCallback() {
    this.addEventListener("click", this.#click);
    this.#timer = window.setInterval(() => this.#tick(), 1000);
  }

  disconnectedCallback() {
    this.removeEventListener("click", this.#click);
    clearInterval(this.#timer);
  }

  /** The machine as it is known now; null before the first boot. */
  get machine() {
    return this.#machine;
  }

  /** @param {Machine | null} machine */
  show(machine) {
    const before = this.dataset.state;
    const focused = this.contains(document.activeElement) ? document.activeElement : null;
    this.#machine = machine;
    const state = stateOf(machine);
    this.dataset.state = state;
    this.dataset.hasScreen = String(Boolean(machine?.terminal));
    if (state !== "ending") this.#stopAsked = 0;
    this.#fill("[data-about]", aboutOf(machine));
    this.#showHalt(state);
    this.#showCard(machine);
    this.#tick();
    if (before !== state) this.#announce(machine);
    if (focused && !focused.checkVisibility()) this.#keepFocus();
  }

  /**
   * A button that was pressed and has gone would take the keyboard's place with it. To what stands
   * there instead, but to no button: a second press belonged to the first one.
   */
  #keepFocus() {
    const places = [...this.querySelectorAll("[data-card-text], .term"), this.closest(".sides")];
    const next = places.find((each) => each?.checkVisibility());
    if (next instanceof HTMLElement) next.focus();
  }

  /**
   * Whether a machine can be resumed from a saved one.
   * @param {boolean} isThere
   */
  offerResume(isThere) {
    this.querySelector("[data-boot=resumed]")?.toggleAttribute("hidden", !isThere);
  }

  /** What the server refused, on this half of the page. @param {string} sentence */
  refuse(sentence) {
    this.#tell(sentence);
    this.#shape("failed");
    this.#offerWithout(true);
    say(sentence);
  }

  /** A step that needs the machine is left without it. @param {boolean} isDue */
  #offerWithout(isDue) {
    this.querySelector("[data-without]")?.toggleAttribute("hidden", !isDue);
  }

  /** @param {Machine | null} machine */
  #showCard(machine) {
    const state = stateOf(machine);
    this.#tell(cardText(machine));
    this.#shape(SHAPES[state] ?? "idle");
    const word = GONE.includes(state) ? "Boot it again" : "Boot the machine";
    this.#fill("[data-boot-word]", word);
    for (const button of this.querySelectorAll("[data-boot]")) {
      button.setAttribute("aria-disabled", String(!["off", ...GONE].includes(state)));
    }
    this.#offerWithout(GONE.includes(state));
  }

  /** @param {string} state */
  #showHalt(state) {
    const button = this.querySelector("[data-halt]");
    if (!(button instanceof HTMLElement)) return;
    button.hidden = !["queued", "booting", "ready", "ending"].includes(state);
    const label = this.#stopAsked ? "Stop the machine by force" : "Stop the machine";
    button.setAttribute("aria-label", label);
    button.title = label;
  }

  /** @param {Machine | null} machine */
  #announce(machine) {
    if (machine?.state === "ready") say(`The machine is ready. ${aboutOf(machine)}`);
    else if (machine && GONE.includes(machine.state)) say(cardText(machine));
  }

  /** Seconds since the press, while one waits. */
  #tick() {
    const machine = this.#machine;
    const word = WORDS[machine?.state ?? ""] ?? "";
    const isWaiting = machine?.state === "queued" || machine?.state === "booting";
    const passed = isWaiting ? Math.round(Date.now() / 1000 - machine.requested_at) : 0;
    this.#fill("[data-state-word]", isWaiting ? `${word}, ${Math.max(0, passed)}\u00a0s` : word);
  }

  /** @param {Event} event */
  #click = (event) => {
    const target = event.target instanceof Element ? event.target : null;
    const boot = target?.closest("[data-boot]");
    if (boot instanceof HTMLElement) this.#boot(boot);
    else if (target?.closest("[data-halt]")) this.#halt();
    else if (target?.closest("[data-without]")) this.without();
  };

  /** @param {HTMLElement} button */
  async #boot(button) {
    if (button.getAttribute("aria-disabled") === "true") return;
    button.setAttribute("aria-disabled", "true");
    this.#tell("Asking for your machine…");
    this.#shape("working");
    try {
      await this.boot(button.dataset.boot ?? "cold");
    } catch (problem) {
      button.setAttribute("aria-disabled", "false");
      this.refuse(problem instanceof Error ? problem.message : String(problem));
    }
  }

  /** The first press asks the machine, the second one doesn't. */
  async #halt() {
    const force = this.#stopAsked > 0;
    this.#stopAsked += 1;
    this.#showHalt(this.#machine?.state ?? "off");
    try {
      await this.halt(force);
    } catch (problem) {
      if (problem instanceof Error) say(problem.message);
    }
  }

  /** @param {string} name */
  #shape(name) {
    this.querySelector("[data-off] [data-shape-slot]")?.replaceChildren(
      drawing(`[data-shape=${name}]`),
    );
  }

  /** @param {string} text with code in backquotes */
  #tell(text) {
    const place = this.querySelector("[data-text]");
    if (place && place.textContent !== text.replaceAll("`", "")) {
      place.replaceChildren(...proseNodes(text));
    }
  }

  /** @param {string} selector @param {string} text */
  #fill(selector, text) {
    const place = this.querySelector(selector);
    if (place && place.textContent !== text) place.textContent = text;
  }
}

/**
 * While the one is made that it goes on from there is no screen, and a sentence instead.
 * @param {Machine | null} machine
 */
function stateOf(machine) {
  if (machine?.state === "booting" && machine.sentence) return "saving";
  return machine?.state ?? "off";
}

/** @param {Machine | null} machine */
function aboutOf(machine) {
  if (!machine || GONE.includes(machine.state)) return "";
  const memory = machine.memory_bytes ? shown(machine.memory_bytes / MB, "MB") : "";
  const start = Object.values(machine.stages_ms ?? {}).reduce((sum, each) => sum + each, 0);
  const time = machine.state === "ready" && start ? `first prompt after ${duration(start)}` : "";
  const way = machine.how === "resumed" ? "resumed" : "";
  return ["qemu", memory, way, time].filter(Boolean).join(" · ");
}

/** @param {Machine | null} machine */
function cardText(machine) {
  if (!machine) return OFF;
  if (machine.state === "queued") {
    const place = machine.place ? `You are number ${machine.place} in line. ` : "";
    return machine.sentence || `${place}Your machine boots by itself.`;
  }
  if (GONE.includes(machine.state)) return machine.sentence || ENDED;
  return machine.sentence || "";
}

customElements.define("slip-machine", SlipMachine);
