/** Hints that open one after the other; and the prediction, the same kind of press. */

import { say } from "../lib/say.js";

export class SlipHints extends HTMLElement {
  /** @type {(name: string) => void} keeps that it was opened; set by the page */
  press = () => {};

  connectedCallback() {
    for (const hint of this.#all) hint.addEventListener("toggle", this.#toggled);
  }

  disconnectedCallback() {
    for (const hint of this.#all) hint.removeEventListener("toggle", this.#toggled);
  }

  /** Opens the next hint that is closed; the open ones stay. */
  openNext() {
    const next = this.#all.find((hint) => !hint.open);
    if (!next) {
      say("All hints are open.");
      return;
    }
    next.hidden = false;
    next.open = true;
    next.querySelector("summary")?.focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
  }

  get #all() {
    return [...this.querySelectorAll("details")];
  }

  /** @param {Event} event */
  #toggled = (event) => {
    const hint = event.target;
    if (!(hint instanceof HTMLDetailsElement) || !hint.open) return;
    const following = hint.nextElementSibling;
    if (following instanceof HTMLDetailsElement) following.hidden = false;
    if (hint.dataset.said) return;
    hint.dataset.said = "true";
    this.press(hint.dataset.press ?? "");
  };
}

class SlipPredict extends HTMLElement {
  /** @type {(name: string) => void} set by the page */
  press = () => {};

  connectedCallback() {
    this.addEventListener("click", this.#choose);
  }

  disconnectedCallback() {
    this.removeEventListener("click", this.#choose);
  }

  /** @param {Event} event */
  #choose = (event) => {
    const chosen = event.target instanceof Element && event.target.closest("[data-press]");
    if (!chosen) return;
    for (const each of this.querySelectorAll("[data-press]")) {
      each.setAttribute("aria-pressed", String(each === chosen));
    }
    this.press(chosen.getAttribute("data-press") ?? "");
  };
}

customElements.define("slip-hints", SlipHints);
customElements.define("slip-predict", SlipPredict);
