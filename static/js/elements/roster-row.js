/** One learner's row in the instructor's table. The same words are in templates/workshops/_row.html. */

import { drawing } from "../lib/dom.js";

/**
 * @typedef {{title: string, passed: boolean, broke: boolean, found: string, at: number}} Last
 * @typedef {{learner: string, name: string, is_staff: boolean, lesson: string | null,
 *   step: number | null, steps: number | null, title: string | null,
 *   checks: {passed: number, total: number} | null, last: Last | null,
 *   present: boolean, lab_state: string, busy_minutes: number | null, seen_at: number | null}} Learner
 */

/**
 * Draws what is known of a learner into their row.
 * @param {HTMLTableRowElement} row
 * @param {Learner} learner
 */
export function fillRow(row, learner) {
  row.dataset.learner = learner.learner;
  cell(row, "name").textContent = learner.name;
  const link = cell(row, "link");
  link.setAttribute("href", `${link.dataset.base}${encodeURIComponent(learner.learner)}`);
  cell(row, "staff").hidden = !learner.is_staff;
  cell(row, "here").replaceChildren(state(...here(learner)), ...busy(learner.busy_minutes));
  cell(row, "step").textContent = learner.step
    ? `${learner.lesson} · step ${learner.step} of ${learner.steps}`
    : "–";
  cell(row, "checks").textContent = learner.checks?.total
    ? `${learner.checks.passed} of ${learner.checks.total}`
    : "–";
  cell(row, "last").replaceChildren(...(learner.last ? last(learner.last) : ["–"]));
}

/**
 * @param {Learner} learner
 * @returns {[string, string]}
 */
function here(learner) {
  if (learner.lab_state === "waiting") return ["waiting", "in line"];
  return learner.present ? ["working", "here"] : ["away", "away"];
}

/** @param {number | null} minutes */
function busy(minutes) {
  if (!minutes) return [];
  const mark = document.createElement("span");
  mark.className = "roster__check";
  mark.append(state("look", `full CPU, no key for ${minutes} min`));
  return [" ", mark];
}

/** @param {Last} result */
function last(result) {
  const title = document.createElement("span");
  title.className = "roster__check quiet small";
  title.textContent = ` ${result.title}`;
  if (result.broke) return [state("look", "broke"), title];
  return [result.passed ? state("good", "passed") : state("failed", "not yet"), title];
}

/**
 * @param {string} shape
 * @param {string} word
 */
function state(shape, word) {
  const line = document.createElement("span");
  line.className = "state";
  line.append(drawing(`[data-shape=${shape}]`), ` ${word}`);
  return line;
}

/**
 * @param {HTMLTableRowElement} row
 * @param {string} name
 * @returns {HTMLElement}
 */
function cell(row, name) {
  const found = row.querySelector(`[data-${name}]`);
  if (found instanceof HTMLElement) return found;
  throw new Error(`the roster's row has no ${name}`);
}
