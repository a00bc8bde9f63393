/** The small picture of a terminal on a tile: text drawn on a canvas, so that nothing in it can run. */

import { colour } from "../lib/dom.js";
import { Rows } from "../wall/runs.js";
import { COLOURS } from "./terminal-look.js";

/** @typedef {import("../wall/runs.js").Colour} Colour */

const COLUMNS = 44; // of a terminal's; what is longer is cut
const [SMALLEST_PX, LARGEST_PX] = [7, 10];
const WIDTH_EM = 0.6; // of a letter of the mono font
const LINE_EM = 1.35;
const MARGIN_PX = 6;

/** The terminal's colours as the page's theme has them now; asked for once, not for each picture. */
export class Paint {
  /** @type {Map<string, string>} */
  #known = new Map();

  /** The theme has changed. */
  forget() {
    this.#known.clear();
  }

  /** @param {Colour} name @param {"ink" | "ground"} own what stands for null */
  of(name, own) {
    if (typeof name === "string" && name.startsWith("#")) return name;
    return this.#token(tokenOf(name ?? own));
  }

  /** @param {string} token */
  #token(token) {
    const found = this.#known.get(token) ?? colour(token);
    this.#known.set(token, found);
    return found;
  }
}

/** @param {number | string} name */
function tokenOf(name) {
  if (typeof name === "string") return name === "ink" ? "--term-fg" : "--term-bg";
  return `--term-${name > 7 ? "bright-" : ""}${COLOURS[name % 8]}`;
}

export class WallPicture {
  #rows = new Rows();
  #canvas;
  #paint;
  #frame = 0;

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {Paint} paint
   */
  constructor(canvas, paint) {
    this.#canvas = canvas;
    this.#paint = paint;
  }

  /** @param {import("../wall/runs.js").ScreenFact} fact */
  take(fact) {
    this.#rows.take(fact);
    this.draw();
  }

  /** Once before the browser paints next, however often it is asked. */
  draw() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#draw();
    });
  }

  #draw() {
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    const context = this.#canvas.getContext("2d");
    if (!context || !width) return;
    const scale = window.devicePixelRatio;
    this.#canvas.width = Math.round(width * scale);
    this.#canvas.height = Math.round(height * scale);
    context.scale(scale, scale);
    context.fillStyle = this.#paint.of(null, "ground");
    context.fillRect(0, 0, width, height);
    const fitting = (width - MARGIN_PX) / COLUMNS / WIDTH_EM;
    const size = Math.min(LARGEST_PX, Math.max(SMALLEST_PX, fitting));
    const line = Math.round(size * LINE_EM);
    context.font = `${size}px ${getComputedStyle(this.#canvas).fontFamily}`;
    context.textBaseline = "top";
    const rows = this.#rows.last(Math.floor((height - MARGIN_PX) / line));
    for (const [at, runs] of rows.entries()) {
      for (const run of runs) this.#run(context, run, at * line + MARGIN_PX / 2, size);
    }
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {import("../wall/runs.js").Run} run
   * @param {number} top
   * @param {number} size
   */
  #run(context, [column, text, ink, ground], top, size) {
    const left = MARGIN_PX + column * size * WIDTH_EM;
    if (ground !== null) {
      context.fillStyle = this.#paint.of(ground, "ground");
      context.fillRect(left, top, text.length * size * WIDTH_EM, size * LINE_EM);
    }
    context.fillStyle = this.#paint.of(ink, "ink");
    context.fillText(text, left, top);
  }
}
