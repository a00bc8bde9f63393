/** On the instructor's page of a learner: watching their terminals, asking for the keyboard, giving it back. */

import { say } from "../lib/say.js";
import { isLeave } from "../terminal/keys.js";

/** @typedef {import("./slip-lend.js").Keyboard} Keyboard */

const TICK_MS = 1000;

export class SlipDesk extends HTMLElement {
  /** @type {() => Promise<{keyboard: Keyboard}>} */
  ask = () => Promise.reject(new Error("not wired"));
  /** @type {() => Promise<{keyboard: Keyboard}>} */
  leave = () => Promise.reject(new Error("not wired"));
  /** @type {Keyboard} */
  #keyboard = { state: "free", by: "", at: 0 };
  #isLeaving = false;
  #timer = 0;

  connectedCallback() {
    this.addEventListener("click", this.#click);
    document.addEventListener("keydown", this.#key, { capture: true });
    this.#timer = window.setInterval(() => this.#draw(), TICK_MS);
    this.#draw();
  }

  disconnectedCallback() {
    this.removeEventListener("click", this.#click);
    document.removeEventListener("keydown", this.#key, { capture: true });
    clearInterval(this.#timer);
  }

  /** @param {Keyboard} keyboard */
  show(keyboard) {
    const before = this.#keyboard;
    this.#keyboard = keyboard;
    this.#draw();
    if (keyboard.state === before.state) return;
    if (keyboard.state === "lent" && this.#isMine) say(`You have ${this.#name}’s keyboard.`);
    if (keyboard.state === "free" && before.by === this.dataset.me && !this.#isLeaving) {
      const what = before.state === "asked" ? "did not say yes" : "took the keyboard back";
      say(`${this.#name} ${what}.`);
    }
    this.#isLeaving = false;
  }

  /** Asks for the keyboard, or gives back what there is of it. */
  async press() {
    const isFree = this.#keyboard.state === "free";
    this.#isLeaving = !isFree;
    try {
      this.show((await (isFree ? this.ask() : this.leave())).keyboard);
    } catch (problem) {
      this.#write("note", problem instanceof Error ? problem.message : String(problem));
    }
  }

  get #name() {
    return this.dataset.name ?? "";
  }

  get #isMine() {
    return this.#keyboard.by === this.dataset.me;
  }

  #draw() {
    const { state } = this.#keyboard;
    const name = this.#name;
    const isLent = state === "lent" && this.#isMine;
    this.dataset.state = isLent ? "lent" : state;
    this.#write("strong", isLent ? `You have ${name}’s keyboard.` : "You are watching.");
    this.#write(
      "text",
      isLent
        ? `Both of you can type; ${name} can take it back at any time.`
        : `${name} sees your name. Keys that you press here go nowhere.`,
    );
    this.#write("wait", this.#waiting());
    const button = this.querySelector("[data-press]");
    const isOthers = state !== "free" && !this.#isMine;
    button?.toggleAttribute("hidden", isOthers);
    const words = { free: "Ask for the keyboard", asked: "Take back", lent: "Give it back" };
    if (button) this.#write("press", words[state]);
    this.querySelector("slip-terminal")?.toggleAttribute("data-lent", isLent);
  }

  #waiting() {
    const { state, by, at } = this.#keyboard;
    if (state !== "free" && !this.#isMine)
      return state === "lent" ? `${by} types.` : `${by} asked to type.`;
    if (state !== "asked") return "";
    const seconds = Math.max(0, Math.round(Date.now() / 1000 - at));
    return `Asked ${seconds} s ago, waiting for ${this.#name}.`;
  }

  /** @param {string} name @param {string} text */
  #write(name, text) {
    const place = this.querySelector(`[data-${name}]`);
    if (place && place.textContent !== text) place.textContent = text;
  }

  /** @param {MouseEvent} event */
  #click = ({ target }) => {
    if (target instanceof Element && target.closest("[data-press]")) this.press();
  };

  /** Ctrl Shift L gives it back, and only then leaves the terminal. @param {KeyboardEvent} event */
  #key = (event) => {
    if (!isLeave(event) || this.#keyboard.state !== "lent" || !this.#isMine) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    this.press();
  };
}

customElements.define("slip-desk", SlipDesk);
