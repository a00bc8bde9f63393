/** The last minute of every row on both sides, with gaps where nothing was read. No document here. */

import { roof, shown } from "./figures.js";
import { ROWS, SIDES, valuesOf } from "./rows.js";

/** @typedef {import("./rows.js").Reading} Reading @typedef {import("./rows.js").Side} Side */

export const WINDOW_S = 60;
const GAP_S = 2.5; // a reading is due each second; two in a row may be late

/** @typedef {{at: number, values: Record<Side, Record<string, number | null>>}} Point */

export class Series {
  /** @type {Point[]} */
  #points = [];
  /** @type {Reading | null} */
  #last = null;

  /** @param {Reading} reading */
  take(reading) {
    if (this.#last && reading.at <= this.#last.at) return;
    const before = this.#last && reading.at - this.#last.at <= GAP_S ? this.#last : null;
    if (this.#last && !before) this.#points.push(hole((this.#last.at + reading.at) / 2));
    const values = /** @type {Point["values"]} */ (
      Object.fromEntries(SIDES.map((side) => [side, valuesOf(reading, before, side)]))
    );
    this.#points.push({ at: reading.at, values });
    this.#last = reading;
    while (this.#points[0] && this.#points[0].at < reading.at - WINDOW_S) this.#points.shift();
  }

  get last() {
    return this.#last;
  }

  /**
   * The newest value of a row.
   * @param {string} row
   * @param {Side} side
   */
  now(row, side) {
    return this.#points.at(-1)?.values[side][row] ?? null;
  }

  /**
   * Seconds before now, and the values there, for a plot.
   * @param {string} row
   * @param {Side} side
   * @returns {[number[], (number | null)[]]}
   */
  line(row, side) {
    const now = this.#last?.at ?? 0;
    return [
      this.#points.map((point) => point.at - now),
      this.#points.map((point) => point.values[side][row] ?? null),
    ];
  }

  /** The upper end of a row's axis, one for both sides. @param {string} row */
  roof(row) {
    const all = this.#points.flatMap((point) => SIDES.map((side) => point.values[side][row] ?? 0));
    return roof(Math.max(0, ...all));
  }

  /**
   * What the plot shows, for who can't see it.
   * @param {string} row
   * @param {Side} side
   */
  trend(row, side) {
    if (this.now(row, side) === null) return ""; // it has stopped
    const known = this.#points.filter((point) => point.values[side][row] !== null);
    const [first, last] = [known[0], known.at(-1)];
    if (!first || !last || first === last) return "";
    const unit = ROWS[row]?.unit ?? "";
    const [from, to] = [first, last].map((point) => shown(point.values[side][row], unit));
    const passed = Math.round(last.at - first.at);
    if (from === to) return `steady for ${passed}\u00a0s`;
    const word = Number(last.values[side][row]) > Number(first.values[side][row]) ? "rose" : "fell";
    return `${word} from ${from} to ${to} in ${passed}\u00a0s`;
  }
}

/** A point at which nothing is known. @param {number} at @returns {Point} */
function hole(at) {
  return { at, values: { machine: {}, container: {} } };
}
