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
