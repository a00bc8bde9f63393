/** A small picture of a terminal as rows of runs: what is kept of it, and what of it fits. No document here. */

/**
 * @typedef {number | string | null} Colour null: the terminal's own; 0 to 15: of its palette; "ink" or
 *   "ground" where both are swapped; else a colour such as `#5f87ff`
 * @typedef {[column: number, text: string, ink: Colour, ground: Colour]} Run
 * @typedef {{learner: string, rows: number, cols: number, lines: Record<string, Run[]>,
 *   whole: boolean}} ScreenFact
 */

export class Rows {
  /** @type {Map<number, Run[]>} */
  #rows = new Map();

  /** @param {ScreenFact} fact the rows that changed */
  take({ lines, whole, rows }) {
    if (whole) this.#rows.clear();
    for (const [row, runs] of Object.entries(lines)) this.#rows.set(Number(row), runs);
    for (const row of this.#rows.keys()) if (row >= rows) this.#rows.delete(row);
  }

  /**
   * So many rows as fit, the last of them the last one that isn't empty.
   * @param {number} count
   * @returns {Run[][]}
   */
  last(count) {
    const filled = [...this.#rows].filter(([, runs]) => runs.length).map(([row]) => row);
    const end = filled.length ? Math.max(...filled) + 1 : 0;
    const first = Math.max(0, end - count);
    return Array.from({ length: end - first }, (_, at) => this.#rows.get(first + at) ?? []);
  }
}
