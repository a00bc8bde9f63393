/** What is between a learner and whoever teaches: the hand, who watches, who may type. */

import { SlipHand } from "../elements/slip-hand.js";
import { SlipLend } from "../elements/slip-lend.js";
import { one } from "../lib/dom.js";
import { say } from "../lib/say.js";

/**
 * @typedef {{hand: number, watchers: string[], keyboard: import("../elements/slip-lend.js").Keyboard}} Standing
 */

/** @param {import("../lib/socket.js").Room} room */
export function wireHelp(room) {
  const hand = document.querySelector("slip-hand"); // a workshop that is over has none
  const lend = one("slip-lend", SlipLend);
  if (hand instanceof SlipHand) hand.ask = (up, note) => room.ask("hand", { up, note });
  lend.answer = (yes) => room.tell("lend", { yes });
  /** @param {number} place */
  const place = (place) => {
    if (hand instanceof SlipHand) hand.place = place;
  };
  room.on("hand", (fact) => place(fact.place));
  room.on("watch", ({ names }) => showWatchers(names));
  room.on("keyboard", (keyboard) => lend.show(keyboard));
  return {
    /** @param {Standing} standing */
    show(standing) {
      place(standing.hand);
      showWatchers(standing.watchers);
      lend.show(standing.keyboard);
    },
    toggle() {
      if (hand instanceof SlipHand) hand.toggle();
    },
  };
}

/** @param {string[]} names */
function showWatchers(names) {
  const tag = one("[data-watched]", HTMLElement);
  const words = names.length
    ? `${names.join(", ")} ${names.length > 1 ? "are" : "is"} watching`
    : "";
  const place = tag.querySelector("[data-names]");
  if (words && place?.textContent !== words) say(`${words}.`);
  place?.replaceChildren(words);
  tag.title = words;
  tag.hidden = !words;
}
