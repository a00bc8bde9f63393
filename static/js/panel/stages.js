/** A start as a bar of its stages, on one scale for both sides. No document here. */

import { duration } from "./figures.js";

/** @typedef {import("./rows.js").Start} Start */

/** What a stage is called on the page, in the order in which they happen. */
const STAGES = {
  hypervisor: "hypervisor",
  engine: "engine",
  kernel: "kernel",
  init: "init",
  shell: "shell",
};

/**
 * @param {Start} start
 * @param {number} whole milliseconds that the whole width stands for
 * @returns {{name: string, left: number, width: number}[]} in parts of the width
 */
export function bars(start, whole) {
  let left = 0;
  return Object.keys(STAGES)
    .filter((name) => start.stages_ms[name] !== undefined)
    .map((name) => {
      const width = (start.stages_ms[name] ?? 0) / whole;
      const bar = { name, left, width };
      left += width;
      return bar;
    });
}

/**
 * The same in words: `hypervisor 310 ms, kernel 1.1 s, …`.
 * @param {Start} start
 */
export function stagesText(start) {
  return Object.entries(STAGES)
    .filter(([name]) => start.stages_ms[name] !== undefined)
    .map(([name, word]) => `${word} ${duration(start.stages_ms[name])}`)
    .join(", ");
}
