/** “What is my container?”: what is so now, again and again while somebody looks. */

import { one } from "../lib/dom.js";
import { Room } from "../lib/socket.js";

const LOOK_MS = 2000;
const OLD_S = 8;

/**
 * @typedef {{value: string, more: string, used: number | null, limit: number | null}} Cell
 */

const page = one("[data-walls]", HTMLElement);
const age = one("[data-age]", HTMLElement);
const problem = one("[data-problem]", HTMLElement);
const room = new Room("/lesson");
let seenAt = Date.now();

/** @param {string} name @param {Cell} cell */
function show(name, cell) {
  const row = page.querySelector(`[data-row="${CSS.escape(name)}"]`);
  fill(row?.querySelector("[data-value]"), cell.value);
  const more = row?.querySelector("[data-more]");
  fill(more, cell.more);
  more?.toggleAttribute("hidden", !cell.more);
  const meter = row?.querySelector("meter");
  if (!meter || cell.used === null || cell.limit === null) return;
  meter.max = cell.limit;
  meter.value = cell.used;
}

/** Written only where it changed, or a reader's selection would go. @param {Element | null | undefined} place @param {string} text */
function fill(place, text) {
  if (place && place.textContent !== text) place.textContent = text;
}

async function look() {
  if (document.visibilityState === "visible") {
    try {
      const { cells } = await room.ask("container");
      if (!page.querySelector("[data-row]")) location.reload(); // there was no container before
      for (const [name, cell] of Object.entries(cells)) show(name, cell);
      seenAt = Date.now();
      problem.hidden = true;
    } catch (refused) {
      fill(
        problem.querySelector("span:last-child"),
        refused instanceof Error ? refused.message : "",
      );
      problem.hidden = false;
    }
  }
  const seconds = Math.round((Date.now() - seenAt) / 1000);
  age.hidden = seconds < OLD_S;
  age.textContent = `figures ${seconds}\u00a0s old`;
  setTimeout(look, LOOK_MS);
}

room.on("connect", () => {});
setTimeout(look, LOOK_MS);
