/** The terminals of one lab: tabs, the chosen screen, notes, the strip, and keys for touch. */

import { drawing } from "../lib/dom.js";
import { say } from "../lib/say.js";
import { Room } from "../lib/socket.js";
import { Held } from "../terminal/keys.js";
import { ask } from "./terminal-ask.js";
import { keyBar, showHeld } from "./terminal-keybar.js";
import { fontReady } from "./terminal-look.js";
import { TerminalScreen } from "./terminal-screen.js";
import { button, TerminalStrip } from "./terminal-strip.js";
import { TerminalTabs } from "./terminal-tabs.js";

const TERMINALS_MOST = 4;
const BACK_MS = 8000;
const FONT = { key: "slip-terminal-font", least: 10, usual: 13, most: 24 };
const READER = "slip-screen-reader";
const GONE = {
  lab: "This container has ended.",
  until: "The time of this workshop is over.",
  withdrawn: "This terminal was taken away.",
};
/** @type {Record<string, string>} */
const SPOKEN = {
  reconnecting: "Reconnecting. Your container is still running; typing is paused.",
  lost: "No connection for 2 minutes. Your lab runs on.",
};
/** Keys that the browser keeps for itself, so a menu sends them. */
const TAKEN_KEYS = ["W", "T", "N", "Q"];

export class SlipTerminal extends HTMLElement {
  static observedAttributes = ["data-lab"];

  /** @type {Map<string, TerminalScreen>} */
  #screens = new Map();
  #chosen = "";
  #held = new Held();
  /** @type {Room | null} */
  #room = null;
  #place = document.createElement("div");
  #strip = new TerminalStrip(() => this.#chosenScreen?.tryNow());
  #tabs = new TerminalTabs({
    choose: (name) => this.#choose(name),
    open: () => this.#openAnother(),
    close: (name) => this.#closeOne(name),
  });
  #bar = keyBar(
    this.#held,
    () => this.#chosenScreen,
    () => this.#pasteFromClipboard(),
  );
  #timer = 0;
  #spoken = "";
  #ending = new AbortController();

  connectedCallback() {
    this.classList.add("slip-terminal");
    this.#place.className = "slip-terminal__place";
    this.#tabs.element.append(this.#tools());
    this.append(this.#tabs.element, this.#place, this.#strip.notes, this.#strip.element, this.#bar);
    this.#ending = new AbortController();
    const { signal } = this.#ending;
    this.#timer = window.setInterval(() => this.#strip.tick(), 1000);
    document.addEventListener("slip-theme", () => this.#dress(), { signal });
    for (const query of ["(prefers-color-scheme: dark)", "(forced-colors: active)"]) {
      matchMedia(query).addEventListener("change", () => this.#dress(), { signal });
    }
    document.addEventListener("slip-dropped", () => this.#chosenScreen?.fit(), { signal });
    addEventListener("online", () => this.#each((screen) => screen.tryNow()), { signal });
    addEventListener("offline", () => this.#each((screen) => screen.drop()), { signal });
    document.addEventListener("visibilitychange", () => this.#wake(), { signal });
  }

  disconnectedCallback() {
    clearInterval(this.#timer);
    this.#ending.abort();
    this.#each((screen) => screen.close());
    this.#screens.clear();
  }

  /** @param {string} _name @param {string | null} before @param {string | null} now */
  attributeChangedCallback(_name, before, now) {
    if (now && now !== before) this.#start(now);
  }

  /** The lab changed: other terminals altogether. @param {string} lab */
  async #start(lab) {
    this.#each((screen) => screen.close());
    for (const name of this.#screens.keys()) this.#tabs.remove(name);
    this.#screens.clear();
    await fontReady();
    if (this.dataset.lab !== lab) return;
    const names = (this.dataset.terminals || "1").split(/\s+/);
    for (const name of names) this.#add(name.split(".").at(-1) ?? name);
    this.#choose([...this.#screens.keys()][0] ?? "");
  }

  /** @param {string} name */
  #add(name) {
    if (this.#screens.has(name)) return;
    const label = `${this.dataset.label || "shell"} ${name}`;
    const screen = new TerminalScreen(this.dataset.lab ?? "", name, label, look(), {
      standing: (each) => this.#stand(each),
      activity: (each) => this.#active(each),
      back: (each, lines) => this.#back(each, lines),
      ended: (each, reason) => this.#ended(each, reason),
      restart: (each) => this.#request("slip-terminal-open", { name: each.name }),
      problem: ({ sentence, hint }) =>
        this.note({ id: "refused", tone: "warn", icon: "look", strong: sentence, text: hint }),
      ask: (text, yes) => ask(this, text, yes),
      room: () => {
        this.#room ??= new Room("/terminal");
        return this.#room;
      },
      held: this.#held,
    });
    this.#screens.set(name, screen);
    this.#tabs.add(name, label, TERMINALS_MOST);
    screen.open(this.#place);
  }

  get #chosenScreen() {
    return this.#screens.get(this.#chosen);
  }

  /** How the chosen terminal stands: connecting, connected, reconnecting, lost, ended. */
  get connection() {
    return this.#chosenScreen?.standing.state ?? "connecting";
  }

  /** Whether a program or half a line is in front of the chosen shell. */
  get isBusy() {
    return this.#chosenScreen?.isBusy ?? false;
  }

  /**
   * Types a command into the chosen shell.
   * @param {string} text
   * @param {{force?: boolean}} [how] force: also when something is in front
   * @returns {Promise<boolean>} false when it was not typed
   */
  run(text, { force = false } = {}) {
    const screen = this.#chosenScreen;
    if (!screen?.hasShell || (!force && screen.isBusy)) return Promise.resolve(false);
    return Promise.resolve(screen.run(text));
  }

  /** Types text without Enter. @param {string} text */
  type(text) {
    return this.#chosenScreen?.type(text) ?? false;
  }

  focus() {
    this.#chosenScreen?.focus();
  }

  /** @param {import("./terminal-strip.js").Note} note */
  note(note) {
    this.#strip.note(note);
  }

  /** @param {string} id */
  clearNote(id) {
    this.#strip.clear(id);
  }

  /** @param {(screen: TerminalScreen) => void} deed */
  #each(deed) {
    for (const screen of this.#screens.values()) deed(screen);
  }

  /** @param {string} name */
  #choose(name) {
    this.#chosen = name;
    for (const [each, screen] of this.#screens) screen.element.hidden = each !== name;
    this.#tabs.choose(name);
    const screen = this.#chosenScreen;
    if (!screen) return;
    this.#strip.show(screen.standing, screen.hasShell);
    screen.fitSoon();
  }

  /** @param {TerminalScreen} screen */
  #stand(screen) {
    if (screen !== this.#chosenScreen) return;
    this.#strip.show(screen.standing, screen.hasShell);
    const { state, tries, awaySince } = screen.standing;
    if (state !== this.#spoken && SPOKEN[state]) say(SPOKEN[state] ?? "");
    this.#spoken = state;
    const seconds = state === "connected" ? 0 : (Date.now() - awaySince) / 1000;
    this.#tell("slip-connection", { state, seconds, tries });
  }

  /** @param {TerminalScreen} screen */
  #active(screen) {
    if (screen !== this.#chosenScreen) this.#tabs.mark(screen.name);
    this.#tell("slip-activity", { name: screen.name });
    showHeld(this.#bar, this.#held);
  }

  /** @param {TerminalScreen} screen @param {number | null} lines */
  #back(screen, lines) {
    if (screen !== this.#chosenScreen) return;
    const text = whatArrived(lines);
    this.note({ id: "back", tone: "ok", icon: "good", strong: "Back.", text });
    say(`Back. ${text}`);
    setTimeout(() => this.clearNote("back"), BACK_MS);
  }

  /** @param {TerminalScreen} screen @param {string} reason */
  #ended(screen, reason) {
    if (screen === this.#chosenScreen) this.#strip.show(screen.standing, screen.hasShell);
    const sentence = GONE[/** @type {keyof typeof GONE} */ (reason)];
    if (sentence) this.note({ id: "ended", tone: "info", icon: "idle", strong: sentence });
    else if (screen === this.#chosenScreen)
      say("This shell has ended. Press Enter to start a new one.");
  }

  async #openAnother() {
    if (this.#screens.size >= TERMINALS_MOST) {
      say(`At most ${TERMINALS_MOST} terminals.`);
      return;
    }
    const opened = await this.#request("slip-terminal-open", {});
    if (!opened) return;
    const name = String(opened.terminal).split(".").at(-1) ?? "";
    this.#add(name);
    this.#choose(name);
    this.focus();
  }

  /** @param {string} name */
  async #closeOne(name) {
    const screen = this.#screens.get(name);
    if (!screen || this.#screens.size === 1) return;
    const question = "Close this terminal? A program runs in it.";
    if (screen.hasShell && screen.isBusy && !(await ask(this, question, "Close"))) return;
    if (!(await this.#request("slip-terminal-close", { name }))) return;
    screen.close();
    this.#screens.delete(name);
    this.#tabs.remove(name);
    if (this.#chosen === name) this.#choose([...this.#screens.keys()].at(-1) ?? "");
  }

  /**
   * Asks the page, which asks the server.
   * @param {string} name
   * @param {{name?: string}} fields
   */
  async #request(name, fields) {
    /** @type {Promise<any>} */
    let answer = Promise.resolve(null);
    const done = (/** @type {Promise<any>} */ promise) => {
      answer = promise;
    };
    this.#tell(name, { ...fields, done });
    try {
      return await answer;
    } catch (problem) {
      const strong = problem instanceof Error ? problem.message : String(problem);
      this.note({ id: "refused", tone: "bad", icon: "failed", strong });
      return null;
    }
  }

  /** @param {string} name @param {object} detail */
  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { bubbles: true, detail }));
  }

  /** The workshop is over: nothing connects again. */
  finish() {
    this.#each((screen) => screen.finish());
  }

  #dress() {
    this.#each((screen) => screen.dress(look()));
  }

  /** A hidden tab's timers sleep; what waited for one is done when it is seen again. */
  #wake() {
    if (document.visibilityState === "visible") this.#each((screen) => screen.tryNow());
  }

  async #pasteFromClipboard() {
    try {
      await this.#chosenScreen?.paste(await navigator.clipboard.readText());
    } catch {
      say(
        "The browser doesn't let the page read the clipboard here. Press long in the terminal to paste.",
      );
    }
  }

  #tools() {
    const tools = document.createElement("div");
    tools.className = "slip-terminal__tools";
    const menu = document.createElement("details");
    menu.className = "menu";
    const summary = document.createElement("summary");
    summary.className = "button button--quiet button--icon button--dense";
    summary.setAttribute("aria-label", "Terminal settings");
    summary.append(drawing("[data-icon=ellipsis]"));
    const panel = document.createElement("div");
    panel.className = "menu__panel";
    panel.append(
      button("menu__item", "Larger text", () => this.#resizeText(1)),
      button("menu__item", "Smaller text", () => this.#resizeText(-1)),
      button("menu__item", "Screen reader mode on or off", () => this.#toggleReader()),
      ...TAKEN_KEYS.map((key) =>
        button("menu__item", `Send Ctrl ${key}`, () => this.#sendControl(key)),
      ),
    );
    menu.append(summary, panel);
    tools.append(menu);
    return tools;
  }

  /** @param {number} step */
  #resizeText(step) {
    const size = Math.min(FONT.most, Math.max(FONT.least, look().fontSize + step));
    localStorage.setItem(FONT.key, String(size));
    this.#dress();
  }

  #toggleReader() {
    const isOn = look().screenReaderMode;
    if (isOn) localStorage.removeItem(READER);
    else localStorage.setItem(READER, "1");
    say(isOn ? "Screen reader mode is off." : "Screen reader mode is on.");
    this.#dress();
  }

  /** @param {string} key */
  #sendControl(key) {
    this.type(String.fromCharCode(key.charCodeAt(0) & 31));
    this.focus();
  }
}

/** @param {number | null} lines null: more than is kept */
function whatArrived(lines) {
  if (lines === null) return "Your shell ran on; what it printed first is no longer kept.";
  if (lines === 0) return "Nothing was lost.";
  return `Nothing was lost; ${lines} line${lines === 1 ? "" : "s"} arrived while you were away.`;
}

/** What this browser chose. */
function look() {
  const size = Number(localStorage.getItem(FONT.key)) || FONT.usual;
  return { fontSize: size, screenReaderMode: localStorage.getItem(READER) !== null };
}

customElements.define("slip-terminal", SlipTerminal);
