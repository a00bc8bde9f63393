/** What each row of the panel takes from the meter's figures, the same way on both sides. No document here. */

import { MB } from "./figures.js";

/**
 * @typedef {{ms: number, at?: number, stages_ms: Record<string, number>}} Start
 * @typedef {{release: string, boot_id: string, own: boolean}} Kernel
 * @typedef {{programs_bytes: number, kernel_bytes: number, cache_bytes: number}} Charge
 * @typedef {{starts: {cold: Start | null, prepared: Start | null}, memory_bytes: number | null,
 *   memory_split: Record<string, number> | null, memory_charge?: Charge | null, memory_limit_bytes: number | null, pss_bytes: number | null,
 *   disk_bytes: number | null, disk_limit_bytes: number | null, cpu_seconds: number | null,
 *   cpu_cores: number | null, processes: number | null, threads: number | null, kernel: Kernel | null,
 *   pressure: {cpu: number | null, memory: number | null, io: number | null} | null,
 *   guest?: Record<string, number> | null}} Figures
 * @typedef {{at: number, accelerator: "kvm" | "tcg" | null, cores: number, resumable?: boolean | null,
 *   container: Figures | null, machine: Figures | null}} Reading
 * @typedef {"machine" | "container"} Side
 * @typedef {{unit: string, isCounted?: boolean,
 *   take: (now: Figures, before: Figures | null, seconds: number) => number | null}} Row
 */

/** @type {readonly Side[]} */
export const SIDES = ["machine", "container"];

/** @param {Start | null | undefined} start */
const seconds = (start) => (start ? start.ms / 1000 : null);

/** @param {number | null | undefined} bytes */
const megabytes = (bytes) => (bytes === null || bytes === undefined ? null : bytes / MB);

/** @type {Record<string, Row>} a count has no ratio: twice as many isn't twice as much */
export const ROWS = {
  start: { unit: "s", take: (now) => seconds(now.starts?.cold) },
  prepared: { unit: "s", take: (now) => seconds(now.starts?.prepared) },
  memory: { unit: "MB", take: (now) => megabytes(now.memory_bytes) },
  disk: { unit: "MB", take: (now) => megabytes(now.disk_bytes) },
  cpu: { unit: "%", take: cpuPercent },
  "cpu-total": { unit: "s", take: (now) => now.cpu_seconds ?? null },
  processes: { unit: "", isCounted: true, take: (now) => now.processes ?? null },
  pressure: { unit: "%", take: (now) => now.pressure?.memory ?? null },
};

/**
 * The share of one core since the last look; unknown at the first, and after a new start.
 * @param {Figures} now
 * @param {Figures | null} before
 * @param {number} passed seconds
 */
function cpuPercent(now, before, passed) {
  const [used, earlier] = [now.cpu_seconds, before?.cpu_seconds];
  if (typeof used !== "number" || typeof earlier !== "number") return null;
  return passed > 0 && used >= earlier ? (100 * (used - earlier)) / passed : null;
}

/**
 * Every row's values of one side, by the row's name.
 * @param {Reading} now
 * @param {Reading | null} before
 * @param {Side} side
 * @returns {Record<string, number | null>}
 */
export function valuesOf(now, before, side) {
  const figures = now[side];
  const passed = before ? now.at - before.at : 0;
  return Object.fromEntries(
    Object.entries(ROWS).map(([name, row]) => [
      name,
      figures ? row.take(figures, before?.[side] ?? null, passed) : null,
    ]),
  );
}

/**
 * Whose kernel a side runs on, in words.
 * @param {Figures | null} figures
 */
export function kernelWords(figures) {
  if (!figures?.kernel) return "–";
  return `${figures.kernel.release}, ${figures.kernel.own ? "its own" : "the server’s"}`;
}

/**
 * Whether both run on one kernel: by the random number that each draws when it starts.
 * @param {Reading} reading
 */
export function kernelRatio({ machine, container }) {
  if (!machine?.kernel || !container?.kernel) return "–";
  return machine.kernel.boot_id === container.kernel.boot_id ? "the same" : "differs";
}
