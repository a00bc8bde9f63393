/** The code on the projector: how many have joined, live; Esc goes back. */

import { one } from "../lib/dom.js";
import { Room } from "../lib/socket.js";

const foot = one("[data-workshop]", HTMLElement);
const close = one("[data-close]", HTMLAnchorElement);
const wall = new Room("/wall");
/** @type {Set<string>} */
const joined = new Set();

/** @param {{learner: string, is_staff: boolean, lab_state: string}} learner */
function count(learner) {
  if (!learner.is_staff && learner.lab_state !== "waiting") joined.add(learner.learner);
  one("[data-joined]", HTMLElement).textContent = String(joined.size);
}

wall.on("connect", async () => {
  const { learners } = await wall.ask("watch", { workshop: foot.dataset.workshop });
  for (const learner of learners) count(learner);
});
wall.on("learner", count);

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") close.click();
});
