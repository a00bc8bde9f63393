/** What stands in the boxes of the two stacks: each box's own memory, and its part of the start. No document here. */

import { duration, megabytes } from "./figures.js";

/** @typedef {import("./rows.js").Reading} Reading @typedef {import("./rows.js").Charge} Charge */

/**
 * What each box of the drawing says; a dash where nothing can be told apart.
 * @param {Reading} reading
 * @returns {Record<string, string>}
 */
export function boxesOf({ machine, container, cores }) {
  const held = { machine: machine?.memory_charge, container: container?.memory_charge };
  const split = machine?.memory_split;
  const guest = machine?.guest;
  const cold = { machine: machine?.starts?.cold, container: container?.starts?.cold };
  // What the server's kernel holds for the hypervisor stands in that kernel's box.
  const hypervisor = split
    ? (split.emulator_bytes ?? 0) +
      (split.translation_bytes ?? 0) -
      (held.machine?.kernel_bytes ?? 0)
    : null;
  return {
    "machine-app": both(guest?.programs_bytes, cold.machine?.stages_ms.shell),
    "machine-libraries": both(guest?.cache_bytes, null),
    "guest-kernel": both(
      guest?.kernel_bytes ?? split?.guest_bytes,
      sum(cold.machine?.stages_ms.kernel, cold.machine?.stages_ms.init),
    ),
    hypervisor: both(hypervisor && Math.max(hypervisor, 0), cold.machine?.stages_ms.hypervisor),
    "container-app": both(held.container?.programs_bytes, cold.container?.stages_ms.shell),
    "container-libraries": both(held.container?.cache_bytes, null),
    engine: cold.container ? `nothing stays · ${duration(cold.container.stages_ms.engine)}` : "–",
    "host-kernel": kernelWords(held),
    hardware: cores ? `the server’s, ${cores} core${cores === 1 ? "" : "s"}` : "the server’s",
  };
}

/** What it holds for either side; it takes no part in a start. @param {Record<string, Charge | null | undefined>} held */
function kernelWords(held) {
  const parts = Object.entries(held).map(([side, charge]) =>
    charge ? `${side} ${megabytes(charge.kernel_bytes)}` : "",
  );
  return [...parts.filter(Boolean), "runs already"].join(" · ");
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
