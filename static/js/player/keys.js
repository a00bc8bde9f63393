/** The player's keys: one table of deeds, and the list that `?` shows. */

import { SlipCommand } from "../elements/slip-command.js";
import { bindKeys, lettersAreKeys, toggleLetters } from "../lib/keys.js";
import { goTo } from "../lib/leaving.js";

/**
 * @typedef {import("../elements/slip-step.js").SlipStep} SlipStep
 * @typedef {import("../elements/slip-rail.js").SlipRail} SlipRail
 * @typedef {ReturnType<typeof import("./lab.js").wireLab>} Lab
 */

const REGIONS = ["lesson", "terminals", "panel"];

/**
 * @param {SlipStep} step
 * @param {SlipRail} rail
 * @param {Lab} lab
 * @param {Record<string, () => void>} more keys that only some pages have, or have another way
 */
export function wireKeys(step, rail, lab, more) {
  bindKeys({
    "Ctrl+Enter": runNext,
    C: () => step.check(),
    H: () => step.hint(),
    N: () => go(rail.neighbours.after),
    P: () => go(rail.neighbours.before),
    T: () => lab.clock.speak(),
    "Ctrl+`": () => enterTerminal(lab),
    F6: () => nextRegion(1),
    "Shift+F6": () => nextRegion(-1),
    "?": showKeys,
    ...more,
  });
  document.querySelector("[data-show-keys]")?.addEventListener("click", showKeys);
  document.querySelector("[data-close-keys]")?.addEventListener("click", () => dialog()?.close());
  const letters = document.querySelector("[data-letter-keys]");
  letters?.setAttribute("aria-pressed", String(lettersAreKeys()));
  letters?.addEventListener("click", () => {
    toggleLetters();
    letters.setAttribute("aria-pressed", String(lettersAreKeys()));
  });
  keepAboveKeyboard();
}

/** The next command that hasn't run yet. */
function runNext() {
  const commands = [...document.querySelectorAll("slip-command")].filter(
    (each) => each instanceof SlipCommand,
  );
  commands.find((each) => each.isRunnable && !each.hasRun)?.start();
}

/** @param {string | undefined} address */
function go(address) {
  if (address) goTo(address);
}

/** @param {Lab} lab */
function enterTerminal(lab) {
  if (lab.tabs.isInUse) lab.tabs.show("terminal");
  lab.terminal.focus();
}

/** @param {number} move */
function nextRegion(move) {
  const regions = REGIONS.map((id) => document.getElementById(id)).filter((each) => each !== null);
  const now = regions.findIndex((each) => each.contains(document.activeElement));
  regions[(now + move + regions.length) % regions.length]?.focus();
}

function dialog() {
  const found = document.getElementById("keys");
  return found instanceof HTMLDialogElement ? found : null;
}

function showKeys() {
  dialog()?.showModal();
}

/** On a phone the last line of a terminal stays above the keyboard. */
function keepAboveKeyboard() {
  const seen = window.visualViewport;
  seen?.addEventListener("resize", () => {
    // What is seen of a page that two fingers made larger is less of it; no keyboard has come.
    const height = Math.round(seen.height * seen.scale);
    document.body.style.setProperty("--seen-height", `${height}px`);
  });
}
