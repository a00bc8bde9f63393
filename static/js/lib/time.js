/** Times as people read them. No document here. */

const WARN_S = 600;
const BAD_S = 120;
const TWO_DAYS_MIN = 2 * 24 * 60;
const OVERTAKEN_S = 60;

/**
 * What stands in the bar for the seconds that are left.
 * @param {number} seconds
 * @returns {{text: string, level: "calm" | "warn" | "bad"}}
 */
export function timeLeft(seconds) {
  if (seconds <= 0) return { text: "Time is up", level: "bad" };
  if (seconds <= BAD_S) {
    const rest = String(Math.floor(seconds % 60)).padStart(2, "0");
    return { text: `${Math.floor(seconds / 60)}:${rest} left`, level: "bad" };
  }
  const minutes = Math.ceil(seconds / 60);
  const level = seconds <= WARN_S ? "warn" : "calm";
  if (minutes < 120) return { text: `${minutes}\u00a0min left`, level };
  if (minutes >= TWO_DAYS_MIN)
    return { text: `${Math.floor(minutes / 1440)}\u00a0days left`, level };
  const rest = minutes % 60 ? ` ${minutes % 60}\u00a0min` : "";
  return { text: `${Math.floor(minutes / 60)}\u00a0h${rest} left`, level };
}

/**
 * What is spoken when the time passes a mark, or nothing: at 10, 5, 2 and 1 minutes, and at the end.
 * @param {number} before seconds left at the look before
 * @param {number} now
 */
export function timeMark(before, now) {
  const mark = [600, 300, 120, 60].find((each) => before > each && now <= each);
  if (mark !== undefined) return mark === 60 ? "1 minute left." : `${mark / 60} minutes left.`;
  return before > 0 && now <= 0 ? "Time is up." : "";
}

/**
 * Whether what comes was measured before what is shown, which has overtaken it. By more than a
 * minute it wasn't: then the server's clock was set back.
 * @param {number} at
 * @param {number} shownAt
 */
export function isOvertaken(at, shownAt) {
  return at < shownAt && shownAt - at < OVERTAKEN_S;
}
