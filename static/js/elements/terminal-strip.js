/** What stands under a terminal: one reserved row for notes, and the strip that says how the connection is. */

import { drawing } from "../lib/dom.js";
import { LOST_MS } from "../terminal/link.js";

/**
 * @typedef {{id: string, tone: "info" | "warn" | "bad" | "ok", icon?: string, strong: string, text?: string,
 *   href?: string, more?: string}} Note
 */

/** @typedef {"connecting" | "connected" | "slow" | "slower" | "ended" | "over"} Word */

/** @type {Record<Word, [string, string]>} */
const WORDS = {
  connecting: ["working", "Connecting"],
  connected: ["good", "Connected"],
  slow: ["look", "Connected, slow"],
  slower: ["look", "Connected, slower"],
  ended: ["idle", "Ended"],
  over: ["finished", "Time is up"],
};
/** @type {Note} */
const SLOWER = {
  id: "slower",
  tone: "warn",
  icon: "look",
  strong: "This network lets no websocket through.",
  text: "The terminal takes another way, where each key takes longer. Nothing is lost.",
  href: "/network",
  more: "Why?",
};

export class TerminalStrip {
  /** @type {Map<string, Note>} */
  #notes = new Map();
  /** @type {import("../terminal/link.js").Standing | null} */
  #standing = null;
  #hasShell = true;
  /** @type {number | null} */
  #slowMs = null;
  #isOver = false;
  #saidSlower = false;

  /**
   * @param {() => void} tryNow
   * @param {() => void} goOn takes the keyboard back from that button once it is not needed
   */
  constructor(tryNow, goOn) {
    this.#goOn = goOn;
    this.notes = document.createElement("div");
    this.notes.className = "term-note";
    this.element = document.createElement("div");
    this.element.className = "term-strip";
    this.#status = document.createElement("span");
    this.#status.className = "term-strip__status";
    this.#button = button("button button--link", "Try now", tryNow);
    this.#button.hidden = true;
    const meters = document.createElement("span");
    meters.className = "term-strip__meters";
    meters.dataset.slot = "meters";
    const leave = document.createElement("span");
    leave.className = "term-strip__leave";
    const key = document.createElement("kbd");
    key.textContent = "Ctrl Shift L";
    leave.append(key, " leaves");
    this.element.append(this.#status, this.#button, meters, leave);
  }

  #goOn;
  #status;
  #button;

  /** @param {import("./terminal-screen.js").TerminalScreen} screen the chosen one */
  show({ standing, hasShell, slowMs }) {
    this.#standing = standing;
    this.#hasShell = hasShell;
    this.#slowMs = slowMs;
    if (standing.isSlower && !this.#saidSlower) {
      this.#saidSlower = true;
      this.note(SLOWER);
    }
    this.tick();
  }

  /** The workshop is over. */
  finish() {
    this.#isOver = true;
    this.tick();
  }

  /** Once a second: seconds away, seconds to the next try. */
  tick() {
    const standing = this.#standing;
    if (!standing) return;
    const { state } = standing;
    this.element.dataset.state = state;
    const isAway = state === "reconnecting" || state === "lost";
    if (!isAway && document.activeElement === this.#button) {
      this.#button.blur(); // nobody is led back to a button that is hidden
      this.#goOn();
    }
    this.#button.hidden = !isAway;
    if (isAway) {
      this.#showAway(standing);
      return;
    }
    const [shape, word] = WORDS[this.#word(state)];
    const delay = this.#slowMs === null ? "" : `, ${this.#slowMs}\u00a0ms a key`;
    this.#say(shape, word + delay);
    this.clear("away");
  }

  /**
   * @param {"connecting" | "connected" | "ended"} state
   * @returns {Word}
   */
  #word(state) {
    if (this.#isOver) return "over";
    if (state !== "connected") return state;
    if (!this.#hasShell) return "ended";
    if (this.#standing?.isSlower) return "slower";
    return this.#slowMs === null ? "connected" : "slow";
  }

  /** @param {import("../terminal/link.js").Standing} standing */
  #showAway({ awaySince, tries, nextAt }) {
    const now = Date.now();
    const away = Math.max(1, Math.round((now - awaySince) / 1000));
    if (now - awaySince >= LOST_MS) {
      const minutes = Math.floor(away / 60);
      const strong = `No connection for ${minutes}\u00a0min. Your lab runs on.`;
      this.#say("away", strong);
      this.note({
        id: "away",
        tone: "bad",
        icon: "unplug",
        strong,
        text: "Check your network, then Try now.",
      });
      return;
    }
    const next = Math.ceil((nextAt - now) / 1000);
    const when = next > 0 ? ` · next in ${next}\u00a0s` : "";
    this.#say("waiting", `Reconnecting, try ${tries}${when}`);
    this.note({
      id: "away",
      tone: "info",
      icon: "unplug",
      strong: "Your container is still running.",
      text: `The page lost the server ${away}\u00a0second${away === 1 ? "" : "s"} ago. Typing is paused until it is back.`,
    });
  }

  /**
   * @param {string} shape
   * @param {string} word
   */
  #say(shape, word) {
    if (this.#status.textContent === word) return;
    this.#status.replaceChildren(drawing(`[data-shape=${shape}]`), word);
  }

  /**
   * Shows a note; the newest of several, with the others counted.
   * @param {Note} note
   */
  note(note) {
    this.#notes.delete(note.id);
    this.#notes.set(note.id, note);
    this.#draw();
  }

  /** @param {string} id */
  clear(id) {
    if (this.#notes.delete(id)) this.#draw();
  }

  #draw() {
    const note = [...this.#notes.values()].at(-1);
    this.notes.replaceChildren();
    delete this.notes.dataset.tone;
    if (!note) return;
    this.notes.dataset.tone = note.tone;
    const strong = document.createElement("strong");
    strong.textContent = note.strong;
    const text = document.createElement("span");
    text.className = "term-note__text";
    text.append(strong, ` ${note.text ?? ""}`);
    if (note.href) {
      const more = document.createElement("a");
      more.href = note.href;
      more.textContent = note.more ?? "Why this happens";
      text.append(" ", more);
    }
    const icon = note.icon ?? "";
    this.notes.append(drawing(`[data-shape="${icon}"], [data-icon="${icon}"]`), text);
    if (this.#notes.size > 1) this.notes.append(count(this.#notes.size - 1));
    if (note.id !== "away") this.notes.append(this.#closer(note.id));
  }

  /** @param {string} id */
  #closer(id) {
    const close = button("button button--quiet button--icon button--dense", "", () =>
      this.clear(id),
    );
    close.setAttribute("aria-label", "Close this note");
    close.append(drawing("[data-icon=x]"));
    return close;
  }
}

/** @param {number} others */
function count(others) {
  const more = document.createElement("span");
  more.className = "term-note__more";
  more.textContent = `${others} more`;
  return more;
}

/**
 * @param {string} className
 * @param {string} label
 * @param {() => void} deed
 */
export function button(className, label, deed) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = className;
  made.textContent = label;
  made.addEventListener("click", deed);
  return made;
}
