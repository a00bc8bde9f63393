/** One workshop, live: each learner's row as it changes. */

import { fillRow } from "../elements/roster-row.js";
import { SlipCountdown } from "../elements/slip-countdown.js";
import { one } from "../lib/dom.js";
import { Room } from "../lib/socket.js";

const page = one("[data-workshop]", HTMLElement);
const body = one("[data-table] tbody", HTMLElement);
const blank = one("template[data-row]", HTMLTemplateElement);
const note = one("[data-live]", HTMLElement);
const wall = new Room("/wall");

/** @param {import("../elements/roster-row.js").Learner} learner */
function show(learner) {
  const known = body.querySelector(`[data-learner="${CSS.escape(learner.learner)}"]`);
  const row = known ?? blank.content.querySelector("tr")?.cloneNode(true);
  if (!(row instanceof HTMLTableRowElement)) return;
  fillRow(row, learner);
  if (!known) body.append(row);
  one("[data-nobody]", HTMLElement).hidden = true;
  one("[data-table]", HTMLElement).hidden = false;
  count();
}

/** Places of the class that are taken: who only tries the workshop, or waits, takes none. */
function count() {
  const rows = [...body.querySelectorAll("tr")];
  const taken = rows.filter((row) => row.querySelector("[data-staff][hidden]"));
  const waiting = taken.filter((row) => row.querySelector("[data-here] [data-shape=waiting]"));
  one("[data-joined]", HTMLElement).textContent = String(taken.length - waiting.length);
}

wall.on("connect", async () => {
  const { learners } = await wall.ask("watch", { workshop: page.dataset.workshop });
  for (const learner of learners) show(learner);
  note.hidden = true;
});
wall.on("learner", show);
wall.on("clock", ({ until, ended }) => {
  if (page.dataset.state !== "running") return;
  if (ended) location.reload();
  one("slip-countdown", SlipCountdown).until = until;
});
wall.on("disconnect", () => {
  const at = new Date().toLocaleTimeString();
  one("[data-live] span", HTMLElement).textContent =
    `Live view lost; the rows show ${at}. It comes back by itself; labs go on.`;
  note.hidden = false;
});
