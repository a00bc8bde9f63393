/** The panel: a real table of figures on both sides, their plots, their ratio, and how each was taken. */

import { say } from "../lib/say.js";
import { duration, MB, megabytes, ratio, shown, tick } from "../panel/figures.js";
import { LargePlot, RowPlot } from "../panel/plot.js";
import { kernelRatio, kernelWords, ROWS, SIDES } from "../panel/rows.js";
import { Series } from "../panel/series.js";
import { bars, stagesText } from "../panel/stages.js";

/**
 * @typedef {import("../panel/rows.js").Reading} Reading
 * @typedef {import("../panel/rows.js").Side} Side
 * @typedef {import("../panel/rows.js").Start} Start
 * @typedef {{value: string, note: string}} Fact
 */

const OLD_S = 3;
/** @type {Record<string, "cold" | "prepared">} rows whose figure is a start, drawn as its stages */
const STARTS = { start: "cold", prepared: "prepared" };
const SVG = "http://www.w3.org/2000/svg";

export class SlipPanel extends HTMLElement {
  #series = new Series();
  /** @type {Map<string, RowPlot>} */
  #plots = new Map();
  /** @type {Map<string, LargePlot>} */
  #large = new Map();
  #heardAt = 0;
  #timer = 0;

  /** @type {(name: string) => void} set by the page */
  press = () => {};

  /** @type {() => Promise<{rows: {name: string, container: Fact | null, machine: Fact | null}[]}>} set by the page */
  askIsolation = () => Promise.reject(new Error("no connection"));

  connectedCallback() {
    this.addEventListener("click", this.#click);
    document.addEventListener("slip-theme", this.#redress);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", this.#redress);
    this.#timer = window.setInterval(() => this.#showAge(), 1000);
    this.#size.observe(this);
    this.#show(this.dataset.view ?? "cost");
  }

  disconnectedCallback() {
    this.removeEventListener("click", this.#click);
    document.removeEventListener("slip-theme", this.#redress);
    matchMedia("(prefers-color-scheme: dark)").removeEventListener("change", this.#redress);
    clearInterval(this.#timer);
    this.#size.disconnect();
    this.#forgetPlots();
  }

  #size = new ResizeObserver(() => this.#redress());

  /**
   * New figures of both sides.
   * @param {Reading} reading
   */
  take(reading) {
    this.#series.take(reading);
    this.#heardAt = Date.now();
    this.#showAge();
    // A hidden tab draws nothing; what it heard is there when it is seen again.
    if (document.visibilityState === "visible") this.#draw(reading);
  }

  /** Speaks what the open rows show now, on request. */
  read() {
    const rows = [...this.querySelectorAll("[data-row]")].filter((row) => isSeen(row));
    const words = rows.map((row) => {
      const label = text(row, ".figure__label");
      const [machine, container] = SIDES.map((side) =>
        text(row, `[data-side=${side}] [data-value]`),
      );
      const parts = [`machine ${machine}`, `container ${container}`, text(row, "[data-ratio]")];
      return `${label}: ${parts.filter(Boolean).join(", ")}`;
    });
    say(words.length ? `${words.join(". ")}.` : "No figure is open here.");
  }

  /** Cost or isolation, whichever isn't shown now. */
  turn() {
    this.#show(this.dataset.view === "cost" ? "isolation" : "cost");
  }

  /** @param {Reading} reading */
  #draw(reading) {
    const isEmulated = reading.accelerator === "tcg" && reading.machine !== null;
    for (const row of this.querySelectorAll("[data-row]")) {
      if (!(row instanceof HTMLElement)) continue;
      const name = row.dataset.row ?? "";
      if (name === "kernel") drawKernel(row, reading);
      else this.#drawFigure(row, name, reading);
      const mark = row.querySelector("[data-mark]");
      mark?.toggleAttribute("hidden", !(isEmulated && row.dataset.distorted !== undefined));
    }
    for (const [name, plot] of this.#large) {
      plot.draw();
      this.#sayMore(name, reading);
    }
  }

  /**
   * @param {HTMLElement} row
   * @param {string} name
   * @param {Reading} reading
   */
  #drawFigure(row, name, reading) {
    const { unit = "", isCounted = false } = ROWS[name] ?? {};
    for (const side of SIDES) {
      const value = this.#series.now(name, side);
      fill(row, `[data-side=${side}] [data-value]`, isCounted ? count(value) : shown(value, unit));
      this.#drawPicture(row, name, reading, side);
    }
    const [machine, container] = SIDES.map((side) => this.#series.now(name, side));
    fill(row, "[data-ratio]", isCounted ? "" : ratio(machine, container));
  }

  /**
   * What stands beside a figure: a start's stages, or the last minute; in words for a screen reader.
   * @param {HTMLElement} row
   * @param {string} name
   * @param {Reading} reading
   * @param {Side} side
   */
  #drawPicture(row, name, reading, side) {
    const place = row.querySelector(`[data-side=${side}] [data-plot]`);
    const kind = STARTS[name];
    if (!(place instanceof HTMLElement)) return;
    if (!kind) fill(row, `[data-side=${side}] [data-trend]`, this.#series.trend(name, side));
    if (!isSeen(row) || !place.offsetWidth) return;
    if (kind) drawStages(place, reading, kind, side);
    else this.#drawPlot(place, name, side);
  }

  /**
   * @param {HTMLElement} place
   * @param {string} name
   * @param {Side} side
   */
  #drawPlot(place, name, side) {
    const key = `${name} ${side}`;
    const plot = this.#plots.get(key) ?? new RowPlot(place, this.#series, name, side);
    this.#plots.set(key, plot);
    plot.draw();
    place.dataset.roof = tick(this.#series.roof(name), ROWS[name]?.unit ?? "");
  }

  /** @param {string} name @param {Reading} reading */
  #sayMore(name, reading) {
    const place = this.querySelector(`#how-${name} [data-live]`);
    if (!(place instanceof HTMLElement)) return;
    const words = moreOf(name, reading);
    place.hidden = !words;
    if (place.textContent !== words) place.textContent = words;
  }

  /** @param {Event} event */
  #click = (event) => {
    const target = event.target instanceof Element ? event.target : null;
    const how = target?.closest("[data-how]");
    const view = target?.closest("[data-view-name]")?.getAttribute("data-view-name");
    if (how instanceof HTMLElement) this.#explain(how);
    else if (view) this.#show(view);
    else if (target?.closest("[data-all]")) this.#unfold(target.closest("[data-all]"));
    else if (target?.closest("[data-read]")) this.read();
  };

  /** @param {HTMLElement} button */
  #explain(button) {
    const isOpen = button.getAttribute("aria-expanded") === "true";
    const row = document.getElementById(button.getAttribute("aria-controls") ?? "");
    const name = row?.dataset.howOf ?? "";
    button.setAttribute("aria-expanded", String(!isOpen));
    if (!row) return;
    row.hidden = isOpen;
    if (isOpen) {
      this.#large.get(name)?.destroy();
      this.#large.delete(name);
      return;
    }
    this.press(button.dataset.how ?? "");
    const place = row.querySelector("[data-large]");
    if (place instanceof HTMLElement && !STARTS[name]) {
      const limits = () => this.#limits(name);
      const plot = new LargePlot(place, this.#series, name, ROWS[name]?.unit ?? "", limits);
      this.#large.set(name, plot);
      plot.draw();
    }
    if (this.#series.last) this.#sayMore(name, this.#series.last);
  }

  /** @param {string} name */
  #limits(name) {
    const key = { memory: "memory_limit_bytes", disk: "disk_limit_bytes" }[name];
    const [machine, container] = SIDES.map((side) => {
      const bytes = key && this.#series.last?.[side]?.[/** @type {"disk_limit_bytes"} */ (key)];
      return bytes ? bytes / MB : null;
    });
    return { machine: machine ?? null, container: container ?? null };
  }

  /** @param {string} view */
  #show(view) {
    this.dataset.view = view;
    for (const button of this.querySelectorAll("[data-view-name]")) {
      button.setAttribute("aria-pressed", String(button.getAttribute("data-view-name") === view));
    }
    this.querySelector("[data-cost]")?.toggleAttribute("hidden", view !== "cost");
    this.querySelector("[data-isolation]")?.toggleAttribute("hidden", view !== "isolation");
    if (view === "cost") fill(this, "[data-what]", "machine ÷ container");
    if (view === "isolation") this.isolate();
  }

  /** Asks what both sides see, and fills the table of it; called again when the machine changes. */
  async isolate() {
    if (this.dataset.view !== "isolation") return;
    fill(this, "[data-what]", "asking both sides…");
    try {
      const { rows } = await this.askIsolation();
      for (const { name, ...sides } of rows) {
        const row = this.querySelector(`[data-fact="${CSS.escape(name)}"]`);
        if (row) for (const side of SIDES) fillFact(row, side, sides[side]);
      }
      fill(this, "[data-what]", "asked with");
      this.press("isolation");
    } catch (problem) {
      if (problem instanceof Error) fill(this, "[data-what]", problem.message);
    }
  }

  /** @param {Element | null} button */
  #unfold(button) {
    const isOpen = button?.getAttribute("aria-pressed") === "true";
    button?.setAttribute("aria-pressed", String(!isOpen));
    this.toggleAttribute("data-all-rows", !isOpen);
    if (this.#series.last) this.#draw(this.#series.last);
  }

  #redress = () => {
    this.#forgetPlots();
    if (this.#series.last && document.visibilityState === "visible") this.#draw(this.#series.last);
  };

  #forgetPlots() {
    for (const plot of this.#plots.values()) plot.destroy();
    this.#plots.clear();
  }

  /** Old figures are labelled with their age, never faded. */
  #showAge() {
    const seconds = Math.round((Date.now() - this.#heardAt) / 1000);
    const tag = this.querySelector("[data-age]");
    if (!(tag instanceof HTMLElement) || !this.#heardAt) return;
    tag.hidden = seconds < OLD_S;
    tag.textContent = `figures ${seconds}\u00a0s old`;
  }
}

/** @param {HTMLElement} row @param {Reading} reading */
function drawKernel(row, reading) {
  for (const side of SIDES) {
    fill(row, `[data-side=${side}] [data-value]`, kernelWords(reading[side]));
  }
  fill(row, "[data-ratio]", kernelRatio(reading));
}

/**
 * A start as a bar of its stages; both sides on the scale of the longer one.
 * @param {HTMLElement} place
 * @param {Reading} reading
 * @param {"cold" | "prepared"} kind
 * @param {Side} side
 */
function drawStages(place, reading, kind, side) {
  const start = reading[side]?.starts?.[kind];
  const whole = Math.max(...SIDES.map((each) => reading[each]?.starts?.[kind]?.ms ?? 0));
  const drawn = start ? JSON.stringify([start.ms, whole]) : "";
  if (place.dataset.drawn === drawn) return;
  place.dataset.drawn = drawn;
  place.replaceChildren();
  fill(place.parentElement, "[data-trend]", start ? stagesText(start) : "");
  if (!start || !whole) return;
  const picture = document.createElementNS(SVG, "svg");
  picture.setAttribute("class", "stages");
  picture.setAttribute("viewBox", "0 0 100 10");
  picture.setAttribute("preserveAspectRatio", "none");
  for (const { name, left, width } of bars(start, whole)) {
    const bar = document.createElementNS(SVG, "rect");
    bar.setAttribute("data-stage", name);
    bar.setAttribute("x", String(100 * left));
    bar.setAttribute("width", String(Math.max(0.6, 100 * width)));
    bar.setAttribute("height", "10");
    picture.append(bar);
  }
  place.append(picture);
}

/**
 * What only the opened row says: the stages of a start, the parts of a machine's memory.
 * @param {string} name
 * @param {Reading} reading
 */
function moreOf(name, reading) {
  const kind = STARTS[name];
  if (kind) {
    const parts = SIDES.map((side) => {
      const start = reading[side]?.starts?.[kind];
      return start ? `${side}: ${stagesText(start)}, together ${duration(start.ms)}` : "";
    });
    return sentence(parts);
  }
  const split = name === "memory" ? reading.machine?.memory_split : null;
  if (split) {
    const parts = [
      ["guest", split.guest_bytes],
      ["emulator", split.emulator_bytes],
      ["translation cache", split.translation_bytes],
    ].map(([word, bytes]) => `${word} ${megabytes(/** @type {number} */ (bytes))}`);
    return `The machine’s memory: ${parts.join(", ")}. ${sharesOf(reading)}`;
  }
  const { machine, container } = reading;
  if (name !== "processes" || !machine || !container) return "";
  return `Threads: machine ${count(machine.threads)}, container ${count(container.threads)}.`;
}

/** Counted another way, by the page tables of its processes. @param {Reading} reading */
function sharesOf(reading) {
  const parts = SIDES.map((side) => {
    const bytes = reading[side]?.pss_bytes;
    return typeof bytes === "number" ? `${side} ${megabytes(bytes)}` : "";
  }).filter(Boolean);
  return parts.length ? `What is shared counted by its sharers (PSS): ${parts.join(", ")}.` : "";
}

/** @param {string[]} parts */
function sentence(parts) {
  const words = parts.filter(Boolean).join("; ");
  return words && `${words.charAt(0).toUpperCase()}${words.slice(1)}.`;
}

/**
 * @param {Element} row
 * @param {Side} side
 * @param {Fact | null | undefined} fact
 */
function fillFact(row, side, fact) {
  fill(row, `[data-side=${side}] [data-value]`, fact?.value ?? "–");
  fill(row, `[data-side=${side}] [data-note]`, fact?.note ?? "");
}

/** @param {number | null | undefined} value */
function count(value) {
  return value === null || value === undefined ? "–" : String(value);
}

/** @param {Element} row */
function isSeen(row) {
  return row instanceof HTMLElement && row.offsetParent !== null;
}

/** @param {ParentNode} parent @param {string} selector */
function text(parent, selector) {
  return parent.querySelector(selector)?.textContent?.replace(/\s+/g, " ").trim() ?? "";
}

/** @param {ParentNode | null} parent @param {string} selector @param {string} words */
function fill(parent, selector, words) {
  const place = parent?.querySelector(selector);
  if (place && place.textContent !== words) place.textContent = words;
}

customElements.define("slip-panel", SlipPanel);
