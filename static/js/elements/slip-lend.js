/** On the learner's page: an instructor asks for the keyboard, or has it. Nothing here takes the focus. */

import { say } from "../lib/say.js";
import { isLeave } from "../terminal/keys.js";

/** @typedef {{state: "free" | "asked" | "lent", by: string, at: number}} Keyboard */

/** @type {Record<"asked" | "lent", (by: string) => [strong: string, text: string, no: string]>} */
const WORDS = {
  asked: (by) => [
    `${by} asks to type in your terminal.`,
    "You keep typing too, and can take it back at any time. No answer in 60 s means no.",
    "Not now",
  ],
  lent: (by) => [`${by} types in your terminal, too.`, "Ctrl Shift L takes it back.", "Take back"],
};

export class SlipLend extends HTMLElement {
  /** The learner's word. @type {(yes: boolean) => void} */
  answer = () => {};
  /** @type {Keyboard["state"]} */
  #state = "free";

  connectedCallback() {
    this.addEventListener("click", this.#click);
    // Before the terminal hears of it: the first press takes back, the second leaves.
    document.addEventListener("keydown", this.#key, { capture: true });
  }

  disconnectedCallback() {
    this.removeEventListener("click", this.#click);
    document.removeEventListener("keydown", this.#key, { capture: true });
  }

  /** @param {Keyboard} keyboard */
  show({ state, by }) {
    const before = this.#state;
    this.#state = state;
    this.hidden = state === "free";
    for (const terminal of document.querySelectorAll("slip-terminal")) {
      terminal.toggleAttribute("data-lent", state === "lent");
    }
    if (state === "free") {
      if (before === "lent") say("The keyboard is yours alone again.");
      return;
    }
    const [strong, text, no] = WORDS[state](by);
    this.#write("strong", strong);
    this.#write("[data-text]", text);
    this.#write("[data-no]", no);
    this.#write("[data-yes]", `Let ${by} type`);
    this.querySelector("[data-yes]")?.toggleAttribute("hidden", state === "lent");
    if (state !== before) say(`${strong} ${text}`, { urgent: true });
  }

  /** @param {string} selector @param {string} text */
  #write(selector, text) {
    this.querySelector(selector)?.replaceChildren(text);
  }

  /** @param {MouseEvent} event */
  #click = ({ target }) => {
    const button = target instanceof Element && target.closest("button");
    if (button) this.answer(button.hasAttribute("data-yes"));
  };

  /** @param {KeyboardEvent} event */
  #key = (event) => {
    if (!isLeave(event) || this.#state !== "lent") return;
    event.preventDefault();
    event.stopImmediatePropagation();
    this.answer(false);
  };
}

customElements.define("slip-lend", SlipLend);
