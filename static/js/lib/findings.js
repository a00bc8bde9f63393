/** Fills what a check or an answer came to into the parts that the server drew. */

import { drawing, proseNodes } from "./dom.js";

/**
 * @typedef {{passed: boolean, broke: boolean, title: string, expected: string, found: string,
 *   try: string, done: boolean, next: string | null, summary: string}} Verdict
 */

const SHAPES = {
  idle: "idle",
  looking: "working",
  passed: "good",
  failed: "failed",
  broke: "look",
};

/**
 * @param {HTMLElement} root a `.check`
 * @param {keyof typeof SHAPES} state
 */
export function showState(root, state) {
  root.dataset.state = state;
  root
    .querySelector("[data-shape-slot]")
    ?.replaceChildren(drawing(`[data-shape=${SHAPES[state]}]`));
}

/** @param {Verdict} verdict */
export function stateOf(verdict) {
  if (verdict.broke) return "broke";
  return verdict.passed ? "passed" : "failed";
}

/**
 * @param {HTMLElement} root a `.check`
 * @param {Verdict} verdict
 */
export function showFindings(root, verdict) {
  showState(root, stateOf(verdict));
  const texts = {
    expected: verdict.passed ? "" : verdict.expected,
    found: verdict.found,
    attempt: verdict.passed ? "" : verdict.try,
  };
  for (const [part, text] of Object.entries(texts)) {
    const row = root.querySelector(`[data-part=${part}]`);
    row?.toggleAttribute("hidden", !text);
    row?.querySelector("dd")?.replaceChildren(...proseNodes(text));
  }
  const isEmpty = verdict.broke || !Object.values(texts).some(Boolean);
  root.querySelector("[data-findings]")?.toggleAttribute("hidden", isEmpty);
  root.querySelector("[data-broke]")?.toggleAttribute("hidden", !verdict.broke);
}

/**
 * What kept a check from being asked; nothing that it said before is touched.
 * @param {HTMLElement} root a `.check`
 * @param {string} sentence empty when it was asked
 */
export function showProblem(root, sentence) {
  const line = root.querySelector("[data-problem]");
  if (line) line.textContent = sentence;
  line?.toggleAttribute("hidden", !sentence);
}

/**
 * One sentence for a screen reader.
 * @param {Verdict} verdict
 */
export function spoken(verdict) {
  if (verdict.broke) return `${verdict.title}: this check itself broke. You can go on.`;
  const result = verdict.passed ? "passed" : "not yet";
  const found = verdict.found && `. Found: ${verdict.found}`;
  const attempt = !verdict.passed && verdict.try && `. Try: ${verdict.try}`;
  return `${verdict.title}: ${result}${found || ""}${attempt || ""}`.replaceAll("`", "");
}
