/** A terminal's colours and font, from the page's tokens. */

import { colour } from "../lib/dom.js";

export const FONT = { least: 10, usual: 13, most: 24 };
const KEYS = {
  font: "slip-terminal-font",
  reader: "slip-screen-reader",
  theme: "slip-terminal-theme",
  bell: "slip-terminal-bell",
};
export const COLOURS = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];

/**
 * The palette of a terminal's theme as it is now.
 * @param {Element} place where it is drawn
 * @returns {import("@xterm/xterm").ITheme}
 */
export function palette(place) {
  if (areColoursForced()) return forcedPalette();
  const of = (/** @type {string} */ name) => colour(`--term-${name}`, place);
  /** @type {Record<string, string>} */
  const theme = {
    background: of("bg"),
    foreground: of("fg"),
    cursor: of("cursor"),
    cursorAccent: of("bg"),
    selectionBackground: of("selection"),
  };
  for (const name of COLOURS) {
    theme[name] = of(name);
    theme[`bright${name[0]?.toUpperCase()}${name.slice(1)}`] = of(`bright-${name}`);
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

/** What this browser chose for its terminals. */
export const choice = {
  get fontSize() {
    if ("present" in document.documentElement.dataset) return presented();
    return Number(localStorage.getItem(KEYS.font)) || FONT.usual;
  },
  set fontSize(size) {
    const fitting = Math.min(FONT.most, Math.max(FONT.least, Math.round(size)));
    localStorage.setItem(KEYS.font, String(fitting));
  },
  get isReader() {
    return localStorage.getItem(KEYS.reader) !== null;
  },
  set isReader(isOn) {
    keep(KEYS.reader, isOn ? "1" : "");
  },
  /** `light`, `dark`, or empty for the page's. */
  get theme() {
    return localStorage.getItem(KEYS.theme) ?? "";
  },
  set theme(theme) {
    keep(KEYS.theme, theme);
  },
  get hasBellSound() {
    return localStorage.getItem(KEYS.bell) !== null;
  },
  set hasBellSound(isOn) {
    keep(KEYS.bell, isOn ? "1" : "");
  },
};

/** On a projector: as large as all other text. */
function presented() {
  return Math.floor(Number.parseFloat(getComputedStyle(document.documentElement).fontSize));
}

/** @param {string} key @param {string} value */
function keep(key, value) {
  if (value) localStorage.setItem(key, value);
  else localStorage.removeItem(key);
}

/** @param {string} theme of the page where it is empty */
export function chooseTheme(theme) {
  choice.theme = theme;
  document.dispatchEvent(new Event("slip-theme"));
}

/** Switches the mode in which a screen reader reads terminals; gives what to say of it. */
export function toggleReader() {
  choice.isReader = !choice.isReader;
  document.dispatchEvent(new Event("slip-theme"));
  return choice.isReader ? "Screen reader mode is on." : "Screen reader mode is off.";
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
