/** The fast renderer, for as many terminals as a browser has contexts for; the others draw by the DOM. */

import { WebglAddon } from "@xterm/addon-webgl";

const CONTEXTS_MOST = 6; // browsers take the oldest away at about 16, also from other tabs

const SETTLE_MS = 250;
const OFF_PX = 4;

let contexts = 0;

/**
 * @param {import("@xterm/xterm").Terminal} term
 * @param {() => void} changed hears that the DOM draws from now on: its cells are wider by a part of a pixel
 * @returns {() => void} to be called when the terminal is gone
 */
export function drawFast(term, changed) {
  // A phone shows few cells, has fewer contexts, and loses them whenever it sleeps. A canvas doesn't follow
  // forced colours.
  const isUnwanted = matchMedia("(pointer: coarse), (forced-colors: active)").matches;
  if (contexts >= CONTEXTS_MOST || isUnwanted) return () => {};
  const addon = new WebglAddon();
  let isCounted = true;
  const release = () => {
    if (isCounted) contexts -= 1;
    isCounted = false;
    watch.disconnect();
    // Disposing of the add-on leaves the context to the garbage collector, which comes late.
    for (const canvas of term.element?.querySelectorAll("canvas") ?? [])
      canvas.getContext("webgl2")?.getExtension("WEBGL_lose_context")?.loseContext();
  };
  const giveUp = () => {
    release();
    addon.dispose();
    changed();
  };
  // Where a browser counts other pixels than it shows (a device that is only emulated), half the text would be cut.
  const watch = new ResizeObserver(([entry]) => {
    const canvas = /** @type {HTMLCanvasElement | undefined} */ (entry?.target);
    setTimeout(() => canvas && isCounted && isOff(canvas) && giveUp(), SETTLE_MS);
  });
  addon.onContextLoss(giveUp);
  contexts += 1;
  try {
    term.loadAddon(addon);
    const canvas = term.element?.querySelector("canvas:not([class])");
    if (canvas) watch.observe(canvas);
  } catch {
    release(); // no WebGL 2 here: the DOM renderer stays
  }
  return release;
}

/** @param {HTMLCanvasElement} canvas */
function isOff({ isConnected, clientWidth, width }) {
  return isConnected && Math.abs(clientWidth * devicePixelRatio - width) > OFF_PX;
}
