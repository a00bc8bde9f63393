/**
 * The way of one terminal to the server: sequence numbers, coming back, and saying where it stands.
 * Knows neither the page nor the kind of connection; a transport is anything that sends and closes.
 */

import { Credit } from "./credit.js";
import { decode, drawnFrame, inputFrames, knockFrame, resizeFrame } from "./frames.js";
import { Gate } from "./gate.js";
import { Pulse } from "./pulse.js";

/**
 * @typedef {{send: (frame: Uint8Array) => void, close: () => void, isSlower?: boolean}} Transport
 * @typedef {{opened: () => void, said: (payload: ArrayBuffer | Uint8Array) => void,
 *   refused: (problem: import("./frames.js").Problem) => void, closed: () => void}} Ears
 * @typedef {{after: number | null, epoch: number | null, tries: number}} Wish
 * @typedef {(wish: Wish, ears: Ears) => Transport} Connect
 * @typedef {"connecting" | "connected" | "reconnecting" | "lost" | "ended"} State
 * @typedef {{state: State, tries: number, awaySince: number, nextAt: number,
 *   isSlower: boolean}} Standing `isSlower`: by polling, since no websocket gets through
 * @typedef {{now: () => number, later: (ms: number, deed: () => void) => unknown,
 *   cancel: (timer: any) => void, random: () => number}} Clock
 * @typedef {object} Events
 * @property {(standing: Standing) => void} standing
 * @property {(hello: import("./frames.js").Hello, lostBytes: number | null) => void} hello `lostBytes`: what was printed
 *   since and is no longer kept; null: another shell has taken the place of the one before
 * @property {(data: Uint8Array, end: number) => void} output `end`: number of the byte after it
 * @property {(wasPasting: boolean) => void} ready the replay is over; `wasPasting`: the connection was lost in the midst
 *   of a paste, of which the rest is not sent
 * @property {(rows: number, cols: number) => void} size
 * @property {(hasProgram: boolean) => void} front whether a program is in front of the shell
 * @property {(reason: string) => void} ended
 * @property {(problem: import("./frames.js").Problem) => void} problem
 */

const FIRST_PAUSE_MS = 400;
const LONGEST_PAUSE_MS = 8000;
export const LOST_MS = 120_000;
const INTERRUPT = "\x03";
/** Refusals that no further try can change. */
const FINAL = new Set(["not-yours", "not-joined"]);

export class Link {
  #connect;
  #on;
  #clock;
  #credit;
  #gate = new Gate((frame) => this.#send(frame));
  #pulse;
  /** @type {Transport | null} */
  #transport = null;
  #turn = 0;
  /** @type {unknown} */
  #timer = null;
  /** @type {number | null} */
  #epoch = null;
  /** @type {number | null} */
  #next = null;
  #isReady = false;
  #wasPasting = false;
  /** @type {Standing} */
  #standing;

  /**
   * @param {Connect} connect
   * @param {Events} on
   * @param {Clock} clock
   */
  constructor(connect, on, clock) {
    this.#connect = connect;
    this.#on = on;
    this.#clock = clock;
    this.#credit = new Credit((seq) => this.#send(drawnFrame(seq)));
    const knock = () => this.#send(knockFrame());
    this.#pulse = new Pulse(clock, knock, () => this.#lose());
    this.#standing = {
      state: "connecting",
      tries: 0,
      awaySince: clock.now(),
      nextAt: 0,
      isSlower: false,
    };
  }

  get standing() {
    return this.#standing;
  }

  /** Whether keys reach the shell now; what is typed meanwhile is not sent later. */
  get isReady() {
    return this.#isReady;
  }

  /** Whether a long paste is on its way to the program. */
  get isPasting() {
    return this.#gate.isShut;
  }

  start() {
    this.#try();
  }

  /** The learner, or the browser's own word that the network is back. */
  tryNow() {
    if (this.#standing.state === "connected" || this.#standing.state === "ended") return;
    this.#try();
  }

  /** The browser says that the network is gone: don't wait for a timeout to notice. */
  drop() {
    if (this.#transport && this.#standing.state === "connected") this.#lose();
  }

  /**
   * @param {string} text
   * @returns {boolean} false when it was not sent
   */
  send(text) {
    if (!this.#isReady) return false;
    if (text === INTERRUPT) this.#gate.drop();
    this.#gate.add(inputFrames(text));
    this.#pulse.typed();
    return true;
  }

  /**
   * @param {number} rows
   * @param {number} cols
   */
  resize(rows, cols) {
    if (this.#epoch !== null) this.#send(resizeFrame(rows, cols));
  }

  /**
   * Everything before `seq` is on the screen.
   * @param {number} seq
   */
  drew(seq) {
    this.#credit.drew(seq);
  }

  /** For good: the page needs this terminal no more. */
  close() {
    this.#stand({ state: "ended" });
    this.#leave();
  }

  /** @param {Uint8Array} frame */
  #send(frame) {
    this.#transport?.send(frame);
  }

  #try() {
    this.#leave();
    const turn = ++this.#turn;
    /** @type {(deed: (...given: any[]) => void) => (...given: any[]) => void} */
    const ifCurrent =
      (deed) =>
      (...given) =>
        turn === this.#turn && deed(...given);
    const wish = { after: this.#next, epoch: this.#epoch, tries: this.#standing.tries };
    this.#transport = this.#connect(wish, {
      opened: () => {},
      said: ifCurrent((payload) => this.#hear(payload)),
      refused: ifCurrent((problem) => this.#refuse(problem)),
      closed: ifCurrent(() => this.#lose()),
    });
  }

  #leave() {
    this.#clock.cancel(this.#timer);
    this.#pulse.stop();
    this.#turn += 1;
    this.#transport?.close();
    this.#transport = null;
    this.#wasPasting ||= this.#gate.isShut;
    this.#gate.drop();
    this.#isReady = false;
  }

  /** @param {ArrayBuffer | Uint8Array} payload */
  #hear(payload) {
    const frame = decode(payload);
    this.#pulse.heard();
    switch (frame?.type) {
      case "hello":
        return this.#meet(frame.hello);
      case "output":
        this.#next = frame.seq + frame.data.length;
        return this.#on.output(frame.data, this.#next);
      case "ready":
        this.#isReady = true;
        this.#stand({
          state: "connected",
          tries: 0,
          isSlower: Boolean(this.#transport?.isSlower),
        }); // not before: keys typed meanwhile are lost
        this.#pulse.begin();
        this.#on.ready(this.#wasPasting);
        this.#wasPasting = false;
        return undefined;
      case "size":
        return this.#on.size(frame.rows, frame.cols);
      case "front":
        return this.#on.front(frame.hasProgram);
      case "ended":
        return this.#end(frame.reason);
      case "taken":
        return this.#gate.open();
      case "problem":
        this.#gate.drop(); // a piece that was refused is not answered
        return this.#on.problem(frame.problem);
      default:
        return undefined;
    }
  }

  /** @param {import("./frames.js").Hello} hello */
  #meet(hello) {
    const isSame = this.#epoch === null || this.#epoch === hello.epoch;
    const lostBytes = isSame ? Math.max(0, hello.seq - (this.#next ?? hello.seq)) : null;
    this.#epoch = hello.epoch;
    this.#next = hello.seq;
    this.#credit.restart(hello.seq);
    this.#isReady = false;
    this.#on.hello(hello, lostBytes);
  }

  /** @param {string} reason */
  #end(reason) {
    this.#isReady = false;
    this.#gate.drop();
    // A shell's end leaves the connection: the next shell of that name comes through it.
    if (reason !== "shell") {
      this.#stand({ state: "ended" });
      this.#leave();
    }
    this.#on.ended(reason);
  }

  /** @param {import("./frames.js").Problem} problem */
  #refuse(problem) {
    if (!FINAL.has(problem.code)) return;
    this.#stand({ state: "ended" });
    this.#leave();
    this.#on.problem(problem);
    this.#on.ended("withdrawn");
  }

  #lose() {
    const now = this.#clock.now();
    const wasHere = this.#standing.state === "connected";
    const awaySince = wasHere ? now : this.#standing.awaySince;
    const tries = wasHere ? 1 : this.#standing.tries + 1;
    const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 1.7 ** (tries - 1));
    const wait = pause * (0.5 + this.#clock.random() / 2);
    const state = now - awaySince >= LOST_MS ? "lost" : "reconnecting";
    this.#leave();
    this.#stand({ state, tries, awaySince, nextAt: now + wait });
    this.#timer = this.#clock.later(wait, () => this.#try());
  }

  /** @param {Partial<Standing>} change */
  #stand(change) {
    this.#standing = { ...this.#standing, ...change };
    this.#on.standing(this.#standing);
  }
}
