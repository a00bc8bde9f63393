/** The keys that a phone's keyboard lacks: shown by a coarse pointer, at any width. */

import { say } from "../lib/say.js";
import { barBytes } from "../terminal/keys.js";

/** @type {[string, string, string][]} key, what is written on it, its name */
const KEYS = [
  ["Escape", "Esc", "Esc"],
  ["Tab", "Tab", "Tab"],
  ["ctrl", "Ctrl", "Ctrl"],
  ["alt", "Alt", "Alt"],
  ["|", "|", "pipe"],
  ["/", "/", "slash"],
  ["-", "-", "minus"],
  ["~", "~", "tilde"],
  ["\x03", "^C", "Control C"],
  ["\x04", "^D", "Control D"],
  ["paste", "Paste", "Paste"],
  ["line", "Line", "Write a whole line"],
  ["ArrowLeft", "←", "left"],
  ["ArrowDown", "↓", "down"],
  ["ArrowUp", "↑", "up"],
  ["ArrowRight", "→", "right"],
];
/** The clipboard opens only to a whole click, and a line field needs no repeat. */
const AT_CLICK = ["paste", "line"];
const REPEAT_AFTER_MS = 400;
const REPEAT_MS = 60;

/**
 * @param {import("../terminal/keys.js").Held} held
 * @param {() => import("./terminal-screen.js").TerminalScreen | undefined} screen the chosen one
 * @param {{paste: () => void, line: () => void}} deeds `paste` copies while something is selected
 */
export function keyBar(held, screen, deeds) {
  const bar = document.createElement("div");
  bar.className = "term-keys";
  bar.setAttribute("role", "toolbar");
  bar.setAttribute("aria-label", "Keys");
  let timer = 0;
  const stop = () => clearTimeout(timer);

  /** @param {string} key */
  const press = (key) => {
    const chosen = screen();
    if (!chosen) return;
    const bytes = barBytes(key, { ...held.take(), application: chosen.wantsApplicationKeys });
    chosen.type(bytes);
    showHeld(bar, held);
  };

  /**
   * @param {string} key
   * @param {number} wait
   */
  const repeat = (key, wait) => {
    timer = window.setTimeout(() => {
      press(key);
      repeat(key, REPEAT_MS);
    }, wait);
  };

  /** @param {string} key */
  const begin = (key) => {
    if (key === "ctrl" || key === "alt") {
      const state = held.tap(key);
      showHeld(bar, held);
      const name = key === "ctrl" ? "Ctrl" : "Alt";
      say(
        { up: `${name} released`, once: `${name} held for the next key`, locked: `${name} locked` }[
          state
        ],
      );
      return;
    }
    if (key === "paste" || key === "line") return deeds[key]();
    press(key);
    repeat(key, REPEAT_AFTER_MS);
  };

  for (const [key, label, name] of KEYS) {
    const made = document.createElement("button");
    made.type = "button";
    made.className = "term-keys__key";
    made.textContent = label;
    made.dataset.key = key;
    made.setAttribute("aria-label", name);
    made.addEventListener("pointerdown", (event) => {
      event.preventDefault(); // keeps the keyboard open
      if (!AT_CLICK.includes(key)) begin(key);
    });
    made.addEventListener("click", ({ detail }) => {
      if (AT_CLICK.includes(key) || !detail) begin(key); // 0: by a keyboard or a screen reader
      stop();
    });
    for (const end of ["pointerup", "pointercancel", "pointerleave"])
      made.addEventListener(end, stop);
    bar.append(made);
  }
  return bar;
}

/**
 * @param {HTMLElement} bar
 * @param {import("../terminal/keys.js").Held} held
 */
export function showHeld(bar, held) {
  for (const key of /** @type {const} */ (["ctrl", "alt"])) {
    const made = bar.querySelector(`[data-key=${key}]`);
    made?.setAttribute("aria-pressed", String(held.state[key] !== "up"));
    made?.toggleAttribute("data-locked", held.state[key] === "locked");
  }
}

/**
 * One key pastes, and copies while something is selected: a phone has no other.
 * @param {HTMLElement} bar
 * @param {boolean} hasSelection
 */
export function showClipboard(bar, hasSelection) {
  const made = bar.querySelector("[data-key=paste]");
  if (!made) return;
  made.textContent = hasSelection ? "Copy" : "Paste";
  made.setAttribute("aria-label", made.textContent);
}
