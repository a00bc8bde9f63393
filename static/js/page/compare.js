/** The lesson player with a machine beside the container, and the panel that compares them. */

import { Room } from "../lib/socket.js";
import { wireCompare } from "../player/compare.js";
import { wireLab } from "../player/lab.js";
import { wireStep } from "../player/step.js";

const room = new Room("/lesson");
const lab = wireLab(room);
const compare = wireCompare(room, lab);
const { element, press } = wireStep(room, lab, compare.run, compare.keys);
compare.begin(element, press);
