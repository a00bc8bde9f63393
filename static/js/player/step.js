/** One step on the page, wired to the one socket: commands, questions, check, hints, the way on. */

import { SlipCheck } from "../elements/slip-check.js";
import { SlipCommand } from "../elements/slip-command.js";
import { SlipEngine } from "../elements/slip-engine.js";
import { SlipQuiz } from "../elements/slip-quiz.js";
import { SlipRail } from "../elements/slip-rail.js";
import { SlipReset } from "../elements/slip-reset.js";
import { SlipStep } from "../elements/slip-step.js";
import "../elements/slip-hints.js";
import "../elements/slip-layers.js";
import "../elements/slip-life.js";
import { SlipServerView } from "../elements/slip-server-view.js";
import { one } from "../lib/dom.js";
import { showProblem } from "../lib/findings.js";
import { goTo } from "../lib/leaving.js";
import { wireCard } from "../lib/live.js";
import { say } from "../lib/say.js";
import { wireHelp } from "./help.js";
import { wireKeys } from "./keys.js";
import { wirePaper } from "./paper.js";

/**
 * @typedef {import("../lib/socket.js").Room} Room
 * @typedef {ReturnType<typeof import("./lab.js").wireLab>} Lab
 */

/**
 * @param {Room} room
 * @param {Lab} lab
 * @param {SlipCommand["run"]} run types a command into the terminal that it names
 * @param {Record<string, () => void>} [keys] more keys of this page
 */
export function wireStep(room, lab, run, keys = {}) {
  const element = one("slip-step", SlipStep);
  const rail = one("slip-rail", SlipRail);
  const step = element.dataset.step ?? "";
  /** @param {string} name */
  const press = (name) => room.tell("press", { step, name });

  for (const each of document.querySelectorAll("slip-command")) {
    if (each instanceof SlipCommand) wireCommand(Object.assign(each, { run, press }), lab);
  }
  for (const each of document.querySelectorAll("slip-quiz")) {
    if (each instanceof SlipQuiz) {
      each.ask = (question, value) => room.ask("answer", { step, question, value });
    }
  }
  for (const each of document.querySelectorAll("slip-check")) {
    if (each instanceof SlipCheck) each.ask = () => room.ask("check", { step });
  }
  for (const each of document.querySelectorAll("slip-hints, slip-predict")) {
    Object.assign(each, { press });
  }
  wireServerView(room, press);
  wireEngine(room, lab);
  const lock = wirePace(room, element, rail);
  wireReset(room, step);
  element.skip = () => room.ask("skip", { step });
  element.addEventListener("slip-verdict", (event) => {
    const { done, passed } = /** @type {CustomEvent} */ (event).detail;
    const isFailed =
      element.querySelector(":is(slip-check, slip-quiz)[data-state=failed]") !== null;
    rail.mark(element.name, done ? "done" : isFailed ? "failed" : "open");
    lab.tabs.note("lesson", passed ? "1 passed" : "1 not yet");
  });
  const help = wireHelp(room, lab, (command) => wireCommand(Object.assign(command, { run }), lab));
  room.on("connect", async () => {
    // What was said while the server was away has passed with it.
    for (const each of document.querySelectorAll("slip-check, slip-quiz")) {
      if (each instanceof HTMLElement) showProblem(each, "");
    }
    const opened = await room.ask("open", { step }).catch(() => null); // over, which is said by `lab`
    if (!opened) return;
    if (opened.brought) goTo(`/lab/${opened.brought}`); // the class was, while this page was away
    lab.keepTime(opened);
    lock(opened.locked);
    help.show(opened);
  });
  wireKeys(element, rail, lab, { "Shift+H": help.toggle, ...keys });
  wirePaper(element);
  return { element, press };
}

/**
 * @param {Room} room
 * @param {(name: string) => void} press
 */
function wireServerView(room, press) {
  const views = [...document.querySelectorAll("slip-server-view")];
  const known = views.filter((view) => view instanceof SlipServerView);
  for (const view of known) Object.assign(view, { press, ask: () => room.ask("processes") });
  wireCard(room, "processes", known, (view, fact) => view.hear(fact));
}

/**
 * How far the class may go, and where its instructor brings it.
 * @param {Room} room
 * @param {SlipStep} step
 * @param {SlipRail} rail
 */
function wirePace(room, step, rail) {
  /** @param {string[]} locked */
  const lock = (locked) => {
    step.lock(locked);
    rail.lock(locked);
  };
  room.on("pace", ({ locked }) => lock(locked));
  room.on("brought", ({ step: id, by }) => {
    if (id === step.dataset.step) say(`${by} has brought you to this step.`);
    else goTo(`/lab/${id}`);
  });
  return lock;
}

/**
 * @param {Room} room
 * @param {string} step
 */
function wireReset(room, step) {
  const reset = one("slip-reset", SlipReset);
  reset.ask = () => room.ask("reset", { step });
  room.on("reset", (fact) => reset.show(fact));
}

/**
 * The learner's engine is asked when there is a lab, and again whenever a command has ended.
 * @param {Room} room
 * @param {Lab} lab
 */
function wireEngine(room, { terminal }) {
  for (const view of document.querySelectorAll("slip-layers, slip-life")) {
    if (!(view instanceof SlipEngine)) continue;
    view.ask = async (what) => (await room.ask("engine", { what })).found;
    room.on("lab", ({ state }) => {
      if (state === "ready") view.look();
    });
    terminal.addEventListener("slip-finished", () => view.look());
  }
}

/**
 * A command hears from the shell that it was typed into how it ended; a machine's doesn't tell.
 * @param {SlipCommand} command
 * @param {Lab} lab
 */
function wireCommand(command, { terminal }) {
  if (command.dataset.where === "machine" || "inMachine" in terminal.dataset) return;
  command.teller = () => terminal.teller;
  terminal.addEventListener("slip-finished", (event) => {
    const { name, code } = /** @type {CustomEvent} */ (event).detail;
    command.finish(name, code);
  });
}
