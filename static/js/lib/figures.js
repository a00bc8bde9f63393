/** Figures of a lab as text. MB are 1024², as `free -m` counts. No document here. */

const MB = 1024 ** 2;
const NEAR = 0.85;
const FULL = 0.99;

/**
 * @param {number | null} bytes
 * @returns {string} an en dash for what isn't known, never 0
 */
export function megabytes(bytes) {
  return bytes === null ? "–" : String(Math.round(bytes / MB));
}

/**
 * How close a figure is to its limit.
 * @param {number | null} value
 * @param {number | null} limit
 * @returns {"calm" | "near" | "full"}
 */
export function level(value, limit) {
  if (value === null || !limit) return "calm";
  if (value >= limit * FULL) return "full";
  return value >= limit * NEAR ? "near" : "calm";
}
