/** The tabs over the terminals: one each, and one more by the plus. */

import { drawing } from "../lib/dom.js";
import { button } from "./terminal-strip.js";

export class TerminalTabs {
  #on;
  #list = document.createElement("div");
  #more;
  /** @type {Map<string, HTMLButtonElement>} */
  #tabs = new Map();

  /** @param {{choose: (name: string) => void, open: () => void, close: (name: string) => void}} on */
  constructor(on) {
    this.#on = on;
    this.element = document.createElement("div");
    this.element.className = "term-tabs";
    this.#list.className = "term-tabs__list";
    this.#list.setAttribute("role", "tablist");
    this.#list.setAttribute("aria-label", "Terminals");
    this.#list.addEventListener("keydown", this.#key);
    this.#more = button("button button--quiet button--icon button--dense", "", () => on.open());
    this.#more.append(drawing("[data-icon=plus]"));
    this.element.append(this.#list, this.#more);
    this.#showLimit(4);
  }

  /**
   * @param {string} name
   * @param {string} label
   * @param {number} most
   */
  add(name, label, most) {
    const tab = button("term-tabs__tab", "", () => this.#on.choose(name));
    tab.setAttribute("role", "tab");
    tab.dataset.name = name;
    const fresh = document.createElement("span");
    fresh.className = "term-tabs__new";
    fresh.hidden = true;
    fresh.append(said("new output"));
    tab.append(drawing("[data-icon=square-terminal]"), label, fresh);
    this.#tabs.set(name, tab);
    this.#list.append(tab);
    this.#showLimit(most);
  }

  /** @param {string} name */
  remove(name) {
    this.#tabs.get(name)?.remove();
    this.#tabs.delete(name);
    this.#showLimit(4);
  }

  /** @param {string} name */
  choose(name) {
    for (const [each, tab] of this.#tabs) {
      tab.setAttribute("aria-selected", String(each === name));
      tab.tabIndex = each === name ? 0 : -1;
    }
    this.#dot(name, false);
  }

  /** There is new output in a terminal that isn't shown. @param {string} name */
  mark(name) {
    this.#dot(name, true);
  }

  /** @param {string} name @param {boolean} isNew */
  #dot(name, isNew) {
    const dot = this.#tabs.get(name)?.querySelector(".term-tabs__new");
    if (dot instanceof HTMLElement) dot.hidden = !isNew;
  }

  /** @param {number} most */
  #showLimit(most) {
    const isFull = this.#tabs.size >= most;
    const label = isFull ? `At most ${most} terminals` : "Another terminal";
    this.#more.setAttribute("aria-label", label);
    this.#more.title = label;
    this.#more.setAttribute("aria-disabled", String(isFull));
  }

  /** @param {KeyboardEvent} event */
  #key = (event) => {
    const names = [...this.#tabs.keys()];
    const at = names.findIndex((name) => this.#tabs.get(name) === document.activeElement);
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (at < 0) return;
    if (event.key === "Delete") this.#on.close(names[at] ?? "");
    if (!step) return;
    event.preventDefault();
    const next = names[(at + step + names.length) % names.length] ?? "";
    this.#on.choose(next);
    this.#tabs.get(next)?.focus();
  };
}

/** @param {string} text */
function said(text) {
  const hidden = document.createElement("span");
  hidden.className = "said";
  hidden.textContent = text;
  return hidden;
}
