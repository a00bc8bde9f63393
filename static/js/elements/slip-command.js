/** A command of the text: run in the chosen terminal, or copied. The server drew the code. */

import { copyText } from "../lib/clipboard.js";
import { drawing } from "../lib/dom.js";
import { say } from "../lib/say.js";

const COPIED_MS = 2000;
const ONCE_MS = 500;

export class SlipCommand extends HTMLElement {
  /**
   * Types the text into a terminal; false when something is in its way. Set by the page.
   * @type {(text: string, how: {force: boolean}) => Promise<boolean>}
   */
  run = () => Promise.resolve(false);

  /** @type {(name: string) => void} keeps that it was run or copied; set by the page */
  press = () => {};

  hasRun = false;
  #pressedAt = Number.NEGATIVE_INFINITY;
  #deeds = document.createElement("div");

  get text() {
    return this.querySelector("code")?.textContent ?? "";
  }

  get isRunnable() {
    return this.dataset.kind === "run";
  }

  connectedCallback() {
    if (this.contains(this.#deeds)) return;
    const presses = this.closest("[data-presses]")?.getAttribute("data-presses")?.split(" ") ?? [];
    this.hasRun = presses.includes(this.dataset.id ?? "");
    this.#deeds.className = "command__deeds";
    this.append(this.#deeds);
    this.#draw();
  }

  /**
   * Runs the command; a second press within half a second is the same press.
   * @param {{force?: boolean}} [how]
   */
  async start({ force = false } = {}) {
    if (performance.now() - this.#pressedAt < ONCE_MS) return;
    this.#pressedAt = performance.now();
    this.#closeQuestion();
    const ran = await this.run(this.text, { force });
    if (!ran) {
      this.#ask();
      return;
    }
    this.hasRun = true;
    this.#draw();
    this.press(this.dataset.id ?? "");
    say("Ran");
  }

  #draw() {
    const parts = [];
    if (this.isRunnable && this.hasRun) {
      const said = document.createElement("span");
      said.className = "command__said";
      said.append(drawing("[data-shape=good]"), "Ran");
      parts.push(
        said,
        this.#button("rotate-ccw", "", `Run again: ${this.text}`, () => this.start()),
      );
    } else if (this.isRunnable) {
      parts.push(this.#button("play", "Run", `Run: ${this.text}`, () => this.start()));
    }
    parts.push(this.#button("copy", "", `Copy: ${this.text}`, (button) => this.#copy(button)));
    const hadFocus = this.#deeds.contains(document.activeElement);
    this.#deeds.replaceChildren(...parts);
    if (hadFocus) this.#deeds.querySelector("button")?.focus({ preventScroll: true });
  }

  /**
   * @param {string} icon
   * @param {string} word
   * @param {string} name
   * @param {(button: HTMLButtonElement) => void} deed
   */
  #button(icon, word, name, deed) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "command__button";
    button.setAttribute("aria-label", name);
    button.title = word || (name.split(":")[0] ?? "");
    button.toggleAttribute("data-run", Boolean(word));
    button.append(drawing(`[data-icon=${icon}]`), word);
    button.addEventListener("click", () => deed(button));
    return button;
  }

  /** @param {HTMLButtonElement} button */
  async #copy(button) {
    const copied = await copyText(this.text);
    if (!copied) {
      say("This browser does not let the page copy. Select the text and press Ctrl C.");
      return;
    }
    this.press(`copy-${this.dataset.id ?? ""}`);
    button.replaceChildren(drawing("[data-icon=check]"), "Copied");
    say("Copied");
    setTimeout(() => button.replaceChildren(drawing("[data-icon=copy]")), COPIED_MS);
  }

  #ask() {
    const row = document.createElement("div");
    row.className = "command__ask";
    row.setAttribute("role", "group");
    const words = document.createElement("span");
    words.textContent = "A program is in front, or the line isn’t empty.";
    const anyway = document.createElement("button");
    anyway.type = "button";
    anyway.className = "button button--dense";
    anyway.textContent = "Run anyway";
    anyway.addEventListener("click", () => {
      this.#pressedAt = 0;
      this.start({ force: true });
    });
    const leave = document.createElement("button");
    leave.type = "button";
    leave.className = "button button--dense button--quiet";
    leave.textContent = "Leave it";
    leave.addEventListener("click", () => this.#closeQuestion());
    row.append(words, anyway, leave);
    this.after(row);
    say("A program is in front, or the line isn’t empty. Run anyway?");
  }

  #closeQuestion() {
    const next = this.nextElementSibling;
    if (next?.classList.contains("command__ask")) next.remove();
  }
}

customElements.define("slip-command", SlipCommand);
