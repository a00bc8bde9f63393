/** Machine and container on one page: which terminal a command goes to, and who hears which fact. */

import { SlipMachine } from "../elements/slip-machine.js";
import { SlipPanel } from "../elements/slip-panel.js";
import { SlipPlanner } from "../elements/slip-planner.js";
import { SlipStacks } from "../elements/slip-stacks.js";
import { SlipTerminal } from "../elements/slip-terminal.js";
import { SlipWorks } from "../elements/slip-works.js";
import { one } from "../lib/dom.js";
import { wireCard } from "../lib/live.js";
import { say } from "../lib/say.js";

/**
 * @typedef {import("../lib/socket.js").Room} Room
 * @typedef {import("./step.js").Lab} Lab
 * @typedef {import("../elements/slip-machine.js").Machine} Machine
 * @typedef {import("../elements/slip-step.js").SlipStep} SlipStep
 * @typedef {"machine" | "container"} Side
 */

const FOLDED = "slip-lesson-folded";
const SIZE = { rows: 24, cols: 80 };

/**
 * @param {Room} room
 * @param {Lab} lab the container's half
 */
export function wireCompare(room, lab) {
  const machine = one("slip-machine", SlipMachine);
  const screen = one("slip-terminal[data-side=machine]", SlipTerminal);
  const panel = one("slip-panel", SlipPanel);
  const works = one("slip-works", SlipWorks);
  const planner = one("slip-planner", SlipPlanner);
  const stacks = one("slip-stacks", SlipStacks);
  const sides = /** @type {HTMLElement} */ (document.getElementById("terminals"));
  const banner = document.querySelector("[data-banner]");
  let labId = lab.terminal.dataset.lab ?? "";

  for (const side of document.querySelectorAll(".side")) {
    const head = side.querySelector("[data-head]");
    if (head) side.querySelector(".term-tabs")?.append(head);
  }

  /** @param {Machine | null} now */
  const showMachine = (now) => {
    const before = machine.machine?.state;
    machine.show(now);
    if (now?.terminal && labId) screen.dataset.lab = labId;
    if (now?.accelerator) banner?.toggleAttribute("hidden", now.accelerator !== "tcg");
    if (before === now?.state) return;
    panel.isolate();
    planner.look();
    if (now?.state === "failed") lab.tabs.note("terminal", "machine ended");
  };
  room.on("lab", (fact) => {
    if (fact.lab) labId = fact.lab;
    if (fact.machine !== undefined) showMachine(fact.machine);
  });
  room.on("machine", (fact) => showMachine(fact.machine));
  room.on("meter", (reading) => {
    panel.take(reading);
    stacks.take(reading);
    machine.offerResume(Boolean(reading.resumable));
    if (reading.accelerator) banner?.toggleAttribute("hidden", reading.accelerator !== "tcg");
  });
  room.on("work", (fact) => works.show(fact));
  // Another machine may be in the same state as the one before.
  room.on("reset", () => {
    panel.isolate();
    planner.look();
  });

  machine.boot = async (how) => {
    const answer = await room.ask("boot", { how, ...SIZE });
    showMachine(answer.machine);
  };
  machine.halt = (force) => room.ask("halt", { force });
  works.run = (work) => room.ask("work", { work });
  works.stop = () => room.ask("stop");
  planner.ask = (name, fields = {}) =>
    room.ask(name, /** @type {Record<string, unknown>} */ (fields));
  wireCard(room, "plan", [planner], (_, { plan }) => planner.hear(plan));
  panel.askIsolation = () => room.ask("isolation");
  // Enter on a machine that is off means what the button means.
  screen.addEventListener("slip-terminal-open", (event) => {
    /** @type {CustomEvent} */ (event).detail.done(machine.boot("cold").then(() => null));
  });
  wireSwitch(sides);
  wireFold();

  /** @param {Side} side */
  const enter = (side) => {
    if (lab.tabs.isInUse) lab.tabs.show("terminal");
    showSide(sides, side);
    (side === "machine" ? screen : lab.terminal).focus();
  };

  return {
    keys: {
      M: () => enter("machine"),
      K: () => enter("container"),
      I: () => panel.turn(),
      G: () => panel.read(),
      // Where there is room for one of them, to the one that is shown.
      "Ctrl+`": () => enter(isAside(lab.terminal) ? "machine" : "container"),
    },

    /**
     * Types a command into the terminal that it names, or into both.
     * @param {string} text
     * @param {{force: boolean, where?: string}} how
     */
    async run(text, how) {
      const where = how.where ?? "container";
      if (where === "container") {
        showSide(sides, "container"); // where there is room for one of them
        return lab.run(text, how);
      }
      if (machine.machine?.state !== "ready") return askForMachine(machine);
      if (lab.tabs.isInUse) lab.tabs.show("terminal");
      const ran = await screen.run(text, how);
      if (ran && where === "both") return lab.run(text, how);
      if (ran) enter("machine");
      return ran;
    },

    /**
     * Once the step is wired: its cards tell of presses, and their open ones look for the first time.
     * @param {SlipStep} step
     * @param {(name: string) => void} press
     */
    begin(step, press) {
      Object.assign(panel, { press });
      Object.assign(planner, { press });
      document.querySelector("[data-print]")?.addEventListener("click", () => print());
      machine.without = () => step.leave();
      room.on("connect", () => {
        planner.look();
        panel.isolate();
      });
    },
  };
}

/** There is no machine to type into, and here is how to get one. @param {SlipMachine} machine */
function askForMachine(machine) {
  say("The machine isn’t ready. Boot it first.");
  const button = machine.querySelector("[data-boot]");
  if (button instanceof HTMLElement) button.focus();
  return null;
}

/** Whether the other side stands in its place. @param {HTMLElement} terminal */
function isAside(terminal) {
  const side = terminal.closest(".side");
  return side !== null && getComputedStyle(side).visibility === "hidden";
}

/** @param {HTMLElement} sides @param {Side} side */
function showSide(sides, side) {
  sides.dataset.side = side;
  for (const button of sides.querySelectorAll("[data-show-side]")) {
    const isShown = button.getAttribute("data-show-side") === side;
    button.setAttribute("aria-pressed", String(isShown));
  }
}

/** Where there is room for one terminal, a switch says which. @param {HTMLElement} sides */
function wireSwitch(sides) {
  sides.addEventListener("click", (event) => {
    const button = event.target instanceof Element && event.target.closest("[data-show-side]");
    if (button) showSide(sides, /** @type {Side} */ (button.getAttribute("data-show-side")));
  });
}

/** The lesson folds to its rail and leaves its room to the terminals; the browser remembers it. */
function wireFold() {
  const frame = document.querySelector("[data-frame]");
  const button = document.querySelector("[data-fold]");
  /** @param {boolean} isFolded */
  const fold = (isFolded) => {
    frame?.toggleAttribute("data-folded", isFolded);
    button?.setAttribute("aria-expanded", String(!isFolded));
  };
  fold(localStorage.getItem(FOLDED) !== null);
  button?.addEventListener("click", () => {
    const isFolded = button.getAttribute("aria-expanded") === "true";
    if (isFolded) localStorage.setItem(FOLDED, "1");
    else localStorage.removeItem(FOLDED);
    fold(isFolded);
  });
}
