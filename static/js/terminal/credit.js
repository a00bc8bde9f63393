/** What the browser has drawn, told to the server each 64 KiB: more than 256 KiB are never under way. */

export const ACK_BYTES = 64 * 1024;

export class Credit {
  #told = 0;
  #tell;

  /** @param {(seq: number) => void} tell sends a sequence number to the server */
  constructor(tell) {
    this.#tell = tell;
  }

  /**
   * The output begins again at `seq`: a new connection, or a new screen.
   * @param {number} seq
   */
  restart(seq) {
    this.#told = seq;
  }

  /**
   * Everything before `seq` is on the screen.
   * @param {number} seq
   */
  drew(seq) {
    if (seq - this.#told < ACK_BYTES) return;
    this.#told = seq;
    this.#tell(seq);
  }
}
