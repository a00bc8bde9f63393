/** The two stacks as one drawing; each box says what it takes here, as it was measured last. */

import { duration, megabytes } from "../panel/figures.js";

/** @typedef {import("../panel/rows.js").Reading} Reading @typedef {import("../panel/rows.js").Figures} Figures */

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

/**
 * What each box of the drawing says; a dash where nothing can be told apart.
 * @param {Reading} reading
 * @returns {Record<string, string>}
 */
export function boxesOf({ machine, container }) {
  const split = machine?.memory_split;
  const guest = machine?.guest;
  const cold = { machine: machine?.starts?.cold, container: container?.starts?.cold };
  const emulator = split ? (split.emulator_bytes ?? 0) + (split.translation_bytes ?? 0) : null;
  return {
    "machine-app": both(guest?.programs_bytes, cold.machine?.stages_ms.shell),
    "machine-libraries": both(guest?.cache_bytes, null),
    "guest-kernel": both(
      guest?.kernel_bytes ?? split?.guest_bytes,
      sum(cold.machine?.stages_ms.kernel, cold.machine?.stages_ms.init),
    ),
    hypervisor: both(emulator, cold.machine?.stages_ms.hypervisor),
    "container-app": both(container?.memory_bytes, cold.container?.stages_ms.shell),
    "container-libraries": both(null, null),
    engine: both(null, cold.container?.stages_ms.engine),
    "host-kernel": "the server’s",
    hardware: "the server’s",
  };
}

/** @param {number | null | undefined} bytes @param {number | null | undefined} ms */
function both(bytes, ms) {
  const parts = [
    bytes === null || bytes === undefined ? "" : megabytes(bytes),
    ms === null || ms === undefined ? "" : duration(ms),
  ];
  return parts.filter(Boolean).join(" · ") || "–";
}

/** @param {(number | undefined)[]} parts */
function sum(...parts) {
  const known = parts.filter((each) => each !== undefined);
  return known.length ? known.reduce((all, each) => all + each, 0) : null;
}

customElements.define("slip-stacks", SlipStacks);

export { SlipStacks };
