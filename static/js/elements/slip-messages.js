/** What the instructor told this learner: two at once, each until it is closed. Text, never HTML. */

import { drawing } from "../lib/dom.js";
import { say } from "../lib/say.js";
import { linked } from "../lib/words.js";
import { SlipCommand } from "./slip-command.js";
import { SlipCountdown } from "./slip-countdown.js";

/**
 * @typedef {{message: string, text: string, command: string, until: number | null, file: string,
 *   by: string, at: number}} Message
 */

const SHOWN = 2;

export class SlipMessages extends HTMLElement {
  /** The learner has read it. @type {(message: string) => void} */
  read = () => {};
  /** Lets a command of a message run in the learner's terminal. @type {(command: SlipCommand, message: string) => void} */
  wire = () => {};

  /** Those that a page finds when it begins. @param {Message[]} messages */
  begin(messages) {
    for (const message of messages) this.#add(message);
    this.#count();
  }

  /** One that comes now. @param {Message} message */
  show(message) {
    this.#add(message);
    this.#count();
    say(`${message.by}: ${message.text || message.command || message.file || "a countdown"}`);
  }

  /** @param {Message} message */
  #add(message) {
    if (this.querySelector(`[data-message="${CSS.escape(message.message)}"]`)) return;
    const card = document.createElement("article");
    card.className = "message";
    card.dataset.message = message.message;
    card.append(this.#head(message));
    if (message.text) card.append(this.#text(message.text));
    if (message.until !== null) card.append(this.#countdown(message.until));
    if (message.file) card.append(this.#file(message.file));
    if (message.command) card.append(this.#command(message));
    this.append(card);
  }

  /** @param {Message} message */
  #head({ by, at }) {
    const head = document.createElement("p");
    head.className = "message__head";
    const name = document.createElement("bdi");
    name.textContent = by;
    const strong = document.createElement("strong");
    strong.append(name);
    const time = document.createElement("span");
    time.className = "small quiet";
    time.textContent = `at ${new Date(at * 1000).toLocaleTimeString([], { timeStyle: "short" })}`;
    const close = document.createElement("button");
    close.type = "button";
    close.className = "button button--quiet button--icon button--dense";
    close.setAttribute("aria-label", `Close the message of ${by}`);
    close.append(drawing("[data-icon=x]"));
    close.addEventListener("click", () => this.#close(close.closest("article")));
    head.append(strong, time, close);
    return head;
  }

  /** @param {string} text */
  #text(text) {
    const place = document.createElement("p");
    for (const { words, href } of linked(text)) {
      if (!href) {
        place.append(words);
        continue;
      }
      const link = document.createElement("a");
      link.href = href;
      link.target = "_blank";
      link.rel = "noreferrer noopener";
      link.textContent = words;
      place.append(link);
    }
    return place;
  }

  /** @param {number} until */
  #countdown(until) {
    const clock = new SlipCountdown();
    clock.className = "message__clock";
    clock.dataset.until = String(until);
    const left = document.createElement("span");
    left.dataset.left = "";
    clock.append(left);
    return clock;
  }

  /** @param {string} name */
  #file(name) {
    const place = document.createElement("p");
    const code = document.createElement("code");
    code.textContent = `~/from-instructor/${name}`;
    place.append("A file for you: ", code);
    return place;
  }

  /** @param {Message} message */
  #command({ command, message }) {
    const element = new SlipCommand();
    element.dataset.id = message;
    element.dataset.kind = "run";
    const block = document.createElement("pre");
    const code = document.createElement("code");
    code.textContent = command;
    block.append(code);
    element.append(block);
    this.wire(element, message);
    return element;
  }

  /** @param {HTMLElement | null} card */
  #close(card) {
    if (!card) return;
    this.read(card.dataset.message ?? "");
    card.remove();
    this.#count();
  }

  /** The newest are shown, the others counted. */
  #count() {
    const cards = [...this.querySelectorAll("article")];
    for (const [at, card] of cards.entries()) card.hidden = at < cards.length - SHOWN;
    this.hidden = !cards.length;
    const more = this.querySelector("[data-more]");
    const others = cards.length - SHOWN;
    more?.replaceChildren(others > 0 ? `${others} more, older` : "");
    more?.toggleAttribute("hidden", others <= 0);
  }
}

customElements.define("slip-messages", SlipMessages);
