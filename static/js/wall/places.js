/** Which tile an arrow key leads to, by where the tiles lie. No document here. */

/** @typedef {{left: number, top: number, width: number, height: number}} Box */

/**
 * @param {Box[]} boxes in the order of the page
 * @param {number} at which of them the keyboard is on
 * @param {string} key
 * @returns {number} which it goes to; -1 for a key that leads nowhere
 */
export function neighbour(boxes, at, key) {
  if (key === "ArrowRight") return at + 1 < boxes.length ? at + 1 : at;
  if (key === "ArrowLeft") return Math.max(0, at - 1);
  if (key === "Home") return 0;
  if (key === "End") return boxes.length - 1;
  if (key === "ArrowDown") return nearest(boxes, at, 1);
  return key === "ArrowUp" ? nearest(boxes, at, -1) : -1;
}

/**
 * The tile of the next row that lies nearest; rows may have tiles of other sizes.
 * @param {Box[]} boxes
 * @param {number} at
 * @param {1 | -1} way
 */
function nearest(boxes, at, way) {
  const here = boxes[at];
  if (!here) return at;
  const away = (/** @type {Box} */ box) => way * (box.top - here.top);
  const rows = boxes.filter((box) => away(box) > 1).map(away);
  const row = boxes.filter((box) => Math.abs(away(box) - Math.min(...rows)) < 1);
  const aside = (/** @type {Box} */ box) =>
    Math.abs(box.left + box.width / 2 - here.left - here.width / 2);
  const [found] = row.sort((one, other) => aside(one) - aside(other));
  return found ? boxes.indexOf(found) : at;
}
