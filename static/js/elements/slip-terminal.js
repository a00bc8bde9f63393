/** The terminals of one lab: tabs, one or two of them at once, notes, the strip, and keys for touch. */

import { askBeforeLeaving } from "../lib/leaving.js";
import { say } from "../lib/say.js";
import { Room } from "../lib/socket.js";
import { Held } from "../terminal/keys.js";
import { whatArrived } from "../terminal/missed.js";
import { shownTitle } from "../terminal/title.js";
import { ask, askName } from "./terminal-ask.js";
import { fillScreen } from "./terminal-full.js";
import { keyBar, showClipboard, showHeld } from "./terminal-keybar.js";
import { lineField, toggleLine } from "./terminal-line.js";
import { choice, fontReady, toggleReader } from "./terminal-look.js";
import { TerminalMenu } from "./terminal-menu.js";
import { TerminalPlace } from "./terminal-place.js";
import { TerminalScreen } from "./terminal-screen.js";
import { TerminalSearch } from "./terminal-search.js";
import { TerminalStrip } from "./terminal-strip.js";
import { TerminalTabs } from "./terminal-tabs.js";

const TERMINALS_MOST = 8;
const NAME_MOST = 24;
const BACK_MS = 8000;
const FULL_MS = 8000;
const GONE_MS = 1000; // so long a terminal may be gone because another page closed it
/** @type {import("./terminal-strip.js").Note} */
const KEPT_KEYS = {
  id: "kept-keys",
  tone: "info",
  icon: "keyboard",
  strong: "The browser keeps Ctrl W, Ctrl T and Ctrl N for itself.",
  text: "The terminal’s menu sends them to your program; so does full screen, where the browser lets it.",
};
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

export class SlipTerminal extends HTMLElement {
  static observedAttributes = ["data-lab"];

  /** @type {Map<string, TerminalScreen>} */
  #screens = new Map();
  #held = new Held();
  /** @type {Room | null} */
  #room = null;
  #place = new TerminalPlace();
  #strip = new TerminalStrip(
    () => this.#each((screen) => screen.tryNow()),
    () => this.focus(),
  );
  #tabs = new TerminalTabs(
    {
      choose: (name) => this.#choose(name),
      open: () => this.#openAnother(),
      close: (name) => this.#closeOne(name),
      rename: (name) => this.#rename(name),
    },
    TERMINALS_MOST,
  );
  #search = new TerminalSearch(() => this.#chosenScreen);
  #menu = new TerminalMenu({
    search: () => this.#search.open(),
    split: (way) => this.#split(way),
    resizeText: (by) => this.#resizeText(by),
    send: (text) => {
      this.type(text);
      this.focus();
    },
    paste: () => this.#paste(),
    rename: () => this.#rename(this.#place.panes.chosen),
    close: () => this.#closeOne(this.#place.panes.chosen),
    full: () => this.#fill(),
  });
  #line = lineField((line) => this.#chosenScreen?.run(line) ?? false);
  #bar = keyBar(this.#held, () => this.#chosenScreen, {
    paste: () => (this.#chosenScreen?.hasSelection ? this.#copy() : this.#paste()),
    line: () => toggleLine(this.#line),
  });
  #timer = 0;
  #spoken = "";
  #ending = new AbortController();

  connectedCallback() {
    this.classList.add("slip-terminal");
    this.#tabs.element.append(this.#menu.element);
    this.#place.element.append(this.#search.element);
    const { notes, element } = this.#strip;
    this.append(this.#tabs.element, this.#place.element, notes, element, this.#line, this.#bar);
    this.#ending = new AbortController();
    const { signal } = this.#ending;
    this.#timer = window.setInterval(() => this.#tick(), 1000);
    document.addEventListener("slip-theme", () => this.#dress(), { signal });
    for (const query of ["(prefers-color-scheme: dark)", "(forced-colors: active)"]) {
      matchMedia(query).addEventListener("change", () => this.#dress(), { signal });
    }
    document.addEventListener("slip-dropped", () => this.#each((screen) => screen.fit()), {
      signal,
    });
    addEventListener("online", () => this.#each((screen) => screen.tryNow()), { signal });
    addEventListener("offline", () => this.#each((screen) => screen.drop()), { signal });
    document.addEventListener("visibilitychange", () => this.#wake(), { signal });
    askBeforeLeaving(
      () => this.hasProgram && !("watch" in this.dataset),
      () => this.note(KEPT_KEYS),
      signal,
    );
    // Among the skip links, so that it is heard before the first terminal is.
    document
      .querySelector("[data-reader]")
      ?.addEventListener("click", () => say(toggleReader()), { signal });
    this.#dress();
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
    this.clearNote("ended"); // that was the one before
    this.#each((screen) => screen.close());
    for (const name of this.#screens.keys()) this.#tabs.remove(name);
    this.#screens.clear();
    await fontReady();
    if (this.dataset.lab !== lab) return;
    for (const name of this.#wanted) this.#add(name);
    this.#place.begin([...this.#screens.keys()], this.#isFixed);
    this.#show();
  }

  get #wanted() {
    const names = (this.dataset.terminals || "1").split(/\s+/);
    return names.map((name) => name.split(".").at(-1) ?? name);
  }

  /** Another page of the same learner opened or closed a terminal. */
  agree() {
    if (!this.#screens.size) return; // it only begins
    const wanted = this.#wanted;
    for (const name of wanted) this.#add(name);
    for (const screen of this.#screens.values()) this.#label(screen);
    for (const [name, { standing }] of [...this.#screens]) {
      // The pump's word too: a fact may be older than a terminal that was just opened.
      if (!wanted.includes(name) && standing.state === "ended") this.#remove(name);
    }
    this.#show();
  }

  /** @param {string} name */
  #add(name) {
    if (this.#screens.has(name)) return;
    const label = this.#labelOf(name);
    const place = this.#place.element;
    const screen = new TerminalScreen(this.dataset.lab ?? "", name, label, place, {
      standing: (each) => this.#stand(each),
      activity: (each) => this.#active(each),
      back: (each, missed) => this.#back(each, missed),
      ended: (each, reason) => this.#ended(each, reason),
      finished: ({ name }, code) => this.#tell("slip-finished", { name, code }),
      restart: (each) => this.#request("slip-terminal-open", { name: each.name }),
      title: (each) => this.#tabs.label(each.name, each.label, shownTitle(each.title)),
      bell: (each) => this.#isSeen(each) || this.#tabs.mark(each.name, "bell"),
      selected: (each) => showClipboard(this.#bar, each.hasSelection),
      entered: (each) => this.#choose(each.name),
      problem: ({ sentence, hint }) =>
        this.note({ id: "refused", tone: "warn", icon: "look", strong: sentence, text: hint }),
      ask: (text, yes, shown) => ask(this, text, yes, shown),
      resizeText: (by) => this.#resizeText(choice.fontSize + by),
      room: () => {
        this.#room ??= new Room("/terminal");
        return this.#room;
      },
      held: this.#held,
    });
    this.#screens.set(name, screen);
    this.#tabs.add(name, screen.element.id);
    this.#tabs.label(name, label, "");
    screen.open(place);
  }

  /** @param {string} name */
  #labelOf(name) {
    const kind = this.dataset.label || "shell";
    return this.#names[name] || (this.#isFixed ? kind : `${kind} ${name}`);
  }

  /** What the learner calls their terminals, as the server has it. @returns {Record<string, string>} */
  get #names() {
    return JSON.parse(this.dataset.names || "{}");
  }

  /** @param {TerminalScreen} screen */
  #label(screen) {
    screen.label = this.#labelOf(screen.name);
    this.#tabs.label(screen.name, screen.label, shownTitle(screen.title));
  }

  /** The page says which terminals there are; the learner opens, names and closes none. */
  get #isFixed() {
    return "fixed" in this.dataset;
  }

  get #chosenScreen() {
    return this.#screens.get(this.#place.panes.chosen);
  }

  /** @param {TerminalScreen} screen */
  #isSeen(screen) {
    return this.#place.panes.seen.includes(screen.name);
  }

  /** How the chosen terminal stands: connecting, connected, reconnecting, lost, ended. */
  get connection() {
    return this.#chosenScreen?.standing.state ?? "connecting";
  }

  /** Whether a program or half a line is in front of the chosen shell. */
  get isBusy() {
    return this.#chosenScreen?.isBusy ?? false;
  }

  /** The chosen terminal's name where its shell says how each command ended, else "". */
  get teller() {
    return this.#chosenScreen?.tellsCodes ? this.#chosenScreen.name : "";
  }

  /** Whether a program runs in any of the terminals. */
  get hasProgram() {
    return [...this.#screens.values()].some((screen) => screen.hasProgram);
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
    if (this.#place.panes.chosen === name && this.#place.panes.seen.includes(name)) return;
    this.#place.panes.choose(name);
    this.#show();
  }

  /** Shows the terminals that are to be seen, and how the chosen one stands. */
  #show() {
    const { panes } = this.#place;
    const before = this.#place.shown;
    this.#place.show(this.#screens);
    this.#tabs.choose(panes.chosen, panes.seen);
    this.#menu.show(panes.way);
    this.#search.follow();
    const screen = this.#chosenScreen;
    if (screen) this.#strip.show(screen);
    if (before !== this.#place.shown)
      for (const name of panes.seen) this.#screens.get(name)?.fitSoon();
  }

  /** @param {"rows" | "columns"} way */
  async #split(way) {
    const names = () => [...this.#screens.keys()];
    if (!this.#place.panes.split(way, names())) {
      const chosen = this.#place.panes.chosen;
      if (!(await this.#openAnother())) return;
      this.#place.panes.choose(chosen);
      this.#place.panes.split(way, names());
    }
    this.#place.remember();
    this.#show();
    this.focus();
  }

  #tick() {
    const screen = this.#chosenScreen;
    if (screen) this.#strip.show(screen);
  }

  /** @param {TerminalScreen} screen */
  #stand(screen) {
    if (screen !== this.#chosenScreen) return;
    this.#strip.show(screen);
    const { state, tries, awaySince } = screen.standing;
    if (state !== this.#spoken && SPOKEN[state]) say(SPOKEN[state] ?? "");
    this.#spoken = state;
    const seconds = state === "connected" ? 0 : (Date.now() - awaySince) / 1000;
    this.#tell("slip-connection", { state, seconds, tries });
  }

  /** @param {TerminalScreen} screen */
  #active(screen) {
    if (!this.#isSeen(screen)) this.#tabs.mark(screen.name, "new");
    this.#tell("slip-activity", { name: screen.name });
    showHeld(this.#bar, this.#held);
  }

  /** @param {TerminalScreen} screen @param {import("./terminal-screen.js").Missed} missed */
  #back(screen, missed) {
    if (screen !== this.#chosenScreen) return;
    const text = whatArrived(missed);
    this.note({ id: "back", tone: "ok", icon: "good", strong: "Back.", text });
    say(`Back. ${text}`);
    setTimeout(() => this.clearNote("back"), BACK_MS);
  }

  /** @param {TerminalScreen} screen @param {string} reason */
  #ended(screen, reason) {
    this.#tell("slip-finished", { name: screen.name, code: null });
    if (screen === this.#chosenScreen) this.#strip.show(screen);
    if (reason === "until") this.#strip.finish();
    const sentence = GONE[/** @type {keyof typeof GONE} */ (reason)];
    if (sentence) setTimeout(() => this.#tellGone(screen, sentence), GONE_MS);
    else if (screen === this.#chosenScreen)
      say("This shell has ended. Press Enter to start a new one.");
  }

  /** @param {TerminalScreen} screen @param {string} sentence */
  #tellGone(screen, sentence) {
    this.agree();
    if (this.#screens.get(screen.name) !== screen) return; // another page closed it
    this.note({ id: "ended", tone: "info", icon: "idle", strong: sentence });
  }

  /** @returns {Promise<boolean>} */
  async #openAnother() {
    if (this.#screens.size >= TERMINALS_MOST) {
      say(`At most ${TERMINALS_MOST} terminals.`);
      return false;
    }
    const opened = await this.#request("slip-terminal-open", {});
    if (!opened) return false;
    const name = String(opened.terminal).split(".").at(-1) ?? "";
    this.#add(name);
    this.#choose(name);
    this.focus();
    return true;
  }

  /** @param {string} name */
  async #closeOne(name) {
    const screen = this.#screens.get(name);
    if (!screen || this.#isFixed) return;
    if (this.#screens.size === 1) {
      say("The last terminal stays. Open another one first.");
      return;
    }
    const question = `Close ${screen.label}? A program runs in it, and ends with it.`;
    if (screen.hasProgram && !(await ask(this, question, "Close"))) return;
    if (!(await this.#request("slip-terminal-close", { name }))) return;
    this.#remove(name);
    this.#show();
    this.focus();
  }

  /** @param {string} name */
  #remove(name) {
    this.#screens.get(name)?.close();
    this.#screens.delete(name);
    this.#tabs.remove(name);
    this.#place.panes.remove(name, [...this.#screens.keys()]);
  }

  /** @param {string} name */
  async #rename(name) {
    const screen = this.#screens.get(name);
    if (!screen || this.#isFixed) return;
    const called = await askName(this, "Name of this terminal", screen.label, NAME_MOST);
    if (called === null) return;
    await this.#request("slip-terminal-call", { name, called });
  }

  /**
   * Asks the page, which asks the server.
   * @param {string} name
   * @param {{name?: string, called?: string}} fields
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
    this.#strip.finish();
  }

  #dress() {
    if (choice.theme) this.dataset.theme = choice.theme;
    else delete this.dataset.theme;
    this.#each((screen) => screen.dress());
  }

  /** A hidden tab's timers sleep; what waited for one is done when it is seen again. */
  #wake() {
    if (document.visibilityState === "visible") this.#each((screen) => screen.tryNow());
  }

  #copy() {
    this.#chosenScreen?.clipboard.copy();
  }

  async #paste() {
    const refused = await this.#chosenScreen?.clipboard.pasteByButton();
    if (refused) this.note({ id: "paste", tone: "info", icon: "look", strong: refused });
  }

  /** @param {number} size */
  #resizeText(size) {
    choice.fontSize = size;
    this.#dress();
  }

  async #fill() {
    const text = await fillScreen(this).catch(() => "This browser does not fill the screen here.");
    if (!text) return;
    this.note({ id: "full", tone: "info", icon: "look", strong: text });
    say(text);
    setTimeout(() => this.clearNote("full"), FULL_MS);
    this.focus();
  }
}

customElements.define("slip-terminal", SlipTerminal);
