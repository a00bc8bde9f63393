/** A terminal's colours and font, from the page's tokens. */

import { colour } from "../lib/dom.js";

const COLOURS = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];

/**
 * The palette of the page's theme as it is now.
 * @returns {import("@xterm/xterm").ITheme}
 */
export function palette() {
  if (areColoursForced()) return forcedPalette();
  /** @type {Record<string, string>} */
  const theme = {
    background: colour("--term-bg"),
    foreground: colour("--term-fg"),
    cursor: colour("--term-cursor"),
    cursorAccent: colour("--term-bg"),
    selectionBackground: colour("--term-selection"),
  };
  for (const name of COLOURS) {
    theme[name] = colour(`--term-${name}`);
    theme[`bright${name[0]?.toUpperCase()}${name.slice(1)}`] = colour(`--term-bright-${name}`);
  }
  return theme;
}

/** Whether the learner's own colours replace the page's (Windows' high contrast). */
export function areColoursForced() {
  return matchMedia("(forced-colors: active)").matches;
}

function forcedPalette() {
  const ground = systemColour("Canvas");
  const text = systemColour("CanvasText");
  return {
    background: ground,
    foreground: text,
    cursor: text,
    cursorAccent: ground,
    selectionBackground: systemColour("Highlight"),
    selectionForeground: systemColour("HighlightText"),
  };
}

/** @param {string} name */
function systemColour(name) {
  const probe = document.createElement("span");
  probe.style.color = name;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

export function fontFamily() {
  return (
    getComputedStyle(document.documentElement).getPropertyValue("--mono").trim() || "monospace"
  );
}

/** Waits for the font: cells measured with another one stay wrong. */
export async function fontReady() {
  await Promise.race([
    document.fonts.load(`13px ${fontFamily()}`),
    new Promise((done) => setTimeout(done, 1500)), // better a wrong cell than no terminal
  ]).catch(() => {});
}
