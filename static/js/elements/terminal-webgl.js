/** The fast renderer, for as many terminals as a browser has contexts for; the others draw by the DOM. */

import { WebglAddon } from "@xterm/addon-webgl";

const CONTEXTS_MOST = 6; // browsers take the oldest away at about 16, also from other tabs

let contexts = 0;

/**
 * @param {import("@xterm/xterm").Terminal} term
 * @returns {() => void} to be called when the terminal is gone
 */
export function drawFast(term) {
  // A phone shows few cells, has fewer contexts, and loses them whenever it sleeps. A canvas doesn't follow
  // forced colours.
  const isUnwanted = matchMedia("(pointer: coarse), (forced-colors: active)").matches;
  if (contexts >= CONTEXTS_MOST || isUnwanted) return () => {};
  const addon = new WebglAddon();
  let isCounted = true;
  const release = () => {
    if (isCounted) contexts -= 1;
    isCounted = false;
    // Disposing of the add-on leaves the context to the garbage collector, which comes late.
    for (const canvas of term.element?.querySelectorAll("canvas") ?? [])
      canvas.getContext("webgl2")?.getExtension("WEBGL_lose_context")?.loseContext();
  };
  addon.onContextLoss(() => {
    release();
    addon.dispose();
  });
  contexts += 1;
  try {
    term.loadAddon(addon);
  } catch {
    release(); // no WebGL 2 here: the DOM renderer stays
  }
  return release;
}
