/** One learner, for who teaches: their terminals to watch, and their keyboard to ask for. */

import { SlipDesk } from "../elements/slip-desk.js";
import "../elements/slip-terminal.js";
import { one } from "../lib/dom.js";
import { bindKeys } from "../lib/keys.js";
import { Room } from "../lib/socket.js";

const desk = one("slip-desk", SlipDesk);
const { learner } = desk.dataset;
const room = new Room("/wall");

desk.ask = () => room.ask("ask", { learner });
desk.leave = () => room.ask("leave", { learner });
room.on("connect", async () => desk.show((await room.ask("follow", { learner })).keyboard));
room.on("keyboard", (keyboard) => desk.show(keyboard));
bindKeys({
  A: () => desk.press(),
  L: () => document.querySelector("form[data-lower]")?.querySelector("button")?.click(),
  W: () => one("[data-private-note]", HTMLTextAreaElement).focus(),
});
