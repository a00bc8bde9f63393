/** Figures of the panel as text: three digits that count, one unit a row, a dash for the unknown. No document here. */

export const MB = 1024 ** 2;
const DIGITS = 3;
const STEPS = [1, 2, 4, 6, 10];

/**
 * A number with three digits that count, never in exponents.
 * @param {number} value
 */
export function digits(value) {
  if (value === 0) return "0";
  const whole = Math.floor(Math.log10(Math.abs(value))) + 1;
  const shown = value.toFixed(Math.min(3, Math.max(0, DIGITS - whole)));
  return Number(shown) === 0 ? `< 0.001` : shown;
}

/**
 * @param {number | null | undefined} value null: not known
 * @param {string} unit
 */
export function shown(value, unit) {
  if (value === null || value === undefined) return "–";
  return unit ? `${digits(value)}\u00a0${unit}` : digits(value);
}

/**
 * How many times the one is the other, from unrounded values; a dash where that says nothing.
 * @param {number | null | undefined} machine
 * @param {number | null | undefined} container
 */
export function ratio(machine, container) {
  if (machine === null || machine === undefined || !container) return "–";
  const times = machine / container;
  return times < 10 ? `${times.toFixed(1)}×` : `${Math.round(times)}×`;
}

/**
 * The upper end of an axis for both sides: 1, 2, 4, 6 or 10 times a power of ten.
 * @param {number} most the largest value that is shown
 */
export function roof(most) {
  if (!(most > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(most));
  const step = STEPS.find((each) => most <= each * power * 1.000001) ?? 10;
  return step * power;
}

/**
 * A round number with its unit, as an axis shows it.
 * @param {number} value
 * @param {string} unit
 */
export function tick(value, unit) {
  const plain = String(Number(value.toPrecision(3)));
  return unit ? `${plain}\u00a0${unit}` : plain;
}

/**
 * Bytes as MB, for the planner and the drawing.
 * @param {number | null | undefined} bytes
 */
export function megabytes(bytes) {
  return bytes === null || bytes === undefined ? "–" : shown(bytes / MB, "MB");
}

/**
 * Milliseconds as seconds, or as milliseconds where there are few.
 * @param {number | null | undefined} ms
 */
export function duration(ms) {
  if (ms === null || ms === undefined) return "–";
  return ms < 1000 ? shown(ms, "ms") : shown(ms / 1000, "s");
}
