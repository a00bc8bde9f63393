/** Numbers in sentences. No document here. */

const ENDINGS = ["th", "st", "nd", "rd"];

/**
 * `1st`, `2nd`, `3rd`, `11th`.
 * @param {number} number
 */
export function ordinal(number) {
  const isTeen = number % 100 > 10 && number % 100 < 14;
  return `${number}${(!isTeen && ENDINGS[number % 10]) || "th"}`;
}

/**
 * A text in parts, some of which are addresses on the web; nothing else becomes a link.
 * @param {string} text
 * @returns {{words: string, href: string}[]}
 */
export function linked(text) {
  return text
    .split(/(https?:\/\/[^\s<>"]*[^\s<>"'.,;:!?)\]])/i)
    .map((words, at) => ({ words, href: at % 2 ? words : "" }))
    .filter(({ words }) => words);
}
