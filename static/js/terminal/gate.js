/** What waits behind a long paste: its pieces go one after the other, each when the program has the one before. */

import { isAnswered } from "./frames.js";

export class Gate {
  /** @type {Uint8Array[]} */
  #waiting = [];
  #isShut = false;
  #send;

  /** @param {(frame: Uint8Array) => void} send */
  constructor(send) {
    this.#send = send;
  }

  /** @param {Uint8Array[]} frames */
  add(frames) {
    this.#waiting.push(...frames);
    this.#pass();
  }

  /** The program has the last piece. */
  open() {
    this.#isShut = false;
    this.#pass();
  }

  /** Whether a piece is on its way. */
  get isShut() {
    return this.#isShut;
  }

  /** Forgets what still waits. */
  drop() {
    this.#waiting = [];
    this.#isShut = false;
  }

  #pass() {
    while (!this.#isShut) {
      const frame = this.#waiting.shift();
      if (!frame) return;
      this.#isShut = isAnswered(frame);
      this.#send(frame);
    }
  }
}
