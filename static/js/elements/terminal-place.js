/** Where terminals are drawn: one, or two with a bar between them; remembered by this browser. */

import { Panes } from "../terminal/panes.js";
import "./slip-splitter.js";

const WAY = "slip-split";

export class TerminalPlace {
  panes = new Panes();
  element = document.createElement("div");
  #bar = document.createElement("slip-splitter");

  constructor() {
    this.element.className = "slip-terminal__place";
    this.element.dataset.frame = "";
    this.#bar.className = "splitter slip-terminal__bar";
    this.#bar.dataset.keeps = "split";
    this.#bar.dataset.least = "80";
    this.#bar.tabIndex = 0;
    this.#bar.setAttribute("role", "separator");
    this.#bar.setAttribute("aria-label", "Size of the first terminal");
  }

  /** What is shown now, to be compared. */
  get shown() {
    return `${this.element.dataset.way} ${this.element.dataset.seen}`;
  }

  /**
   * Other terminals altogether.
   * @param {string[]} names
   * @param {boolean} isFixed one at a time
   */
  begin(names, isFixed) {
    this.panes = new Panes();
    this.panes.choose(names[0] ?? "");
    const way = isFixed ? "one" : localStorage.getItem(WAY);
    if (way === "rows" || way === "columns") this.panes.split(way, names);
  }

  /** Keeps the way for the next page. */
  remember() {
    localStorage.setItem(WAY, this.panes.way);
  }

  /** @param {Map<string, import("./terminal-screen.js").TerminalScreen>} screens */
  show(screens) {
    const { way, seen, chosen } = this.panes;
    for (const [name, { element }] of screens) {
      const at = seen.indexOf(name);
      element.hidden = at < 0;
      element.dataset.pane = at === 1 ? "second" : "first";
      element.toggleAttribute("data-chosen", way !== "one" && name === chosen);
    }
    const first = screens.get(seen[0] ?? "");
    this.element.dataset.way = way;
    this.element.dataset.seen = seen.join(" ");
    if (way === "one" || !first) {
      this.#bar.remove();
      return;
    }
    this.#bar.setAttribute("aria-controls", first.element.id);
    if (!this.#bar.isConnected) this.element.append(this.#bar);
  }
}
