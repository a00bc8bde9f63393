/** The learner's lab on the page: its state, its terminals, its figures and its time. */

import { SlipCountdown } from "../elements/slip-countdown.js";
import { SlipLab, SlipMeters } from "../elements/slip-lab.js";
import { SlipTabs } from "../elements/slip-tabs.js";
import { SlipTerminal } from "../elements/slip-terminal.js";
import "../elements/slip-splitter.js";
import { one } from "../lib/dom.js";
import { say } from "../lib/say.js";

/**
 * @typedef {import("../lib/socket.js").Room} Room
 * @typedef {import("../elements/slip-lab.js").LabFact} LabFact
 */

const AWAY = "runtime-away";
const IDLE = "limit-idle";
const PAUSED = "paused";
const STILL = "Nothing is lost; programs stand still until it goes on.";
/** @type {Record<string, string>} what the pane that isn't shown says of it */
const BADGES = {
  waiting: "in line",
  ended: "ended",
  away: "away",
  reconnecting: "reconnecting",
  lost: "away",
};
const UNREACHED =
  "There is no live connection to Slipway. It tries again by itself; your lab runs on.";

/** @param {Room} room */
export function wireLab(room) {
  const state = one("slip-lab", SlipLab);
  const terminal = one("slip-terminal[data-side=container]", SlipTerminal);
  const meters = one("slip-meters", SlipMeters);
  const tabs = one("slip-tabs", SlipTabs);
  const clock = one("slip-countdown", SlipCountdown);
  let isPaused = false;
  terminal.querySelector("[data-slot=meters]")?.append(meters);

  room.on("lab", (fact) => {
    showLab(/** @type {LabFact} */ (fact), state, terminal);
    const badge = BADGES[/** @type {LabFact} */ (fact).state];
    if (badge) tabs.note("terminal", badge);
  });
  room.on("connect_error", () => {
    if (!terminal.dataset.lab) state.show({ state: "away", sentence: UNREACHED });
  });
  room.on("usage", (usage) => meters.show(usage));
  /** @param {{until: number, paused: number | null, by: string}} time */
  const keepTime = ({ until, paused, by }) => {
    clock.until = until;
    clock.paused = paused;
    if (paused) {
      terminal.note({
        id: PAUSED,
        tone: "warn",
        icon: "waiting",
        strong: `Paused by ${by}.`,
        text: STILL,
      });
      if (!isPaused) say(`Paused by ${by}. ${STILL}`);
    } else {
      terminal.clearNote(PAUSED);
      if (isPaused) say("It goes on.");
    }
    isPaused = Boolean(paused);
  };
  room.on("clock", keepTime);
  /** @type {Map<string, number>} how often each was met while this page is open */
  const met = new Map();
  room.on("limit", ({ limit, sentence: said }) => {
    const sentence = said.replaceAll("`", ""); // a note has no code
    const times = (met.get(limit) ?? 0) + 1;
    met.set(limit, times);
    const text = times > 1 ? `${times}\u00a0times.` : "";
    const href = state.dataset.why;
    terminal.note({
      id: `limit-${limit}`,
      tone: "bad",
      icon: "limit",
      strong: sentence,
      text,
      href,
    });
    say(sentence);
  });
  // Any key keeps an unused container, so from then on the note isn't true.
  const keep = () => terminal.clearNote(IDLE);
  terminal.addEventListener("keydown", keep, { capture: true });
  terminal.addEventListener("input", keep, { capture: true });
  room.on("ended", ({ sentence }) => {
    clock.until = 0;
    state.close(sentence);
    terminal.finish();
    tabs.note("terminal", "ended");
    say(sentence, { urgent: true });
  });

  let wasAway = false;
  terminal.addEventListener("slip-connection", (event) => {
    const badge = BADGES[/** @type {CustomEvent} */ (event).detail.state];
    if (badge || wasAway) tabs.note("terminal", badge ?? "");
    wasAway = Boolean(badge);
  });
  terminal.addEventListener("slip-activity", () => tabs.note("terminal", "new output"));
  terminal.addEventListener("slip-terminal-open", (event) => {
    const { detail } = /** @type {CustomEvent} */ (event);
    detail.done(room.ask("terminal", { do: "open", name: detail.name ?? null }));
  });
  terminal.addEventListener("slip-terminal-close", (event) => {
    const { detail } = /** @type {CustomEvent} */ (event);
    detail.done(room.ask("terminal", { do: "close", name: detail.name }));
  });
  terminal.addEventListener("slip-terminal-call", (event) => {
    const { detail } = /** @type {CustomEvent} */ (event);
    detail.done(room.ask("terminal", { do: "call", name: detail.name, called: detail.called }));
  });

  return {
    clock,
    keepTime,
    tabs,
    terminal,
    /**
     * Types a command into the chosen terminal, and shows it.
     * @param {string} text
     * @param {{force: boolean}} how
     */
    async run(text, how) {
      if (state.dataset.state !== "ready") {
        say("There is no terminal yet.");
        return false;
      }
      if (tabs.isInUse) tabs.show("terminal");
      const ran = await terminal.run(text, how);
      if (ran) terminal.focus();
      return ran;
    },
  };
}

/**
 * @param {LabFact} fact
 * @param {SlipLab} state
 * @param {SlipTerminal} terminal
 */
function showLab(fact, state, terminal) {
  const hasLab = Boolean(terminal.dataset.lab);
  if (fact.state === "away" && hasLab) {
    // As long as fits the row that is kept for it: a second line would change the terminal's size.
    const strong = "Your container is still running.";
    const text = "The server’s part for labs is away; checks wait until it is back.";
    terminal.note({ id: AWAY, tone: "warn", icon: "away", strong, text });
    return;
  }
  terminal.clearNote(AWAY);
  state.show(fact);
  if (fact.state !== "ready" || !fact.lab) return;
  terminal.dataset.terminals = fact.terminals.join(" ");
  terminal.dataset.names = JSON.stringify(fact.names);
  if (terminal.dataset.lab === fact.lab) terminal.agree();
  else terminal.dataset.lab = fact.lab;
}
