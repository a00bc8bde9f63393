/** The bell: seen always, heard where this browser wants it, and at most twice a second. */

import { say } from "../lib/say.js";
import { choice } from "./terminal-look.js";

const PAUSE_MS = 500;
const FLASH_MS = 180;
const TONE = { hertz: 660, seconds: 0.09, loudness: 0.15 };

let rangAt = 0;
let isCalling = false;

/**
 * @param {HTMLElement} element the terminal's
 * @param {string} label
 */
export function ring(element, label) {
  if (Date.now() - rangAt < PAUSE_MS) return;
  rangAt = Date.now();
  element.dataset.rings = "";
  setTimeout(() => delete element.dataset.rings, FLASH_MS);
  say(`Bell in ${label}`);
  if (choice.hasBellSound) beep();
  if (document.hidden) callBack(label);
}

function beep() {
  const context = new AudioContext();
  const tone = context.createOscillator();
  const volume = context.createGain();
  tone.frequency.value = TONE.hertz;
  volume.gain.value = TONE.loudness;
  tone.connect(volume).connect(context.destination);
  tone.onended = () => context.close();
  tone.start();
  tone.stop(context.currentTime + TONE.seconds);
}

/** The browser's own tab says it until the page is looked at. @param {string} label */
function callBack(label) {
  if (isCalling) return;
  isCalling = true;
  const title = document.title;
  document.title = `Bell in ${label} · ${title}`;
  const back = () => {
    isCalling = false;
    document.title = title;
    document.removeEventListener("visibilitychange", back);
  };
  document.addEventListener("visibilitychange", back);
}
