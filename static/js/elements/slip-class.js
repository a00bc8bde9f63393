/** Beside the wall: where the class is, and what has just happened. */

import { drawing } from "../lib/dom.js";
import { news, SHAPES, whereabouts } from "../wall/order.js";

/** @typedef {import("../wall/order.js").Learner} Learner */

const KEPT = 8;
const TICK_MS = 10_000;

export class SlipClass extends HTMLElement {
  /** @type {{text: string, state: Learner["state"], at: number}[]} */
  #news = [];
  #timer = 0;

  connectedCallback() {
    this.#timer = window.setInterval(() => this.#drawNews(), TICK_MS);
  }

  disconnectedCallback() {
    clearInterval(this.#timer);
  }

  /** @param {Iterable<Learner>} learners */
  show(learners) {
    const found = whereabouts(learners);
    this.querySelector("[data-places]")?.toggleAttribute("hidden", !found);
    if (!found) return;
    this.querySelector("[data-lesson]")?.replaceChildren(found.lesson);
    const most = Math.max(...found.steps);
    const bars = found.steps.map((count, at) => bar(count, at + 1, most));
    this.querySelector("ol")?.replaceChildren(...bars);
  }

  /** @param {Learner | undefined} before @param {Learner} now */
  hear(before, now) {
    const text = news(before, now);
    if (!text) return;
    this.#news.unshift({ text, state: now.state, at: Date.now() });
    this.#news.length = Math.min(this.#news.length, KEPT);
    this.#drawNews();
  }

  #drawNews() {
    this.querySelector("[data-news]")?.toggleAttribute("hidden", !this.#news.length);
    const lines = this.#news.map(({ text, state, at }) => {
      const line = document.createElement("li");
      const words = document.createElement("span");
      words.textContent = text;
      const time = document.createElement("span");
      time.className = "small quiet";
      time.textContent = `${Math.floor((Date.now() - at) / 60_000)} min`;
      line.append(drawing(`[data-shape=${SHAPES[state]}]`), words, time);
      return line;
    });
    this.querySelector("ul")?.replaceChildren(...lines);
  }
}

/**
 * @param {number} count
 * @param {number} step
 * @param {number} most
 */
function bar(count, step, most) {
  const item = document.createElement("li");
  const drawn = document.createElement("span");
  drawn.className = "places__bar";
  drawn.setAttribute("aria-hidden", "true");
  drawn.style.blockSize = `${(100 * count) / most}%`;
  const number = document.createElement("b");
  number.textContent = String(count);
  const name = document.createElement("span");
  name.className = "places__step";
  name.textContent = String(step);
  const said = document.createElement("span");
  said.className = "said";
  said.textContent = ` at step ${step}`;
  number.append(said);
  item.append(number, drawn, name);
  return item;
}

customElements.define("slip-class", SlipClass);
