/** What is open stays true: the server tells what is new, to whoever can see it. */

/** @typedef {import("./socket.js").Room} Room */

export class Live {
  #look;
  #everyMs;
  #timer = 0;
  #isLooking = false;
  #isFollowing = false;

  /**
   * Set by the page: whether the server tells what is new from now on.
   * @type {(isOn: boolean) => Promise<boolean>}
   */
  follows = () => Promise.resolve(false);

  /**
   * @param {() => Promise<unknown>} look never asked for while it is still at it
   * @param {number} everyMs how often it looks by itself while the server tells nothing
   */
  constructor(look, everyMs) {
    this.#look = look;
    this.#everyMs = everyMs;
  }

  /**
   * Begins with a look.
   * @param {HTMLDetailsElement} details
   */
  follow(details) {
    window.clearInterval(this.#timer);
    this.#timer = window.setInterval(() => {
      const isSeen = details.open && document.visibilityState === "visible";
      if (!isSeen) this.#leave();
      else if (!this.#isFollowing) this.#once();
      if (!details.open) this.stop();
    }, this.#everyMs);
    this.#once();
  }

  /** Looks now, whatever the server tells. */
  look() {
    if (this.#timer) this.#once();
  }

  /** The connection is gone, and with it what the server knew of this page. */
  lose() {
    this.#isFollowing = false;
  }

  stop() {
    window.clearInterval(this.#timer);
    this.#timer = 0;
    this.#leave();
  }

  #leave() {
    if (this.#isFollowing) this.follows(false).catch(() => {});
    this.#isFollowing = false;
  }

  async #once() {
    if (this.#isLooking) return;
    this.#isLooking = true;
    try {
      await this.#look();
      if (!this.#isFollowing) this.#isFollowing = await this.follows(true);
      if (!this.#timer) this.#leave(); // closed meanwhile
    } finally {
      this.#isLooking = false;
    }
  }
}

/**
 * An open card is told what is new; whoever may not follow looks by itself.
 * @template {{follows: (isOn: boolean) => Promise<boolean>, lose: () => void}} Card
 * @param {Room} room
 * @param {"processes" | "plan"} card
 * @param {Card[]} elements the card, once or more often on this page
 * @param {(element: Card, fact: any) => void} hear
 */
export function wireCard(room, card, elements, hear) {
  const open = new Set();
  for (const element of elements) {
    element.follows = (isOn) => {
      if (isOn) open.add(element);
      else open.delete(element);
      return room.ask("follow", { card, on: open.size > 0 }).then(
        () => isOn,
        () => {
          open.delete(element);
          return false;
        },
      );
    };
    room.on(card, (fact) => hear(element, fact));
  }
  room.on("disconnect", () => {
    open.clear();
    for (const element of elements) element.lose();
  });
}
