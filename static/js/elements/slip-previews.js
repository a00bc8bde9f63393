/** Services of the learner's, shown below the terminal: a frame each, on origins that aren't ours. */

import { one } from "../lib/dom.js";
import { isReached } from "../lib/trial.js";

const OPEN = "slip-previews";
const MOST = 3;

/** @param {string | number} port */
export const addressOf = (port) => `/preview/${port}`;

export class SlipPreviews extends HTMLElement {
  /** @type {Map<string, HTMLElement>} by port */
  #shown = new Map();

  connectedCallback() {
    for (const port of this.#remembered) this.show(port);
  }

  /**
   * Shows a port, once more if it is there already; the oldest makes room.
   * @param {string} port
   */
  show(port) {
    const shown = this.#shown.get(port);
    if (shown) {
      this.#load(port, shown);
      return;
    }
    const [oldest] = this.#shown.keys();
    if (this.#shown.size >= MOST && oldest) this.#close(oldest);
    const made = this.#make(port);
    this.#shown.set(port, made);
    this.append(made);
    this.#keep();
  }

  /** Loads all of them: their lab is another now. */
  renew() {
    for (const [port, shown] of this.#shown) this.#load(port, shown);
  }

  /** Puts the keyboard into the preview of a port. @param {string} port */
  enter(port) {
    this.#shown.get(port)?.querySelector("iframe")?.focus();
  }

  /** @param {string} port */
  #make(port) {
    const stock = one("slip-previews > template", HTMLTemplateElement);
    const made = document.importNode(stock.content, true).firstElementChild;
    if (!(made instanceof HTMLElement)) throw new Error("the template of a preview is empty");
    made.setAttribute("aria-label", `Web preview, port ${port}`);
    made.querySelector("h2")?.append(`:${port}`);
    made.querySelector("iframe")?.setAttribute("title", `Web preview, port ${port}`);
    made.querySelector("[data-preview-tab]")?.setAttribute("href", addressOf(port));
    const on = (/** @type {string} */ what, /** @type {() => void} */ deed) =>
      made.querySelector(`[data-preview-${what}]`)?.addEventListener("click", deed);
    on("again", () => this.#load(port, made));
    on("close", () => this.#close(port));
    this.#load(port, made);
    return made;
  }

  /** Whether the network lets previews through at all; a frame only shows the browser's own page. */
  async #look() {
    const { trial } = this.dataset;
    if (!trial) return; // there are none, which the frame says
    const reached = await isReached(trial);
    this.querySelector("[data-preview-note]")?.toggleAttribute("hidden", reached);
  }

  /**
   * By our own address, which signs the way anew.
   * @param {string} port
   * @param {HTMLElement} shown
   */
  #load(port, shown) {
    shown.querySelector("iframe")?.setAttribute("src", addressOf(port));
    this.#look();
  }

  /** @param {string} port */
  #close(port) {
    this.#shown.get(port)?.remove();
    this.#shown.delete(port);
    this.#keep();
  }

  /** For the next step, which is another page. */
  #keep() {
    this.hidden = this.#shown.size === 0;
    sessionStorage.setItem(OPEN, [...this.#shown.keys()].join(" "));
  }

  get #remembered() {
    return (sessionStorage.getItem(OPEN) ?? "").split(" ").filter((port) => /^\d+$/.test(port));
  }
}

customElements.define("slip-previews", SlipPreviews);
