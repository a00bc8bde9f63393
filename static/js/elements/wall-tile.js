/** One learner's tile on the wall. The same words are in templates/workshops/_tile.html. */

import { drawing } from "../lib/dom.js";
import { SHAPES, words } from "../wall/order.js";

/** @typedef {import("../wall/order.js").Learner} Learner */

/**
 * Draws what is known of a learner into their tile.
 * @param {HTMLElement} tile
 * @param {Learner} learner
 */
export function fillTile(tile, learner) {
  tile.dataset.learner = learner.learner;
  if (tile.dataset.state !== learner.state) {
    tile.dataset.state = learner.state;
    const shape = drawing(`[data-shape=${SHAPES[learner.state]}]`);
    part(tile, "shape-slot").replaceChildren(shape);
  }
  write(part(tile, "name"), learner.name);
  part(tile, "staff").hidden = !learner.is_staff;
  const step = part(tile, "step");
  write(step, String(learner.step ?? ""));
  step.parentElement?.toggleAttribute("hidden", !learner.step);
  const link = part(tile, "link");
  link.setAttribute("href", `${link.dataset.base}${encodeURIComponent(learner.learner)}`);
  sayTime(tile, learner);
}

/**
 * The lines in which minutes stand.
 * @param {HTMLElement} tile
 * @param {Learner} learner
 */
export function sayTime(tile, learner) {
  const { text, detail } = words(learner, Date.now() / 1000);
  write(part(tile, "text"), text);
  write(part(tile, "detail"), detail);
}

/**
 * @param {HTMLElement} place
 * @param {string} text
 */
function write(place, text) {
  if (place.textContent !== text) place.textContent = text;
}

/**
 * @param {HTMLElement} tile
 * @param {string} name
 * @returns {HTMLElement}
 */
export function part(tile, name) {
  const found = tile.querySelector(`[data-${name}]`);
  if (found instanceof HTMLElement) return found;
  throw new Error(`a tile of the wall has no ${name}`);
}
