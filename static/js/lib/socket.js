/** The one connection of a page: imperatives go out and are answered, facts come in. */

import { io } from "socket.io-client";

const ANSWER_MS = 40_000; // a check may take 30 s

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

export class Room {
  #socket;

  /** @param {string} namespace such as `/lesson` */
  constructor(namespace) {
    this.#socket = io(namespace, {
      transports: ["websocket", "polling"],
      tryAllTransports: true,
      reconnectionDelayMax: 5000,
    });
  }

  /**
   * Says an imperative and gives the answer.
   * @param {string} name
   * @param {Record<string, unknown>} [fields]
   * @returns {Promise<any>}
   */
  async ask(name, fields = {}) {
    if (!this.#socket.connected) throw new Refused(AWAY);
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
