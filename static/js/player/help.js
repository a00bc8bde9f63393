/** What is between a learner and whoever teaches: the hand. */

import { SlipHand } from "../elements/slip-hand.js";

/** @param {import("../lib/socket.js").Room} room */
export function wireHelp(room) {
  const hand = document.querySelector("slip-hand"); // a workshop that is over has none
  if (hand instanceof SlipHand) hand.ask = (up, note) => room.ask("hand", { up, note });
  /** @param {number} place */
  const show = (place) => {
    if (hand instanceof SlipHand) hand.place = place;
  };
  room.on("hand", ({ place }) => show(place));
  return {
    show,
    toggle: () => {
      if (hand instanceof SlipHand) hand.toggle();
    },
  };
}
