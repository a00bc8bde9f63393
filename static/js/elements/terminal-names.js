/** What a learner called the terminals of their lab; kept by this browser. */

const KEY = "slip-terminal-names";

export class Names {
  static MOST = 24;

  #lab = "";
  /** @type {Record<string, string>} */
  #names = {};

  /** Another lab has terminals of its own. @param {string} lab */
  begin(lab) {
    this.#lab = lab;
    this.#names = read(lab);
  }

  /** @param {string} name of a terminal */
  of(name) {
    return this.#names[name] ?? "";
  }

  /**
   * @param {string} name
   * @param {string} given empty: its number again
   */
  give(name, given) {
    this.#names[name] = given.slice(0, Names.MOST);
    localStorage.setItem(KEY, JSON.stringify({ lab: this.#lab, names: this.#names }));
  }

  /** @param {string} name */
  forget(name) {
    this.give(name, "");
  }
}

/** @param {string} lab @returns {Record<string, string>} */
function read(lab) {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    return kept.lab === lab ? Object(kept.names) : {};
  } catch {
    return {};
  }
}
