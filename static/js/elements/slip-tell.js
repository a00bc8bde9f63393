/** Telling the class something, or those whom the wall shows; and what became of it. */

import { say } from "../lib/say.js";

/**
 * @typedef {{message: string, text: string, command: string, by: string, at: number, to: number,
 *   read: number, done: number, failed: number, ran: number}} Sent
 */

export class SlipTell extends HTMLElement {
  /** Tells those (none: everyone). @type {(learners: string[], text: string, command: string) => Promise<{count: number}>} */
  tell = () => Promise.reject(new Error("not wired"));
  /** @type {string[]} */
  #learners = [];

  connectedCallback() {
    this.addEventListener("submit", this.#submit);
  }

  disconnectedCallback() {
    this.removeEventListener("submit", this.#submit);
  }

  /**
   * Whom the wall shows now.
   * @param {string[]} learners
   * @param {boolean} isAll
   */
  aim(learners, isAll) {
    this.#learners = isAll ? [] : learners;
    const button = this.querySelector("button");
    if (!(button instanceof HTMLButtonElement)) return;
    button.textContent = isAll ? `Send to all ${learners.length}` : `Send to ${learners.length}`;
    button.disabled = !learners.length;
  }

  /** Puts the keyboard into the field. */
  enter() {
    this.querySelector("textarea")?.focus();
  }

  /** @param {Sent[]} messages */
  showSent(messages) {
    const list = this.querySelector("ul");
    list?.replaceChildren(...[...messages].reverse().map(line));
    list?.toggleAttribute("hidden", !messages.length);
  }

  /** @param {SubmitEvent} event */
  #submit = async (event) => {
    event.preventDefault();
    const form = this.querySelector("form");
    const note = this.querySelector("[data-note]");
    if (!form || !note) return;
    const fields = new FormData(form);
    const [text, command] = [String(fields.get("text")), String(fields.get("command"))];
    try {
      const { count } = await this.tell(this.#learners, text, command);
      form.reset();
      note.textContent = `Sent to ${count}.`;
    } catch (problem) {
      note.textContent = problem instanceof Error ? problem.message : String(problem);
    }
    say(note.textContent);
  };
}

/** @param {Sent} sent */
function line({ text, command, to, read, done, failed, ran }) {
  const item = document.createElement("li");
  const words = document.createElement("strong");
  words.textContent = text || command;
  const facts = [`${read} of ${to} closed it`];
  if (command) facts.unshift(`${done} done, ${failed} failed, ${to - ran} not yet`);
  const more = document.createElement("span");
  more.className = "small quiet";
  more.textContent = facts.join(" · ");
  item.append(words, more);
  return item;
}

customElements.define("slip-tell", SlipTell);
