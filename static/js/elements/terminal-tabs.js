/** The tabs over the terminals: one each, and one more by the plus. */

import { drawing } from "../lib/dom.js";
import { button } from "./terminal-strip.js";

const STEPS = { ArrowRight: 1, ArrowLeft: -1 };

/**
 * @typedef {object} On
 * @property {(name: string) => void} choose
 * @property {() => void} open
 * @property {(name: string) => void} close
 * @property {(name: string) => void} rename
 */

export class TerminalTabs {
  #on;
  #most;
  #list = document.createElement("div");
  #more;
  /** @type {Map<string, HTMLButtonElement>} */
  #tabs = new Map();

  /**
   * @param {On} on
   * @param {number} most
   */
  constructor(on, most) {
    this.#on = on;
    this.#most = most;
    this.element = document.createElement("div");
    this.element.className = "term-tabs";
    this.#list.className = "term-tabs__list";
    this.#list.setAttribute("role", "tablist");
    this.#list.setAttribute("aria-label", "Terminals");
    this.#list.addEventListener("keydown", this.#key);
    this.#more = button("button button--quiet button--icon button--dense", "", () => on.open());
    this.#more.classList.add("term-tabs__more");
    this.#more.append(drawing("[data-icon=plus]"));
    this.element.append(this.#list, this.#more);
    this.#showLimit();
  }

  /**
   * @param {string} name
   * @param {string} controls the id of what it shows
   */
  add(name, controls) {
    const tab = button("term-tabs__tab", "", () => this.#on.choose(name));
    tab.setAttribute("role", "tab");
    tab.setAttribute("aria-controls", controls);
    tab.setAttribute("aria-keyshortcuts", "F2 Delete");
    tab.dataset.name = name;
    tab.append(
      drawing("[data-icon=square-terminal]"),
      part("name"),
      part("title"),
      mark("bell", "bell rang"),
      mark("new", "new output"),
      this.#cross(name),
    );
    tab.addEventListener("dblclick", () => this.#on.rename(name));
    this.#tabs.set(name, tab);
    this.#list.append(tab);
    this.#showLimit();
  }

  /** By pointer; the keyboard has Delete, and both have the menu. @param {string} name */
  #cross(name) {
    const cross = document.createElement("span");
    cross.className = "term-tabs__close";
    cross.title = "Close this terminal";
    cross.setAttribute("aria-hidden", "true");
    cross.append(drawing("[data-icon=x]"));
    cross.addEventListener("click", (event) => {
      event.stopPropagation();
      this.#on.close(name);
    });
    return cross;
  }

  /**
   * Both come from people and programs, so they are text and nothing else.
   * @param {string} name
   * @param {string} label
   * @param {string} title what a program says that it does
   */
  label(name, label, title) {
    const tab = this.#tabs.get(name);
    const [called, does] = [part("name", label), part("title", title)];
    tab?.querySelector(".term-tabs__name")?.replaceWith(called);
    tab?.querySelector(".term-tabs__title")?.replaceWith(does);
    does.hidden = !title;
    if (tab) tab.title = title ? `${label}: ${title}` : `${label} (double click renames)`;
  }

  /** @param {string} name */
  remove(name) {
    this.#tabs.get(name)?.remove();
    this.#tabs.delete(name);
    this.#showLimit();
  }

  /**
   * @param {string} chosen
   * @param {string[]} seen
   */
  choose(chosen, seen) {
    for (const [each, tab] of this.#tabs) {
      tab.setAttribute("aria-selected", String(each === chosen));
      tab.tabIndex = each === chosen ? 0 : -1;
      tab.toggleAttribute("data-seen", seen.includes(each));
      if (seen.includes(each)) for (const what of MARKS) this.#mark(each, what, false);
    }
  }

  /**
   * Something happened in a terminal that isn't seen.
   * @param {string} name
   * @param {"new" | "bell"} what
   */
  mark(name, what) {
    this.#mark(name, what, true);
  }

  /** @param {string} name @param {"new" | "bell"} what @param {boolean} isOn */
  #mark(name, what, isOn) {
    const found = this.#tabs.get(name)?.querySelector(`.term-tabs__${what}`);
    if (found instanceof HTMLElement) found.hidden = !isOn;
  }

  #showLimit() {
    const isFull = this.#tabs.size >= this.#most;
    const label = isFull ? `At most ${this.#most} terminals` : "Another terminal";
    this.#more.setAttribute("aria-label", label);
    this.#more.title = label;
    this.#more.setAttribute("aria-disabled", String(isFull));
    this.#list.toggleAttribute("data-only", this.#tabs.size === 1);
  }

  /** @param {KeyboardEvent} event */
  #key = (event) => {
    const names = [...this.#tabs.keys()];
    const at = names.findIndex((name) => this.#tabs.get(name) === document.activeElement);
    if (at < 0) return;
    const deeds = { Delete: this.#on.close, F2: this.#on.rename };
    deeds[/** @type {keyof typeof deeds} */ (event.key)]?.(names[at] ?? "");
    const step = STEPS[/** @type {keyof typeof STEPS} */ (event.key)];
    if (!step) return;
    event.preventDefault();
    const next = names[(at + step + names.length) % names.length] ?? "";
    this.#on.choose(next);
    this.#tabs.get(next)?.focus();
  };
}

const MARKS = /** @type {const} */ (["new", "bell"]);

/** @param {string} kind @param {string} [text] */
function part(kind, text = "") {
  const made = document.createElement("bdi");
  made.className = `term-tabs__${kind}`;
  made.textContent = text;
  return made;
}

/** @param {"new" | "bell"} what @param {string} words */
function mark(what, words) {
  const made = document.createElement("span");
  made.className = `term-tabs__${what}`;
  made.hidden = true;
  if (what === "bell") made.append(drawing("[data-icon=bell]"));
  const hidden = document.createElement("span");
  hidden.className = "said";
  hidden.textContent = words;
  made.append(hidden);
  return made;
}
