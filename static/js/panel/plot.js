/** uPlot, dressed in our tokens: a small one in a row, a large one with axes where its row is explained. */

import UPlot from "uplot";
import { colour } from "../lib/dom.js";
import { tick } from "./figures.js";
import { WINDOW_S } from "./series.js";

/** @typedef {import("./rows.js").Side} Side @typedef {import("./series.js").Series} Series */

const LINE_PX = 1.5;
const FILL = 0.13;
const DASH = { machine: [4, 2], container: [] };
const TOKEN = { machine: "--machine", container: "--cont" };
const LARGE_PX = 240;
const LARGE_EDGE_PX = 24; // of the cell around it

/**
 * A colour that lets the paper through.
 * @param {string} solid as the browser computes it, `rgb(r, g, b)`
 */
const faint = (solid) => solid.replace("rgb(", "rgba(").replace(")", `, ${FILL})`);

/** @param {Side} side @returns {uPlot.Series} */
function lineOf(side) {
  const stroke = colour(TOKEN[side]);
  return { stroke, width: LINE_PX, dash: DASH[side], fill: faint(stroke), points: { show: false } };
}

/** @returns {uPlot.Axis} */
function axis() {
  const ink = colour("--ink3");
  const grid = { stroke: colour("--line"), width: 1 };
  return { stroke: ink, grid, ticks: grid, font: "10px sans-serif" };
}

export class RowPlot {
  #series;
  #row;
  #side;
  #roof = 1;
  #plot;

  /**
   * @param {HTMLElement} place
   * @param {Series} series
   * @param {string} row
   * @param {Side} side
   */
  constructor(place, series, row, side) {
    this.#series = series;
    this.#row = row;
    this.#side = side;
    const { width, height } = place.getBoundingClientRect();
    this.#plot = new UPlot(
      {
        width: Math.round(width),
        height: Math.round(height),
        padding: [2, 0, 0, 0],
        legend: { show: false },
        cursor: { y: false, drag: { x: false, y: false }, sync: { key: `row-${row}` } },
        axes: [{ show: false }, { show: false }],
        scales: { x: { time: false, range: [-WINDOW_S, 0] }, y: { range: () => [0, this.#roof] } },
        series: [{}, lineOf(side)],
      },
      [[], []],
      place,
    );
  }

  draw() {
    this.#roof = this.#series.roof(this.#row);
    this.#plot.setData(this.#series.line(this.#row, this.#side));
  }

  destroy() {
    this.#plot.destroy();
  }
}

export class LargePlot {
  #series;
  #row;
  #roof = 1;
  #plot;

  /**
   * @param {HTMLElement} place
   * @param {Series} series
   * @param {string} row
   * @param {string} unit
   * @param {() => {machine: number | null, container: number | null}} limits
   */
  constructor(place, series, row, unit, limits) {
    this.#series = series;
    this.#row = row;
    this.#plot = new UPlot(
      {
        width: Math.round(place.parentElement?.clientWidth ?? 0) - LARGE_EDGE_PX,
        height: LARGE_PX,
        legend: { show: false },
        cursor: { y: false, drag: { x: false, y: false }, sync: { key: `row-${row}` } },
        axes: [
          { ...axis(), values: (_, ticks) => ticks.map((each) => tick(each, "s")) },
          { ...axis(), size: 70, values: (_, ticks) => ticks.map((each) => tick(each, unit)) },
        ],
        scales: { x: { time: false, range: [-WINDOW_S, 0] }, y: { range: () => [0, this.#roof] } },
        series: [{}, lineOf("machine"), lineOf("container")],
        hooks: { draw: [(plot) => drawLimits(plot, limits())] },
      },
      [[], [], []],
      place,
    );
  }

  draw() {
    this.#roof = this.#series.roof(this.#row);
    const [seconds, machine] = this.#series.line(this.#row, "machine");
    const [, container] = this.#series.line(this.#row, "container");
    this.#plot.setData([seconds, machine, container]);
  }

  destroy() {
    this.#plot.destroy();
  }
}

/**
 * A dotted line with its name where a limit lies within the plot.
 * @param {uPlot} plot
 * @param {{machine: number | null, container: number | null}} limits
 */
function drawLimits(plot, limits) {
  const { ctx, bbox } = plot;
  for (const side of /** @type {const} */ (["machine", "container"])) {
    const limit = limits[side];
    if (limit === null || limit > (plot.scales.y?.max ?? 0)) continue;
    const at = plot.valToPos(limit, "y", true);
    ctx.save();
    ctx.strokeStyle = colour(TOKEN[side]);
    ctx.fillStyle = ctx.strokeStyle;
    ctx.textAlign = "left"; // the axes were written last, and from the right
    ctx.textBaseline = "alphabetic";
    ctx.setLineDash([2, 4]);
    ctx.beginPath();
    ctx.moveTo(bbox.left, at);
    ctx.lineTo(bbox.left + bbox.width, at);
    ctx.stroke();
    ctx.fillText(`limit of the ${side}`, bbox.left + 8, at - 4);
    ctx.restore();
  }
}
