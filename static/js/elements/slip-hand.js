/** The learner's hand: down, or up with the place in line; and a few words of what it is about. */

import { drawing } from "../lib/dom.js";
import { say } from "../lib/say.js";
import { ordinal } from "../lib/words.js";

export class SlipHand extends HTMLElement {
  /** Says to the server that it is up or down. @type {(up: boolean, note: string) => Promise<{place: number}>} */
  ask = () => Promise.reject(new Error("not wired"));

  connectedCallback() {
    this.hidden = false;
    this.addEventListener("click", this.#click);
    this.addEventListener("submit", this.#submit);
    this.#draw();
  }

  disconnectedCallback() {
    this.removeEventListener("click", this.#click);
    this.removeEventListener("submit", this.#submit);
  }

  /** Which one in line; 0 while it is down. */
  get place() {
    return Number(this.dataset.place);
  }

  set place(place) {
    const before = this.place;
    if (place === before) return;
    this.dataset.place = String(place);
    this.#draw();
    if (place) say(`Your hand is up. You are ${ordinal(place)} in line.`);
    else say("Your hand is down.");
  }

  /** Raises it, or lowers it. */
  async toggle() {
    await this.#say(!this.place, "");
  }

  #draw() {
    const { place } = this;
    const button = this.querySelector("button[data-toggle]");
    button?.setAttribute("aria-pressed", String(place > 0));
    const words = place ? `Hand up · ${ordinal(place)} in line` : "Raise hand";
    this.querySelector("[data-words]")?.replaceChildren(words);
    button?.setAttribute("title", `${words} (Shift H)`);
    this.querySelector("[data-drawing]")?.replaceChildren(
      drawing(place ? "[data-shape=hand]" : "[data-icon=hand]"),
    );
    const form = this.querySelector("form");
    form?.toggleAttribute("hidden", !place);
    if (!place) form?.reset();
  }

  /** @param {MouseEvent} event */
  #click = ({ target }) => {
    if (target instanceof Element && target.closest("button[data-toggle]")) this.toggle();
  };

  /** @param {SubmitEvent} event */
  #submit = async (event) => {
    event.preventDefault();
    const field = this.querySelector("input");
    if (field && (await this.#say(true, field.value))) {
      this.querySelector("form")?.setAttribute("hidden", "");
      say("Your instructor sees it beside your name.");
    }
  };

  /** @param {boolean} up @param {string} note */
  async #say(up, note) {
    try {
      this.place = (await this.ask(up, note)).place;
      return true;
    } catch (problem) {
      say(problem instanceof Error ? problem.message : String(problem), { urgent: true });
      return false;
    }
  }
}

customElements.define("slip-hand", SlipHand);
