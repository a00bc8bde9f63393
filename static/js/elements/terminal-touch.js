/** Fingers on a terminal: one or two scroll, two that spread set the size of the text, a long press selects. */

const LONG_MS = 500;
const SLIP_PX = 10;
const SPREAD = 0.12;
// xterm.js scrolls its own lines by the older figure, 50 pixels for each 120 of it, the other way round; in an event
// that a script made Chromium gives it the sign of deltaY, so that a finger would scroll backwards.
const WHEEL_UNITS = -120 / 50;

/** @typedef {{clientX: number, clientY: number}} Point */

/**
 * @param {HTMLElement} element
 * @param {{resizeText: (by: number) => void, select: (at: Point, from: Point | null) => void}} deeds
 *   `select` takes the word at a place, or all from one place to another
 */
export function listenToFingers(element, { resizeText, select }) {
  /** @type {Point | null} */
  let last = null;
  /** @type {Point | null} */
  let held = null;
  let spread = 0;
  let timer = 0;

  const begin = (/** @type {TouchEvent} */ { touches }) => {
    last = middle(touches);
    spread = touches.length === 2 ? distance(touches) : 0;
    held = null;
    clearTimeout(timer);
    if (touches.length > 1) return;
    timer = window.setTimeout(() => {
      held = last;
      if (held) select(held, null);
    }, LONG_MS);
  };

  const move = (/** @type {TouchEvent} */ event) => {
    const at = middle(event.touches);
    if (!last || !at) return;
    if (held) {
      event.preventDefault();
      select(at, held);
      return;
    }
    if (event.touches.length === 2 && pinch(distance(event.touches))) return;
    const by = last.clientY - at.clientY;
    if (Math.abs(by) < SLIP_PX) return;
    clearTimeout(timer);
    event.preventDefault();
    last = at;
    scroll(event.target, by, at);
  };

  /** @param {number} now */
  const pinch = (now) => {
    const ratio = now / spread;
    if (Math.abs(ratio - 1) < SPREAD) return false;
    resizeText(ratio > 1 ? 1 : -1);
    spread = now;
    return true;
  };

  element.addEventListener("touchstart", begin, { passive: true });
  element.addEventListener("touchmove", move, { passive: false });
  const end = (/** @type {TouchEvent} */ event) => {
    clearTimeout(timer);
    if (held) event.preventDefault(); // or a click follows, which lets go of what is selected
  };
  element.addEventListener("touchend", end, { passive: false });
  element.addEventListener("touchcancel", () => clearTimeout(timer), { passive: true });
}

/**
 * As a wheel would: xterm.js knows which program wants it as arrows or as reports.
 * @param {EventTarget | null} target
 * @param {number} by pixels
 * @param {Point} at
 */
function scroll(target, by, { clientX, clientY }) {
  const wheel = { deltaY: by, wheelDeltaY: by * WHEEL_UNITS };
  const how = { ...wheel, clientX, clientY, bubbles: true, cancelable: true };
  target?.dispatchEvent(new WheelEvent("wheel", how));
}

/** @param {TouchList} touches @returns {Point | null} */
function middle(touches) {
  const all = [...touches];
  if (!all.length) return null;
  const sum = (/** @type {"clientX" | "clientY"} */ name) =>
    all.reduce((total, each) => total + each[name], 0) / all.length;
  return { clientX: sum("clientX"), clientY: sum("clientY") };
}

/** @param {TouchList} touches */
function distance(touches) {
  const [one, two] = [...touches];
  return one && two ? Math.hypot(one.clientX - two.clientX, one.clientY - two.clientY) : 0;
}

/**
 * Selects a word, or what lies between two places.
 * @param {import("@xterm/xterm").Terminal} term
 * @param {Point} at
 * @param {Point | null} from
 */
export function selectByFinger(term, at, from) {
  const here = cellAt(term, at);
  if (!from) {
    const text = term.buffer.active.getLine(here.row)?.translateToString(true) ?? "";
    const before = /\S*$/.exec(text.slice(0, here.column))?.[0].length ?? 0;
    const after = /^\S*/.exec(text.slice(here.column))?.[0].length ?? 0;
    term.select(here.column - before, here.row, Math.max(1, before + after));
    return;
  }
  const [first, last] = [cellAt(term, from), here].sort(
    (one, other) => one.row - other.row || one.column - other.column,
  );
  if (!first || !last) return;
  const length = (last.row - first.row) * term.cols + last.column - first.column + 1;
  term.select(first.column, first.row, length);
}

/**
 * @param {import("@xterm/xterm").Terminal} term
 * @param {Point} point
 */
function cellAt({ element, cols, rows, buffer }, { clientX, clientY }) {
  const screen = element?.querySelector(".xterm-screen");
  const { left, top, width, height } = screen?.getBoundingClientRect() ?? new DOMRect(0, 0, 1, 1);
  const within = (/** @type {number} */ part, /** @type {number} */ most) =>
    Math.min(most - 1, Math.max(0, Math.floor(part * most)));
  return {
    column: within((clientX - left) / width, cols),
    row: buffer.active.viewportY + within((clientY - top) / height, rows),
  };
}
