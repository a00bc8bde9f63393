/** The one connection of a page: imperatives go out and are answered, facts come in. */

import { io } from "socket.io-client";
import { showReason, whyRefused } from "./why.js";

const ANSWER_MS = 40_000; // a check may take 30 s
const FIRST_MS = 15_000;
const ASK_WHY_EACH_MS = 10_000;
// What is larger than 1 MiB ends the connection, and then nobody hears why.
const LETTERS_MOST = 256 * 1024;

/** What the server refused, or that it can't be reached; the sentence is for the learner. */
export class Refused extends Error {
  /** @param {{code: string, sentence: string, hint: string}} problem */
  constructor({ code, sentence, hint }) {
    super(`${sentence} ${hint}`.trim());
    this.code = code;
  }
}

const AWAY = {
  code: "server-away",
  sentence: "The page has lost the server. Your container runs on.",
  hint: "It tries again by itself; then press again.",
};

const TOO_LARGE = {
  code: "message-too-large",
  sentence: "That is too long to be sent.",
  hint: "Shorten it.",
};

export class Room {
  #socket;
  /** @type {Promise<void>} */
  #begun;
  #askedWhyAt = Number.NEGATIVE_INFINITY;

  /** @param {string} namespace such as `/lesson` */
  constructor(namespace) {
    this.#socket = io(namespace, {
      transports: ["websocket", "polling"],
      tryAllTransports: true,
      reconnectionDelayMax: 5000,
    });
    // The server shows out who may not be here any more; the page says why when it is asked for anew.
    this.#socket.on("disconnect", (why) => {
      if (why === "io server disconnect") location.reload();
    });
    this.#socket.on("connect_error", () => this.#explain());
    this.#socket.on("connect", () => showReason(null));
    this.#begun = new Promise((begun) => this.#socket.once("connect", () => begun()));
  }

  /** A page that stands there and does nothing says why, where anybody can say. */
  async #explain() {
    const now = performance.now();
    if (now - this.#askedWhyAt < ASK_WHY_EACH_MS) return;
    this.#askedWhyAt = now;
    const reason = await whyRefused();
    showReason(this.#socket.connected ? null : reason);
  }

  /**
   * Says an imperative and gives the answer.
   * @param {string} name
   * @param {Record<string, unknown>} [fields]
   * @returns {Promise<any>}
   */
  async ask(name, fields = {}) {
    // Who presses as soon as the page is there presses before its connection is.
    if (!this.#socket.connected)
      await Promise.race([this.#begun, new Promise((over) => setTimeout(over, FIRST_MS))]);
    if (!this.#socket.connected) throw new Refused(AWAY);
    if (Object.values(fields).some(isTooLong)) throw new Refused(TOO_LARGE);
    let answer;
    try {
      answer = await this.#socket.timeout(ANSWER_MS).emitWithAck(name, fields);
    } catch {
      throw new Refused(AWAY);
    }
    if (answer?.problem) throw new Refused(answer.problem);
    return answer;
  }

  /**
   * Says an imperative that nobody waits for; lost when the server is away.
   * @param {string} name
   * @param {Record<string, unknown>} fields
   */
  tell(name, fields) {
    this.ask(name, fields).catch(() => {});
  }

  /**
   * Calls back with each fact of that name; `connect` and `disconnect` are facts, too.
   * @param {string} name
   * @param {(fact: any) => void} hear
   */
  on(name, hear) {
    this.#socket.on(name, hear);
  }
}

/** @param {unknown} value of a field */
function isTooLong(value) {
  return typeof value === "string" && value.length > LETTERS_MOST;
}
