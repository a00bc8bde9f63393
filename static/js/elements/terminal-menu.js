/** What stands at the right of the tabs: search, two at once, and a menu with the rest. */

import { drawing } from "../lib/dom.js";
import { say } from "../lib/say.js";
import { choice, chooseTheme, toggleReader } from "./terminal-look.js";
import { button } from "./terminal-strip.js";

/** Keys that the browser keeps for itself, so a menu sends them. */
const TAKEN_KEYS = ["W", "T", "N", "Q"];

/**
 * @typedef {import("../terminal/panes.js").Way} Way
 * @typedef {object} Deeds
 * @property {() => void} search
 * @property {(way: "rows" | "columns") => void} split
 * @property {(size: number) => void} resizeText
 * @property {(text: string) => void} send keys into the chosen terminal
 * @property {() => void} paste
 * @property {() => void} rename the chosen terminal
 * @property {() => void} close the chosen terminal
 * @property {() => void} full
 */

export class TerminalMenu {
  #deeds;
  #menu = document.createElement("details");
  /** @type {Record<string, HTMLButtonElement>} */
  #ways;
  /** @type {[HTMLButtonElement, () => boolean][]} */
  #switches = [];

  /** @param {Deeds} deeds */
  constructor(deeds) {
    this.#deeds = deeds;
    this.element = document.createElement("div");
    this.element.className = "slip-terminal__tools";
    this.element.dataset.slot = "tools";
    this.#ways = {
      rows: ofShells(
        tool("rows-2", "Two terminals, one above the other", () => deeds.split("rows")),
      ),
      columns: ofShells(
        tool("columns-2", "Two terminals side by side", () => deeds.split("columns")),
      ),
    };
    this.element.append(
      tool("search", "Find in this terminal", deeds.search),
      ...Object.values(this.#ways),
      this.#menu,
    );
    this.#fill();
    document.addEventListener("slip-theme", () => this.#showSwitches());
  }

  /** @param {Way} way */
  show(way) {
    for (const [name, made] of Object.entries(this.#ways)) {
      made.setAttribute("aria-pressed", String(name === way));
    }
  }

  #fill() {
    this.#menu.className = "menu term-menu";
    const summary = document.createElement("summary");
    summary.className = "button button--quiet button--icon button--dense";
    summary.setAttribute("aria-label", "Terminal menu");
    summary.title = "Terminal menu";
    summary.append(drawing("[data-icon=ellipsis]"));
    const panel = document.createElement("div");
    panel.className = "menu__panel";
    panel.append(
      this.#sizes(),
      ...this.#themes(),
      this.#switch(
        "Screen reader mode",
        () => choice.isReader,
        () => say(toggleReader()),
      ),
      this.#switch(
        "Sound of the bell",
        () => choice.hasBellSound,
        () => {
          choice.hasBellSound = !choice.hasBellSound;
        },
      ),
      rule(),
      ...this.#keys(),
      rule(),
      ofShells(this.#item("pencil", "Rename this terminal", this.#deeds.rename)),
      ofShells(this.#item("x", "Close this terminal", this.#deeds.close)),
    );
    if (document.fullscreenEnabled) {
      panel.append(this.#item("maximize-2", "Full screen", this.#deeds.full));
    }
    this.#menu.append(summary, panel);
    this.#showSwitches();
  }

  #sizes() {
    const row = document.createElement("div");
    row.className = "term-menu__row";
    row.setAttribute("role", "group");
    row.setAttribute("aria-label", "Size of the text");
    const words = document.createElement("span");
    words.textContent = "Text";
    const size = (/** @type {number} */ step) => () =>
      this.#deeds.resizeText(choice.fontSize + step);
    row.append(
      words,
      tool("zoom-out", "Smaller text", size(-1)),
      tool("zoom-in", "Larger text", size(1)),
    );
    return row;
  }

  #themes() {
    /** @type {[string, string][]} */
    const themes = [
      ["", "Colours of the page"],
      ["light", "Light terminal"],
      ["dark", "Dark terminal"],
    ];
    return themes.map(([theme, label]) =>
      this.#switch(
        label,
        () => choice.theme === theme,
        () => chooseTheme(theme),
      ),
    );
  }

  #keys() {
    const text = document.createElement("p");
    text.className = "menu__text";
    text.textContent = "Keys that browsers keep for themselves:";
    const row = document.createElement("div");
    row.className = "term-menu__row";
    row.append(
      ...TAKEN_KEYS.map((key) => {
        const bytes = String.fromCharCode(key.charCodeAt(0) & 31);
        const made = button("button button--dense", `Ctrl ${key}`, () => {
          this.#menu.open = false;
          this.#deeds.send(bytes);
        });
        made.setAttribute("aria-label", `Send Ctrl ${key}`);
        return made;
      }),
    );
    return [text, row, this.#item("clipboard-paste", "Paste", this.#deeds.paste)];
  }

  /**
   * @param {string} icon
   * @param {string} label
   * @param {() => void} deed
   */
  #item(icon, label, deed) {
    const made = button("menu__item", "", () => {
      this.#menu.open = false;
      deed();
    });
    made.append(drawing(`[data-icon=${icon}]`), label);
    return made;
  }

  /**
   * @param {string} label
   * @param {() => boolean} isOn
   * @param {() => void} turn
   */
  #switch(label, isOn, turn) {
    const made = button("menu__item", "", () => {
      turn();
      this.#showSwitches();
    });
    const tick = drawing("[data-icon=check]");
    tick.classList.add("term-menu__tick");
    made.append(tick, label);
    this.#switches.push([made, isOn]);
    return made;
  }

  #showSwitches() {
    for (const [made, isOn] of this.#switches) made.setAttribute("aria-pressed", String(isOn()));
  }
}

/**
 * Where the page says which terminals there are, this is not to be had.
 * @template {HTMLElement} T
 * @param {T} made
 * @returns {T}
 */
function ofShells(made) {
  made.dataset.shellOnly = "";
  return made;
}

function rule() {
  return document.createElement("hr");
}

/**
 * @param {string} icon
 * @param {string} label
 * @param {() => void} deed
 */
export function tool(icon, label, deed) {
  const made = button("button button--quiet button--icon button--dense", "", deed);
  made.setAttribute("aria-label", label);
  made.title = label;
  made.append(drawing(`[data-icon=${icon}]`));
  return made;
}
