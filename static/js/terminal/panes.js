/** Which terminals are seen: one, or two above each other or side by side. Nothing here touches the page. */

/** @typedef {"one" | "rows" | "columns"} Way */

export class Panes {
  /** @type {Way} */
  way = "one";
  /** @type {string[]} the terminals that are seen, in order */
  seen = [];
  chosen = "";

  /**
   * Brings a terminal to the front: where it is seen already, or in the place of the one that was chosen.
   * @param {string} name
   */
  choose(name) {
    if (!this.seen.includes(name)) {
      const at = Math.max(0, this.seen.indexOf(this.chosen));
      this.seen.splice(at, 1, name);
    }
    this.chosen = name;
  }

  /**
   * Shows two; the same way again goes back to one.
   * @param {"rows" | "columns"} way
   * @param {string[]} names all terminals there are
   * @returns {boolean} false when there is no second one to show
   */
  split(way, names) {
    if (this.way === way) {
      this.way = "one";
      this.seen = [this.chosen];
      return true;
    }
    const second = this.seen[1] ?? names.find((name) => name !== this.chosen);
    if (second === undefined) return false;
    this.seen = this.seen.length > 1 ? this.seen : [this.chosen, second];
    this.way = way;
    return true;
  }

  /**
   * A terminal is gone; the next one takes its place.
   * @param {string} name
   * @param {string[]} left the others
   */
  remove(name, left) {
    const others = left.filter((each) => !this.seen.includes(each));
    this.seen = this.seen
      .map((each) => (each === name ? others.shift() : each))
      .filter((each) => each !== undefined);
    if (this.seen.length < 2) this.way = "one";
    if (this.chosen === name) this.chosen = this.seen[0] ?? "";
  }
}
