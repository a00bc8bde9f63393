/** One workshop while it runs: its wall, live. */

import { SlipClass } from "../elements/slip-class.js";
import { SlipCountdown } from "../elements/slip-countdown.js";
import { SlipTell } from "../elements/slip-tell.js";
import { SlipWall } from "../elements/slip-wall.js";
import { one } from "../lib/dom.js";
import { bindKeys } from "../lib/keys.js";
import { say } from "../lib/say.js";
import { Refused, Room } from "../lib/socket.js";
import { FILTERS } from "../wall/order.js";

const page = one("[data-workshop]", HTMLElement);
const note = one("[data-live]", HTMLElement);
const wall = one("slip-wall", SlipWall);
const tell = one("slip-tell", SlipTell);
const side = one("slip-class", SlipClass);
const room = new Room("/wall");

wall.addEventListener("slip-wall", () => {
  one("[data-joined]", HTMLElement).textContent = String(wall.taken);
  tell.aim(wall.shown, wall.showsAll);
  side.show(wall.learners);
});
/** All of it, once; nothing where the class was taken away since the page was loaded. */
async function watch() {
  try {
    return await room.ask("watch", { workshop: page.dataset.workshop });
  } catch (refused) {
    if (!(refused instanceof Refused) || refused.code !== "not-yours") throw refused;
    location.reload(); // and then it says so
    return null;
  }
}

room.on("connect", async () => {
  const told = await watch();
  if (!told) return;
  const { learners, sent } = told;
  one("[data-nobody]", HTMLElement).hidden = learners.length > 0;
  wall.begin(learners);
  tell.showSent(sent);
  note.hidden = true;
});
room.on("learner", (learner) => {
  side.hear(wall.find(learner.learner), learner);
  one("[data-nobody]", HTMLElement).hidden = true;
  wall.change(learner);
});
room.on("gone", ({ learner }) => {
  wall.leave(learner);
  one("[data-nobody]", HTMLElement).hidden = wall.learners.length > 0;
});
room.on("screen", (fact) => wall.picture(fact));
wall.addEventListener("slip-look", (event) => {
  room.tell("look", { learners: /** @type {CustomEvent} */ (event).detail.join(" ") });
});
tell.tell = (learners, word) => room.ask("tell", { learners: learners.join(" "), ...word });
tell.outcome = (message) => room.ask("outcome", { message });
room.on("sent", ({ messages }) => tell.showSent(messages));
room.on("clock", ({ until, ended, overran, paused }) => {
  if (ended || paused !== "paused" in page.dataset) location.reload();
  one("slip-countdown", SlipCountdown).until = until;
  const asked = document.querySelector("[data-overrun]"); // a demo has no time to be over
  if (overran && asked?.matches("[hidden]")) say("Time is up. Labs go on for 15 minutes.");
  asked?.toggleAttribute("hidden", !overran);
});
room.on("disconnect", () => {
  const at = new Date().toLocaleTimeString();
  one("[data-live] span", HTMLElement).textContent =
    `Live view lost; the tiles show ${at}. It comes back by itself; labs go on.`;
  note.hidden = false;
});
bindKeys({
  J: () => wall.go(1),
  K: () => wall.go(-1),
  "/": () => wall.search(),
  B: () => tell.enter(),
  S: () => wall.toggleScreens(),
  ...Object.fromEntries(FILTERS.map((filter, at) => [String(at + 1), () => wall.choose(filter)])),
});
