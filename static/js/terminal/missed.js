/** What a learner is told of what their terminal printed while the page was away. */

const KB = 1000;
const MB = 1000 * KB;

/**
 * @typedef {{lines: number, lostBytes: number | null}} Missed the lines that came after all, and how much is no longer
 *   kept; null: another shell is here now
 */

/** @param {Missed} missed */
export function whatArrived({ lines, lostBytes }) {
  if (lostBytes === null) return "The shell before has ended; this is a new one.";
  if (lostBytes)
    return `Your shell ran on; the first ${amount(lostBytes)} it printed are no longer kept.`;
  if (lines === 0) return "Nothing was lost.";
  return `Nothing was lost; ${lines} line${lines === 1 ? "" : "s"} arrived while you were away.`;
}

/** @param {number} bytes */
function amount(bytes) {
  if (bytes < MB) return `${Math.ceil(bytes / KB)}\u00a0kB`;
  return `${(bytes / MB).toFixed(bytes < 10 * MB ? 1 : 0)}\u00a0MB`;
}
