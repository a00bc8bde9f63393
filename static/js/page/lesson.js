/** The lesson player: finds the elements that the server drew, and wires them to the one socket. */

import { SlipCheck } from "../elements/slip-check.js";
import { SlipCommand } from "../elements/slip-command.js";
import { SlipQuiz } from "../elements/slip-quiz.js";
import { SlipRail } from "../elements/slip-rail.js";
import { SlipStep } from "../elements/slip-step.js";
import "../elements/slip-hints.js";
import "../elements/slip-server-view.js";
import { one } from "../lib/dom.js";
import { showProblem } from "../lib/findings.js";
import { Room } from "../lib/socket.js";
import { wireKeys } from "../player/keys.js";
import { wireLab } from "../player/lab.js";
import { wirePaper } from "../player/paper.js";

const room = new Room("/lesson");
const element = one("slip-step", SlipStep);
const rail = one("slip-rail", SlipRail);
const step = element.dataset.step ?? "";

/** @param {string} name */
const press = (name) => room.tell("press", { step, name });

const lab = wireLab(room);

for (const each of document.querySelectorAll("slip-command")) {
  if (!(each instanceof SlipCommand)) continue;
  each.run = lab.run;
  each.press = press;
  each.teller = () => lab.terminal.teller;
  lab.terminal.addEventListener("slip-finished", (event) => {
    const { name, code } = /** @type {CustomEvent} */ (event).detail;
    each.finish(name, code);
  });
}
for (const each of document.querySelectorAll("slip-quiz")) {
  if (each instanceof SlipQuiz) {
    each.ask = (question, value) => room.ask("answer", { step, question, value });
  }
}
for (const each of document.querySelectorAll("slip-check")) {
  if (each instanceof SlipCheck) each.ask = () => room.ask("check", { step });
}
for (const each of document.querySelectorAll("slip-hints, slip-predict, slip-server-view")) {
  Object.assign(each, { press, ask: () => room.ask("processes") });
}
element.skip = () => room.ask("skip", { step });
element.addEventListener("slip-verdict", (event) => {
  const { done, passed } = /** @type {CustomEvent} */ (event).detail;
  const isFailed = element.querySelector(":is(slip-check, slip-quiz)[data-state=failed]") !== null;
  rail.mark(element.name, done ? "done" : isFailed ? "failed" : "open");
  lab.tabs.note("lesson", passed ? "1 passed" : "1 not yet");
});
room.on("connect", async () => {
  // What was said while the server was away has passed with it.
  for (const each of document.querySelectorAll("slip-check, slip-quiz")) {
    if (each instanceof HTMLElement) showProblem(each, "");
  }
  const opened = await room.ask("open", { step }).catch(() => null); // over, which is said by `lab`
  if (opened) lab.clock.until = opened.until;
});
wireKeys(element, rail, lab);
wirePaper(element);
