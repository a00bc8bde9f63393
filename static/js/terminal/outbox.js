/** Frames on their way through polling: one at a time, keys joined, since one POST carries few packets. */

const INPUT = 0x49;
const LONGEST_BYTES = 32 * 1024;

export class Outbox {
  /** @type {Uint8Array[]} */
  #waiting = [];
  #isBusy = false;
  #deliver;

  /** @param {(frame: Uint8Array) => Promise<unknown>} deliver done when the server has it */
  constructor(deliver) {
    this.#deliver = deliver;
  }

  /** @param {Uint8Array} frame */
  add(frame) {
    const last = this.#waiting.at(-1);
    if (last && canJoin(last, frame)) this.#waiting.splice(-1, 1, join(last, frame));
    else this.#waiting.push(frame);
    this.#next();
  }

  async #next() {
    if (this.#isBusy) return;
    this.#isBusy = true;
    for (let frame = this.#waiting.shift(); frame; frame = this.#waiting.shift()) {
      // A frame that is lost ends the connection it went by; the link comes back by itself.
      await this.#deliver(frame).catch(() => {});
    }
    this.#isBusy = false;
  }
}

/**
 * @param {Uint8Array} one
 * @param {Uint8Array} two
 */
function canJoin(one, two) {
  return one[0] === INPUT && two[0] === INPUT && one.length + two.length <= LONGEST_BYTES;
}

/**
 * @param {Uint8Array} one
 * @param {Uint8Array} two
 */
function join(one, two) {
  const both = new Uint8Array(one.length + two.length - 1);
  both.set(one);
  both.set(two.subarray(1), one.length);
  return both;
}
