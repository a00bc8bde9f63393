/** The time left of the workshop; spoken at 10, 5, 2 and 1 minutes. */

import { say } from "../lib/say.js";
import { timeLeft, timeMark } from "../lib/time.js";

const FAR_S = 24 * 3600; // a demo's end is far away; what ends it sooner is said instead

export class SlipCountdown extends HTMLElement {
  #timer = 0;
  #before = Number.POSITIVE_INFINITY;

  connectedCallback() {
    this.hidden = false;
    this.#timer = window.setInterval(() => this.#draw(), 1000);
    this.#draw();
  }

  disconnectedCallback() {
    clearInterval(this.#timer);
  }

  /** @param {number} until in Unix seconds */
  set until(until) {
    this.dataset.until = String(until);
    this.#draw();
  }

  /** @param {number | null} since when the time stands still, in Unix seconds */
  set paused(since) {
    this.dataset.paused = String(since ?? 0);
    this.#draw();
  }

  /** Says the time left to a screen reader. */
  speak() {
    const far = this.querySelector("[data-far]:not([hidden])");
    say(far?.textContent ?? timeLeft(this.#seconds).text);
  }

  get #seconds() {
    return Number(this.dataset.until) - (this.#paused || Date.now() / 1000);
  }

  get #paused() {
    return Number(this.dataset.paused ?? 0);
  }

  #draw() {
    const seconds = this.#seconds;
    const { text: left, level } = timeLeft(seconds);
    const text = this.#paused ? `Paused, ${left}` : left;
    const mark = timeMark(this.#before, seconds);
    if (mark) say(mark);
    this.#before = seconds;
    this.dataset.level = level;
    const place = this.querySelector("[data-left]");
    if (place && place.textContent !== text) place.textContent = text;
    const far = this.querySelector("[data-far]");
    if (place instanceof HTMLElement && far instanceof HTMLElement) {
      far.hidden = seconds < FAR_S;
      place.hidden = !far.hidden;
    }
  }
}

customElements.define("slip-countdown", SlipCountdown);
