/** Telling the class something, or those whom the wall shows; and what became of it. */

import { say } from "../lib/say.js";

/**
 * @typedef {{message: string, text: string, command: string, file: string, until: number | null,
 *   by: string, at: number, to: number, read: number, done: number, failed: number, ran: number}} Sent
 * @typedef {{text: string, command: string, minutes: number | null, file_name: string | null,
 *   file: ArrayBuffer | null}} Word
 * @typedef {{learner: string, name: string, here: boolean, read: boolean, ran: boolean,
 *   code: number | null}} Outcome
 */

const FILE_BYTES_MOST = 384 * 1024;

export class SlipTell extends HTMLElement {
  /** Tells those (none: everyone). @type {(learners: string[], word: Word) => Promise<{count: number}>} */
  tell = () => Promise.reject(new Error("not wired"));
  /** What became of a message. @type {(message: string) => Promise<{learners: Outcome[]}>} */
  outcome = () => Promise.reject(new Error("not wired"));
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
    const open = this.querySelector("details[data-message][open]");
    const kept = open instanceof HTMLElement ? open.dataset.message : undefined;
    list?.replaceChildren(...[...messages].reverse().map((sent) => this.#line(sent, kept)));
    list?.toggleAttribute("hidden", !messages.length);
  }

  /** @param {SubmitEvent} event */
  #submit = async (event) => {
    event.preventDefault();
    const form = this.querySelector("form");
    const note = this.querySelector("[data-note]");
    if (!form || !note) return;
    try {
      const { count } = await this.tell(this.#learners, await wordOf(new FormData(form)));
      form.reset();
      note.textContent = `Sent to ${count}.`;
    } catch (problem) {
      note.textContent = problem instanceof Error ? problem.message : String(problem);
    }
    say(note.textContent);
  };

  /**
   * @param {Sent} sent
   * @param {string} [kept] the one whose results are shown
   */
  #line(sent, kept) {
    const item = document.createElement("li");
    const words = document.createElement("strong");
    words.textContent = sent.text || sent.command || sent.file || countdownOf(sent);
    const results = document.createElement("details");
    results.dataset.message = sent.message;
    const more = document.createElement("summary");
    more.className = "small quiet";
    more.textContent = factsOf(sent).join(" · ");
    const list = document.createElement("ul");
    list.className = "tell__results small";
    results.append(more, list);
    results.addEventListener("toggle", () => {
      if (results.open) this.#fill(list, sent);
    });
    results.open = sent.message === kept;
    item.append(words, results);
    return item;
  }

  /**
   * @param {HTMLElement} list
   * @param {Sent} sent
   */
  async #fill(list, sent) {
    const page = document.querySelector("[data-workshop]");
    const workshop = page instanceof HTMLElement ? page.dataset.workshop : "";
    try {
      const { learners } = await this.outcome(sent.message);
      list.replaceChildren(...learners.map((each) => resultOf(each, sent, workshop ?? "")));
    } catch (problem) {
      list.textContent = problem instanceof Error ? problem.message : String(problem);
    }
  }
}

/**
 * @param {FormData} fields
 * @returns {Promise<Word>}
 */
async function wordOf(fields) {
  const file = fields.get("file");
  const isFile = file instanceof File && file.name !== "";
  if (isFile && file.size > FILE_BYTES_MOST)
    throw new Error(
      "The file has more than 384 KiB. Put it where it has an address, and send that.",
    );
  return {
    text: String(fields.get("text")),
    command: String(fields.get("command")),
    minutes: Number(fields.get("minutes")) || null,
    file_name: isFile ? file.name : null,
    file: isFile ? await file.arrayBuffer() : null,
  };
}

/** @param {Sent} sent */
function countdownOf({ until, at }) {
  return until === null ? "" : `Countdown of ${Math.round((until - at) / 60)} min`;
}

/** @param {Sent} sent */
function factsOf(sent) {
  const { command, file, text, to, read, done, failed, ran } = sent;
  const facts = [`${read} of ${to} closed it`];
  if (command || file) facts.unshift(`${done} done, ${failed} failed, ${to - ran} not yet`);
  if (file && text + command) facts.unshift(file);
  if (sent.until !== null && text + command + file) facts.unshift(countdownOf(sent));
  return facts;
}

/**
 * @param {Outcome} outcome
 * @param {Sent} sent
 * @param {string} workshop
 */
function resultOf(outcome, sent, workshop) {
  const item = document.createElement("li");
  const link = document.createElement("a");
  link.href = `/workshops/${workshop}/learners/${outcome.learner}`;
  const words = document.createElement("bdi");
  words.textContent = outcome.name;
  link.append(words);
  item.append(link, `: ${stateOf(outcome, Boolean(sent.command || sent.file))}`);
  return item;
}

/**
 * @param {Outcome} outcome
 * @param {boolean} isDeed whether there was something to do
 */
function stateOf({ here, read, ran, code }, isDeed) {
  if (isDeed && ran) {
    if (code === null) return "ran it";
    return code === 0 ? "done" : `failed, code ${code}`;
  }
  if (!isDeed && read) return "closed it";
  return here ? "not yet" : "away";
}

customElements.define("slip-tell", SlipTell);
