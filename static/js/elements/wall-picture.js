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
const DRAWING_MS = 6; // before one frame: a whole class's pictures at once would hold up keys
const FONT = "font";

/** The terminal's colours and font as the page has them now, asked for once; and whose turn it is. */
export class Paint {
  /** @type {Map<string, string>} */
  #known = new Map();
  /** @type {Set<WallPicture>} */
  #waiting = new Set();
  #frame = 0;

  /** Counts up whenever what was asked for has become another. */
  looks = 0;

  /** The theme has changed, or the fonts are there. */
  forget() {
    this.#known.clear();
    this.looks += 1;
  }

  /** Before one of the next frames, once, however often it is asked. @param {WallPicture} picture */
  soon(picture) {
    this.#waiting.add(picture);
    this.#frame ||= requestAnimationFrame(() => this.#turn());
  }

  #turn() {
    const until = performance.now() + DRAWING_MS;
    for (const picture of this.#waiting) {
      this.#waiting.delete(picture);
      picture.drawNow();
      if (performance.now() >= until) break;
    }
    this.#frame = this.#waiting.size ? requestAnimationFrame(() => this.#turn()) : 0;
  }

  /** @param {HTMLElement} place */
  fontOf(place) {
    const found = this.#known.get(FONT) ?? getComputedStyle(place).fontFamily;
    this.#known.set(FONT, found);
    return found;
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
  #width = 0;
  #height = 0;
  #font = "";

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

  /**
   * How large it is on the page, as an observer says: asked of the canvas itself, all that has changed
   * on the page would be laid out before each picture.
   * @param {{width: number, height: number}} size
   */
  resize({ width, height }) {
    this.#width = width;
    this.#height = height;
    this.draw();
  }

  /** When its turn comes. */
  draw() {
    this.#paint.soon(this);
  }

  /** As it is now. */
  drawNow() {
    const [width, height] = [this.#width, this.#height];
    const context = this.#canvas.getContext("2d");
    if (!context || !width) return;
    const scale = window.devicePixelRatio;
    this.#fit(Math.round(width * scale), Math.round(height * scale));
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.fillStyle = this.#paint.of(null, "ground");
    context.fillRect(0, 0, width, height);
    const fitting = (width - MARGIN_PX) / COLUMNS / WIDTH_EM;
    const size = Math.min(LARGEST_PX, Math.max(SMALLEST_PX, fitting));
    const line = Math.round(size * LINE_EM);
    this.#write(context, size);
    const rows = this.#rows.last(Math.floor((height - MARGIN_PX) / line));
    for (const [at, runs] of rows.entries()) {
      for (const run of runs) this.#run(context, run, at * line + MARGIN_PX / 2, size);
    }
  }

  /** A canvas that is told its size, though it has it, is made anew. @param {number} width @param {number} height */
  #fit(width, height) {
    if (this.#canvas.width === width && this.#canvas.height === height) return;
    this.#canvas.width = width;
    this.#canvas.height = height;
    this.#font = ""; // a canvas that is made anew has none
  }

  /** Told only where it is another: the browser looks at the page's style for it. @param {CanvasRenderingContext2D} context @param {number} size */
  #write(context, size) {
    const font = `${size}px ${this.#paint.fontOf(this.#canvas)}`;
    if (this.#font === `${this.#paint.looks} ${font}`) return;
    this.#font = `${this.#paint.looks} ${font}`;
    context.font = font;
    context.textBaseline = "top";
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
