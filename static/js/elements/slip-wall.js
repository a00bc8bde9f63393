/** The wall: a tile for each learner. Tiles keep their place for a while, and under the pointer. */

import { say } from "../lib/say.js";
import { counts, FILTERS, fits, inOrder, isNeedy, nobody, taken } from "../wall/order.js";
import { neighbour } from "../wall/places.js";
import { WallPictures } from "./wall-pictures.js";
import { fillTile, part, sayTime } from "./wall-tile.js";

/** @typedef {import("../wall/order.js").Learner} Learner */

const STAY_MS = 5000; // after a change a tile stays where it is
const HELD_MS = 15_000; // so long after the last movement nobody holds the wall any more
const TICK_MS = 5000;
const FILLED_MOST = 40; // tiles before one frame, so that a whole class holds up no key
const MOVED_MOST = 25;

export class SlipWall extends HTMLElement {
  /** @type {Map<string, Learner>} */
  #learners = new Map();
  /** @type {Map<string, HTMLElement>} */
  #tileOf = new Map();
  /** Whose tile doesn't say yet what is known of them. @type {Set<string>} */
  #changed = new Set();
  #isOrdering = false;
  #timer = 0;
  #frame = 0;
  #orderTimer = 0;
  #heldAt = 0;
  #filter = "all";
  #pictures = new WallPictures((learners) =>
    this.dispatchEvent(new CustomEvent("slip-look", { detail: learners })),
  );

  connectedCallback() {
    const asked = new URL(location.href).searchParams;
    const filter = asked.get("show") ?? "all";
    this.#filter = FILTERS.includes(filter) ? filter : "all";
    this.#find.value = asked.get("find") ?? "";
    this.#part("tools").hidden = false;
    for (const tile of this.#tiles) this.#add(tile);
    this.#switch(asked.get("screens") !== "off");
    for (const name of ["pointermove", "keydown"]) this.addEventListener(name, this.#hold);
    this.addEventListener("click", this.#click);
    this.addEventListener("input", this.#show);
    this.addEventListener("keydown", this.#key);
    this.addEventListener("focusin", this.#rove);
    this.#timer = window.setInterval(() => this.#tick(), TICK_MS);
  }

  disconnectedCallback() {
    clearInterval(this.#timer);
    cancelAnimationFrame(this.#frame);
    clearTimeout(this.#orderTimer);
  }

  /** Everyone. */
  get learners() {
    return [...this.#learners.values()];
  }

  /** One, as they were told of last. @param {string} learner */
  find(learner) {
    return this.#learners.get(learner);
  }

  /** How many places of the class are taken. */
  get taken() {
    return taken(this.#learners.values());
  }

  /** Whom it shows now, as public names. */
  get shown() {
    return this.#tiles.filter((tile) => !tile.hidden).map((tile) => tile.dataset.learner ?? "");
  }

  /** Whether nobody is filtered away. */
  get showsAll() {
    return this.#filter === "all" && !this.#find.value.trim();
  }

  /** Everyone, as the page begins or comes back. @param {Learner[]} learners */
  begin(learners) {
    const here = new Set(learners.map((each) => each.learner));
    for (const learner of [...this.#tileOf.keys()]) if (!here.has(learner)) this.#drop(learner);
    for (const learner of learners) this.#note(learner);
    this.#orderSoon();
    this.#pictures.askAgain();
  }

  /** One learner, as they are now. @param {Learner} learner */
  change(learner) {
    const before = this.#learners.get(learner.learner)?.state;
    this.#note(learner);
    if (learner.state === "hand" && before !== "hand") say(`${learner.name} raised a hand.`);
    this.#orderTimer ||= window.setTimeout(() => this.#orderSoon(), STAY_MS);
  }

  /** All that was kept of one learner was deleted. @param {string} learner */
  leave(learner) {
    this.#drop(learner);
    this.#goOn();
  }

  /** What changed of one learner's picture. @param {import("../wall/runs.js").ScreenFact} fact */
  picture(fact) {
    const tile = this.#tileOf.get(fact.learner);
    if (tile) this.#pictures.take(tile, fact);
  }

  /** Screens, or names only. */
  toggleScreens() {
    this.#switch(this.#part("screens").getAttribute("aria-pressed") !== "true");
  }

  /** Shows those of one kind. @param {string} filter */
  choose(filter) {
    this.#filter = filter;
    this.#show();
  }

  /** Puts the keyboard on the next who needs somebody, or the one before. @param {1 | -1} way */
  go(way) {
    const needy = this.#tiles.filter((tile) => tile.closest("[data-needy]") && !tile.hidden);
    const now = needy.findIndex((tile) => tile.contains(document.activeElement));
    const next = now < 0 && way < 0 ? needy.length - 1 : now + way;
    const tile = needy[(next + needy.length) % needy.length];
    if (tile) linkOf(tile).focus();
    else say("Nobody needs you.");
  }

  /** Puts the keyboard into the field that finds a name. */
  search() {
    this.#find.focus();
  }

  /** @param {Learner} learner */
  #note(learner) {
    this.#learners.set(learner.learner, learner);
    this.#changed.add(learner.learner);
    this.#goOn();
  }

  /** @param {Learner} learner */
  #fill(learner) {
    const known = this.#tileOf.get(learner.learner);
    const blank = this.querySelector("template[data-tile]");
    if (!(blank instanceof HTMLTemplateElement)) return;
    const tile = known ?? document.importNode(blank.content, true).querySelector("li");
    if (!(tile instanceof HTMLElement)) return;
    fillTile(tile, learner);
    if (known) return;
    this.#list("others").append(tile);
    this.#add(tile);
  }

  /** The keyboard goes on from the tile beside it. @param {string} learner */
  #drop(learner) {
    const tile = this.#tileOf.get(learner);
    for (const each of [this.#learners, this.#tileOf, this.#changed]) each.delete(learner);
    if (!tile) return;
    const beside = tile.nextElementSibling ?? tile.previousElementSibling;
    if (tile.contains(document.activeElement) && isElement(beside)) linkOf(beside).focus();
    this.#pictures.remove(tile);
    tile.remove();
  }

  /** @param {HTMLElement} tile */
  #add(tile) {
    this.#tileOf.set(tile.dataset.learner ?? "", tile);
    this.#pictures.add(tile);
  }

  /** @param {boolean} hasScreens */
  #switch(hasScreens) {
    this.dataset.pictures = hasScreens ? "on" : "off";
    this.#part("screens").setAttribute("aria-pressed", String(hasScreens));
    this.#pictures.switch(hasScreens);
    remember({ screens: hasScreens ? "" : "off" });
  }

  /** All of them, in the order in which they lie. */
  get #tiles() {
    return [...this.querySelectorAll("li[data-learner]")].filter(isElement);
  }

  get #find() {
    const found = this.#part("find");
    if (found instanceof HTMLInputElement) return found;
    throw new Error("the wall has no field to find a name");
  }

  /** @param {HTMLElement} tile */
  #of(tile) {
    return this.#learners.get(tile.dataset.learner ?? "");
  }

  /**
   * A whole class may change in one turn of the server: some tiles before each frame, then their
   * order, then once what is said of all of them.
   */
  #goOn() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#turn();
    });
  }

  #turn() {
    for (const name of [...this.#changed].slice(0, FILLED_MOST)) {
      this.#changed.delete(name);
      const learner = this.#learners.get(name);
      if (learner) this.#fill(learner);
    }
    if (!this.#changed.size && this.#isOrdering) this.#isOrdering = this.#order();
    if (this.#changed.size || this.#isOrdering) this.#goOn();
    else this.#show();
  }

  /** Counts, the filter, the sums; all that is seen at once. Tiles stay where they are. */
  #show = () => {
    const all = counts(this.#learners.values());
    for (const chip of this.querySelectorAll("[data-filter]")) {
      if (!isElement(chip)) continue;
      const { filter = "" } = chip.dataset;
      chip.setAttribute("aria-pressed", String(filter === this.#filter));
      part(chip, "count").textContent = String(all[filter]);
    }
    const find = this.#find.value;
    for (const tile of this.#tiles) {
      const learner = this.#of(tile);
      tile.hidden = learner !== undefined && !fits(learner, this.#filter, find);
    }
    this.#keepReachable();
    const isEmpty = this.#learners.size > 0 && this.#tiles.every((tile) => tile.hidden);
    this.#part("none").hidden = !isEmpty;
    this.#part("none").textContent = isEmpty ? nobody(this.#filter, find) : "";
    this.#sum("needy", "hands first, then longest waiting");
    this.#sum("others", "furthest behind first");
    remember({ show: this.#filter === "all" ? "" : this.#filter, find });
    this.dispatchEvent(new CustomEvent("slip-wall", { bubbles: true }));
  };

  /** @param {"needy" | "others"} section @param {string} order */
  #sum(section, order) {
    const place = this.#part(section);
    const shown = [...this.#list(section).children].filter(
      (tile) => isElement(tile) && !tile.hidden,
    );
    place.hidden = !shown.length;
    part(place, "sum").textContent = `${shown.length} · ${order}`;
  }

  /** Whether somebody points at a tile, or goes through them by keyboard, just now. */
  get #isHeld() {
    const isHere = this.querySelector("li:hover, li:focus-within") !== null;
    return isHere && Date.now() - this.#heldAt < HELD_MS;
  }

  #hold = () => {
    this.#heldAt = Date.now();
  };

  #orderSoon() {
    this.#orderTimer = 0;
    this.#isOrdering = true;
    this.#goOn();
  }

  /** Moves some tiles to where they belong, unless somebody holds them; whether there are more. */
  #order() {
    if (this.#isHeld) {
      this.#orderTimer ||= window.setTimeout(() => this.#orderSoon(), 1000);
      return false;
    }
    const focused = document.activeElement;
    const learners = inOrder(this.#learners.values());
    const others = learners.filter((each) => !isNeedy(each));
    const left = this.#lay("others", others, this.#lay("needy", learners.filter(isNeedy)));
    if (isElement(focused) && this.contains(focused)) focused.focus({ preventScroll: true });
    return left <= 0;
  }

  /**
   * @param {"needy" | "others"} section
   * @param {Learner[]} learners
   * @param {number} most so many tiles may move
   * @returns {number} how many more may
   */
  #lay(section, learners, most = MOVED_MOST) {
    const list = this.#list(section);
    let left = most;
    for (const [at, { learner }] of learners.entries()) {
      const tile = this.#tileOf.get(learner);
      if (!tile || list.children[at] === tile) continue;
      if (left <= 0) return left;
      list.insertBefore(tile, list.children[at] ?? null);
      left -= 1;
    }
    return left;
  }

  #tick() {
    for (const tile of this.#tiles) {
      const learner = this.#of(tile);
      if (learner) sayTime(tile, learner);
    }
  }

  /** @param {MouseEvent} event */
  #click = ({ target }) => {
    const chip = target instanceof Element && target.closest("[data-filter]");
    if (isElement(chip)) this.choose(chip.dataset.filter ?? "all");
    if (target instanceof Element && target.closest("[data-tools] [data-screens]"))
      this.toggleScreens();
  };

  /** One tile can be reached by Tab, arrows go to the others. @param {FocusEvent} event */
  #rove = ({ target }) => {
    const tile = target instanceof Element && target.closest("li[data-learner]");
    if (!tile) return;
    for (const each of this.#tiles) linkOf(each).tabIndex = each === tile ? 0 : -1;
  };

  /** The tile that Tab reaches may have been filtered away, or be gone. */
  #keepReachable() {
    const shown = this.#tiles.filter((tile) => !tile.hidden);
    const first = shown[0];
    if (first && !shown.some((tile) => linkOf(tile).tabIndex === 0)) linkOf(first).tabIndex = 0;
  }

  /** @param {KeyboardEvent} event */
  #key = (event) => {
    const tile = event.target instanceof Element && event.target.closest("li[data-learner]");
    if (!isElement(tile)) return;
    const tiles = this.#tiles.filter((each) => !each.hidden);
    const boxes = tiles.map((each) => each.getBoundingClientRect());
    const next = tiles[neighbour(boxes, tiles.indexOf(tile), event.key)];
    if (!next || next === tile) return;
    event.preventDefault();
    linkOf(next).focus();
  };

  /** @param {"needy" | "others"} section */
  #list(section) {
    const found = this.#part(section).querySelector("ul");
    if (found) return found;
    throw new Error(`the wall has no list ${section}`);
  }

  /** @param {string} name */
  #part(name) {
    return part(this, name);
  }
}

/** @param {unknown} thing @returns {thing is HTMLElement} */
function isElement(thing) {
  return thing instanceof HTMLElement;
}

/** @param {HTMLElement} tile */
function linkOf(tile) {
  return part(tile, "link");
}

/** The wall's filter lives in the address, so that a reload and a bookmark keep it. @param {Record<string, string>} what */
function remember(what) {
  const url = new URL(location.href);
  for (const [name, value] of Object.entries(what)) {
    if (value) url.searchParams.set(name, value);
    else url.searchParams.delete(name);
  }
  if (url.href !== location.href) history.replaceState(null, "", url);
}

customElements.define("slip-wall", SlipWall);
