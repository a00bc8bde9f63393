/** The pictures of a wall: which tiles can be seen, so that the server draws no others. */

import { Paint, WallPicture } from "./wall-picture.js";
import { part } from "./wall-tile.js";

const SETTLE_MS = 300;

export class WallPictures {
  /** @type {WeakMap<HTMLElement, WallPicture>} by tile */
  #pictures = new WeakMap();
  /** @type {Set<HTMLElement>} */
  #seen = new Set();
  #paint = new Paint();
  #asked = "";
  #timer = 0;
  #isOn = true;
  #look;
  #watcher = new IntersectionObserver((entries) => this.#saw(entries), { rootMargin: "100px" });
  /** Of those that can be seen; whoever comes into view is drawn by it, too. */
  #sizes = new ResizeObserver((entries) => {
    for (const { target, contentRect } of entries)
      this.#of(target.closest("li"))?.resize(contentRect);
  });

  /** @param {(learners: string[]) => void} look tells the server whose pictures are wanted */
  constructor(look) {
    this.#look = look;
    document.addEventListener("slip-theme", () => this.#dress());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#dress());
    document.fonts.ready.then(() => this.#dress()); // drawn before, it has another font
    document.addEventListener("visibilitychange", () => this.#askSoon());
  }

  /** A tile has come. @param {HTMLElement} tile */
  add(tile) {
    const canvas = part(tile, "picture");
    if (!(canvas instanceof HTMLCanvasElement) || this.#pictures.has(tile)) return;
    this.#pictures.set(tile, new WallPicture(canvas, this.#paint));
    this.#watcher.observe(tile);
  }

  /** A tile goes. @param {HTMLElement} tile */
  remove(tile) {
    this.#watcher.unobserve(tile);
    this.#sizes.unobserve(part(tile, "picture"));
    if (this.#seen.delete(tile)) this.#askSoon();
  }

  /**
   * @param {HTMLElement} tile
   * @param {import("../wall/runs.js").ScreenFact} fact
   */
  take(tile, fact) {
    this.#pictures.get(tile)?.take(fact);
  }

  /** Screens, or names only. @param {boolean} isOn */
  switch(isOn) {
    this.#isOn = isOn;
    this.#askSoon();
  }

  /** The server has forgotten whose are wanted. */
  askAgain() {
    this.#asked = "";
    this.#askSoon();
  }

  /** @param {HTMLElement | null} tile */
  #of(tile) {
    return tile ? this.#pictures.get(tile) : undefined;
  }

  /** @param {IntersectionObserverEntry[]} entries */
  #saw(entries) {
    for (const { target, isIntersecting } of entries) {
      if (!(target instanceof HTMLElement)) continue;
      const canvas = part(target, "picture");
      if (isIntersecting) this.#seen.add(target);
      else this.#seen.delete(target);
      if (isIntersecting) this.#sizes.observe(canvas);
      else this.#sizes.unobserve(canvas);
    }
    this.#askSoon();
  }

  #askSoon() {
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => {
      const isWanted = this.#isOn && document.visibilityState === "visible";
      const tiles = isWanted ? [...this.#seen] : [];
      const learners = tiles.map((tile) => tile.dataset.learner ?? "").sort();
      if (learners.join(" ") === this.#asked) return;
      this.#asked = learners.join(" ");
      this.#look(learners);
    }, SETTLE_MS);
  }

  #dress() {
    this.#paint.forget();
    for (const tile of this.#seen) this.#of(tile)?.draw();
  }
}
