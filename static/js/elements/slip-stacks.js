/** The two stacks as one drawing; each box says what it takes here, as it was measured last. */

import { boxesOf } from "../panel/stacks.js";

/** @typedef {import("../panel/rows.js").Reading} Reading */

class SlipStacks extends HTMLElement {
  /** @param {Reading} reading */
  take(reading) {
    if (!this.querySelector("details")?.open) return;
    const boxes = boxesOf(reading);
    for (const [name, words] of Object.entries(boxes)) {
      const place = this.querySelector(`[data-box="${name}"] [data-figure]`);
      if (place && place.textContent !== words) place.textContent = words;
    }
    const place = this.querySelector("[data-words]");
    const words = Object.entries(boxes)
      .filter(([, figure]) => figure !== "–")
      .map(([name, figure]) => `${name.replace("-", " ")}: ${figure}`)
      .join("; ");
    if (place && place.textContent !== words) place.textContent = words;
  }
}

customElements.define("slip-stacks", SlipStacks);

export { SlipStacks };
