/** What is between a learner and whoever teaches: hand, messages, who watches, who may type. */

import { SlipHand } from "../elements/slip-hand.js";
import { SlipLend } from "../elements/slip-lend.js";
import { SlipMessages } from "../elements/slip-messages.js";
import { one } from "../lib/dom.js";
import { say } from "../lib/say.js";

/**
 * @typedef {{hand: number, watchers: string[], keyboard: import("../elements/slip-lend.js").Keyboard,
 *   messages: import("../elements/slip-messages.js").Message[]}} Standing
 * @typedef {ReturnType<typeof import("./lab.js").wireLab>} Lab
 */

/**
 * @param {import("../lib/socket.js").Room} room
 * @param {Lab} lab
 * @param {(command: import("../elements/slip-command.js").SlipCommand) => void} wireCommand
 */
export function wireHelp(room, lab, wireCommand) {
  const hand = document.querySelector("slip-hand"); // a workshop that is over has none
  const lend = one("slip-lend", SlipLend);
  if (hand instanceof SlipHand) hand.ask = (up, note) => room.ask("hand", { up, note });
  lend.answer = (yes) => room.tell("lend", { yes });
  const messages = wireMessages(room, lab, wireCommand);
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
      messages.begin(standing.messages);
    },
    toggle() {
      if (hand instanceof SlipHand) hand.toggle();
    },
  };
}

/**
 * @param {import("../lib/socket.js").Room} room
 * @param {Lab} lab
 * @param {(command: import("../elements/slip-command.js").SlipCommand) => void} wireCommand
 */
function wireMessages(room, { terminal }, wireCommand) {
  const messages = one("slip-messages", SlipMessages);
  /** @type {Map<string, string>} which message's command runs, by terminal */
  const running = new Map();
  messages.read = (message) => room.tell("close", { message });
  messages.wire = (command, message) => {
    wireCommand(command);
    command.press = () => {
      const teller = command.teller();
      if (teller) running.set(teller, message);
      else room.tell("ran", { message, code: null });
    };
  };
  terminal.addEventListener("slip-finished", (event) => {
    const { name, code } = /** @type {CustomEvent} */ (event).detail;
    const message = running.get(name);
    if (message !== undefined) room.tell("ran", { message, code });
    running.delete(name);
  });
  room.on("message", (message) => messages.show(message));
  return messages;
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
