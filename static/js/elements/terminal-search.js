/** The field that finds text in what a terminal has printed. */

import { colour, drawing } from "../lib/dom.js";
import { button } from "./terminal-strip.js";

/** @typedef {import("./terminal-screen.js").TerminalScreen} TerminalScreen */

export class TerminalSearch {
  #screen;
  #field = document.createElement("input");
  #count = document.createElement("span");
  /** @type {{dispose: () => void} | null} */
  #results = null;

  /** @param {() => TerminalScreen | undefined} screen the chosen one */
  constructor(screen) {
    this.#screen = screen;
    this.element = document.createElement("search");
    this.element.className = "term-find";
    this.element.hidden = true;
    this.#field.type = "search";
    this.#field.className = "field__input term-find__field";
    this.#field.placeholder = "Find in this terminal";
    this.#field.setAttribute("aria-label", "Find in this terminal");
    this.#field.spellcheck = false;
    this.#field.addEventListener("input", () => this.#find("back", true));
    this.#count.className = "term-find__count";
    this.#count.setAttribute("role", "status");
    this.element.append(
      this.#field,
      this.#count,
      icon("chevron-up", "Further up (Enter)", () => this.#find("back")),
      icon("chevron-down", "Further down (Shift Enter)", () => this.#find("on")),
      icon("x", "Close (Esc)", () => this.close()),
    );
    this.element.addEventListener("keydown", this.#key);
  }

  get isOpen() {
    return !this.element.hidden;
  }

  open() {
    this.element.hidden = false;
    this.#listen();
    this.#field.select();
    this.#field.focus();
    this.#find("back", true);
  }

  close() {
    if (!this.isOpen) return;
    this.element.hidden = true;
    this.#results?.dispose();
    this.#results = null;
    this.#screen()?.search.clearDecorations();
    this.#screen()?.focus();
  }

  /** Another terminal is in front: what was found is not in that one. */
  follow() {
    if (this.isOpen) this.#listen();
    this.#say("");
  }

  #listen() {
    this.#results?.dispose();
    this.#results =
      this.#screen()?.search.onDidChangeResults(({ resultIndex, resultCount }) => {
        if (!this.#field.value) this.#say("");
        else if (!resultCount) this.#say("Nothing found");
        else this.#say(`${resultIndex < 0 ? "–" : resultIndex + 1} of ${resultCount}`);
      }) ?? null;
  }

  /**
   * @param {"back" | "on"} way `back`: further up, where the older output is
   * @param {boolean} [incremental] the text grows, and the same place may still fit
   */
  #find(way, incremental = false) {
    const search = this.#screen()?.search;
    if (!search) return;
    const options = { incremental, decorations: decorations() };
    if (way === "back") search.findPrevious(this.#field.value, options);
    else search.findNext(this.#field.value, options);
  }

  /** @param {KeyboardEvent} event */
  #key = (event) => {
    if (event.key === "Escape") this.close();
    else if (event.key === "Enter" && event.target === this.#field)
      this.#find(event.shiftKey ? "on" : "back");
    else return;
    event.preventDefault();
  };

  /** @param {string} words */
  #say(words) {
    this.#count.textContent = words;
  }
}

/**
 * @param {string} name
 * @param {string} label
 * @param {() => void} deed
 */
function icon(name, label, deed) {
  const made = button("button button--quiet button--icon button--dense", "", deed);
  made.setAttribute("aria-label", label);
  made.title = label;
  made.append(drawing(`[data-icon=${name}]`));
  return made;
}

function decorations() {
  const found = hex(colour("--term-selection"));
  const front = hex(colour("--term-cursor"));
  return {
    matchBackground: found,
    matchBorder: front,
    activeMatchBackground: found,
    activeMatchBorder: front,
    matchOverviewRuler: front,
    activeMatchColorOverviewRuler: front,
  };
}

/** The add-on reads no other form. @param {string} rgb such as `rgb(12, 90, 107)` */
function hex(rgb) {
  const parts = rgb.match(/\d+/g)?.slice(0, 3) ?? [];
  return `#${parts.map((each) => Number(each).toString(16).padStart(2, "0")).join("")}`;
}
