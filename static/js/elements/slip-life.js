/** A drawing of a container's life, in which the place of the learner's newest one is marked. */

import { follow, stateOf, wordsOf } from "../panel/life.js";
import { SlipEngine } from "./slip-engine.js";

/** @typedef {import("../panel/life.js").Container} Container */

const EVERY_MS = 3000;

class SlipLife extends SlipEngine {
  /** @type {Container | null} */
  #followed = null;
  #timer = 0;

  /** @override */
  connectedCallback() {
    super.connectedCallback();
    // Not only commands change it: a program ends by itself, too.
    this.#timer = window.setInterval(() => {
      if (this.#followed && !document.hidden) this.look();
    }, EVERY_MS);
  }

  /** @override */
  disconnectedCallback() {
    super.disconnectedCallback();
    window.clearInterval(this.#timer);
  }

  /** @override @param {Container[]} containers */
  draw(containers) {
    this.#followed = follow(this.#followed, containers);
    const now = stateOf(this.#followed);
    for (const box of this.querySelectorAll("[data-life]")) {
      if (!(box instanceof SVGElement)) continue;
      box.dataset.state = box.dataset.life === now ? "now" : "";
    }
    return wordsOf(this.#followed);
  }
}

customElements.define("slip-life", SlipLife);
