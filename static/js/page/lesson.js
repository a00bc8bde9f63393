/** The lesson player: a lesson's text beside the terminals of one container. */

import { Room } from "../lib/socket.js";
import { wireLab } from "../player/lab.js";
import { wirePreviews } from "../player/previews.js";
import { wireStep } from "../player/step.js";

const room = new Room("/lesson");
const lab = wireLab(room);
wireStep(room, lab, lab.run);
wirePreviews(lab.terminal, lab.tabs);
