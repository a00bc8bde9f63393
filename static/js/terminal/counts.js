/** Counts that no screen has. xterm.js takes each of their steps, so one sequence stops the page for good. */

const MOST = 1000; // no terminal of ours has more rows or columns
// Insert lines, delete lines, scroll up and down, tabs on and back, repeat the last character.
const COUNTED = ["L", "M", "S", "T", "I", "Z", "b"];

/**
 * Lets a terminal pass over sequences whose count is greater than any screen: binary garbage has them.
 * @param {import("@xterm/xterm").IParser} parser
 */
export function passOverGreatCounts(parser) {
  for (const final of COUNTED) {
    parser.registerCsiHandler({ final }, ([count]) => typeof count === "number" && count > MOST);
  }
}
