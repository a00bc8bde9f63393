/** What programs call their window. */

const LONGEST = 60;

/**
 * The part of a title that a tab shows: nothing where a shell names itself and its folder, which the prompt says.
 * It is cut first, since a title may have megabytes.
 * @param {string} title
 */
export function shownTitle(title) {
  const start = title.slice(0, LONGEST);
  return /^(\S+@\S+:|[~/])/.test(start) ? "" : start;
}
