/** The two live regions of the page: at most one sentence in two seconds, the newest wins. */

const PAUSE_MS = 2000;

/** @type {Map<string, {due: number, timer: number}>} */
const regions = new Map();

/**
 * @param {string} id
 * @param {string} text
 */
function write(id, text) {
  const region = document.getElementById(id);
  if (!region) return;
  // The same sentence twice is only spoken twice when the text node changes.
  region.textContent = region.textContent === text ? `${text}\u00a0` : text;
}

/**
 * Speaks a sentence to a screen reader.
 * @param {string} text
 * @param {{urgent?: boolean}} [how] urgent interrupts what is being read
 */
export function say(text, { urgent = false } = {}) {
  const id = urgent ? "say-assertive" : "say-polite";
  const now = Date.now();
  const last = regions.get(id) ?? { due: 0, timer: 0 };
  clearTimeout(last.timer);
  const wait = Math.max(0, last.due - now);
  const timer = window.setTimeout(() => {
    write(id, text);
    regions.set(id, { due: Date.now() + PAUSE_MS, timer: 0 });
  }, wait);
  regions.set(id, { due: last.due, timer });
}
