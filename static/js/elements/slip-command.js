/** A command of the text: run in the chosen terminal, or copied. The server drew the code. */

import { copyText } from "../lib/clipboard.js";
import { drawing } from "../lib/dom.js";
import { say } from "../lib/say.js";

const COPIED_MS = 2000;
const ONCE_MS = 500;
/** What a shell says of a program that was ended or put aside from the keyboard. */
const BY_KEY = new Set([130, 148]);

/** @typedef {"ran" | "running" | "stopped" | "failed"} Outcome */
/** @type {Record<Outcome, string>} */
const SHAPES = { ran: "good", running: "working", stopped: "idle", failed: "failed" };
/** @type {Record<string, string>} */
const WORDS = { machine: "Run in the machine", both: "Run in both" };

export class SlipCommand extends HTMLElement {
  /**
   * Types the text into a terminal; false when something is in its way, null when there is none to
   * type into and that was said. Set by the page.
   * @type {(text: string, how: {force: boolean, where?: string}) => Promise<boolean | null>}
   */
  run = () => Promise.resolve(false);

  /** @type {(name: string) => void} keeps that it was run or copied; set by the page */
  press = () => {};

  /** @type {() => string} the terminal that will say how this one ends; "" for none */
  teller = () => "";

  hasRun = false;
  /** @type {Outcome} */
  #outcome = "ran";
  #code = 0;
  #waitsFor = "";
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
    // In front of a program it is no command, and of several lines the first would answer for all.
    const teller = force || this.text.includes("\n") ? "" : this.teller();
    const ran = await this.run(this.text, { force, where: this.dataset.where });
    if (ran === null) return;
    if (!ran) {
      this.#ask();
      return;
    }
    this.hasRun = true;
    this.press(this.dataset.id ?? "");
    this.#waitsFor = teller;
    this.#become(teller ? "running" : "ran");
  }

  /**
   * A command has ended in a terminal; the first one there since this one began is this one.
   * @param {string} teller
   * @param {number | null} code null: the shell is gone, and nobody says
   */
  finish(teller, code) {
    if (!teller || this.#waitsFor !== teller) return;
    this.#waitsFor = "";
    this.#code = code ?? 0;
    this.#become(!code ? "ran" : BY_KEY.has(code) ? "stopped" : "failed");
  }

  /** @param {Outcome} outcome */
  #become(outcome) {
    this.#outcome = outcome;
    this.dataset.state = outcome;
    this.#draw();
    if (outcome !== "running") say(this.#said);
  }

  get #said() {
    if (this.#outcome === "failed") return `Failed, code ${this.#code}`;
    return { ran: "Ran", running: "Running", stopped: "Stopped" }[this.#outcome];
  }

  #draw() {
    const parts = [];
    if (this.isRunnable && this.hasRun) {
      const said = document.createElement("span");
      said.className = "command__said";
      said.append(drawing(`[data-shape=${SHAPES[this.#outcome]}]`), this.#said);
      parts.push(
        said,
        this.#button("rotate-ccw", "", `Run again: ${this.text}`, () => this.start()),
      );
    } else if (this.isRunnable) {
      const word = WORDS[this.dataset.where ?? ""] ?? "Run";
      parts.push(this.#button("play", word, `${word}: ${this.text}`, () => this.start()));
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
