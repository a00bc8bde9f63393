/** The lesson player: a lesson's text beside the terminals of one container. */

import { Room } from "../lib/socket.js";
import { wireLab } from "../player/lab.js";
import { wirePreviews } from "../player/previews.js";
import { wireStep } from "../player/step.js";

const room = new Room("/lesson");
const lab = wireLab(room);
const { press } = wireStep(room, lab, lab.run);
// A machine has no network, so it serves nothing.
if (!("inMachine" in lab.terminal.dataset)) wirePreviews(room, lab.terminal, lab.tabs, press);
