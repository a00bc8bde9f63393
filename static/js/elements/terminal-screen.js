/** One terminal on the page: xterm.js, its link to the server, and the way into and out of it by keyboard. */

import { FitAddon } from "@xterm/addon-fit";
import { SearchAddon } from "@xterm/addon-search";
import { UnicodeGraphemesAddon } from "@xterm/addon-unicode-graphemes";
import { WebLinksAddon } from "@xterm/addon-web-links";
import { Terminal } from "@xterm/xterm";
import { say } from "../lib/say.js";
import { Bracket } from "../terminal/bracket.js";
import { Echo } from "../terminal/echo.js";
import { Intake, sizeMark } from "../terminal/intake.js";
import { deedOf, isAnswer, withHeld } from "../terminal/keys.js";
import { Link } from "../terminal/link.js";
import { transportFor } from "../terminal/transport.js";
import { countAsTheShell } from "../terminal/widths.js";
import { ring } from "./terminal-bell.js";
import { TerminalClipboard } from "./terminal-clipboard.js";
import { prepareField } from "./terminal-field.js";
import { choice, fontFamily, palette } from "./terminal-look.js";
import { isPrompt, lineOf, TerminalMender } from "./terminal-mender.js";
import { TerminalReader } from "./terminal-reader.js";
import { listenToFingers, selectByFinger } from "./terminal-touch.js";
import { drawFast } from "./terminal-webgl.js";

const SCROLLBACK_LINES = 10_000;
const FIT_MS = 150;
const QUIET_MS = 1000; // a program that draws again for a new size says nothing new
const LAB_END_MS = 600; // a lab's shells end before it; nobody is then to press Enter
const INTERRUPT = "\x03";
const PASTE_CUT = {
  sentence: "The connection was lost in the midst of a paste.",
  hint: "Look how much of it arrived; the rest is not sent.",
};
const PRINTABLE = /^[^\p{Control}]$/u;
const ENDED = "\r\n\x1b[2m── This shell has ended. Press Enter to start a new one.\x1b[0m\r\n";
// Without a first focus xterm.js draws no cursor, and nobody sees where typing would go. To the other
// screen and back draws it.
const SHOW_CURSOR = "\x1b[?1049h\x1b[?1049l";
const IS_MAC = /Mac|iP(hone|ad|od)/.test(navigator.platform);
const CLOCK = {
  now: () => Date.now(),
  later: (/** @type {number} */ ms, /** @type {() => void} */ deed) => setTimeout(deed, ms),
  cancel: (/** @type {number} */ timer) => clearTimeout(timer),
  random: Math.random,
};
Terminal.strings.promptLabel = "Terminal input. Ctrl Shift L leaves the terminal.";

/**
 * @typedef {import("../terminal/link.js").Standing} Standing
 * @typedef {import("../terminal/missed.js").Missed} Missed
 * @typedef {object} Owner what the element around it is told
 * @property {(screen: TerminalScreen) => void} standing
 * @property {(screen: TerminalScreen) => void} activity new output
 * @property {(screen: TerminalScreen, missed: Missed) => void} back
 * @property {(screen: TerminalScreen, reason: string) => void} ended
 * @property {(screen: TerminalScreen, code: number) => void} finished a command has ended
 * @property {(screen: TerminalScreen) => void} restart Enter after the shell's end
 * @property {(screen: TerminalScreen) => void} title a program named what it does
 * @property {(screen: TerminalScreen) => void} bell
 * @property {(screen: TerminalScreen) => void} selected something is, or no longer
 * @property {(screen: TerminalScreen) => void} entered the keyboard is in
 * @property {(problem: {sentence: string, hint: string}) => void} problem
 * @property {(text: string, yes: string, shown?: string) => Promise<boolean>} ask
 * @property {(by: number) => void} resizeText
 * @property {() => import("../terminal/transport.js").Room} room
 * @property {import("../terminal/keys.js").Held} held
 */

export class TerminalScreen {
  #owner;
  #term;
  #link;
  #fit = new FitAddon();
  search = new SearchAddon();
  clipboard;
  #reader;
  #mender;
  #intake;
  #bracket;
  #echo = new Echo(() => performance.now());
  #label;
  title = "";
  /** Whether this shell says how each command ended. */
  tellsCodes = false;
  #isReplaying = true;
  #hasShell = true;
  /** @type {boolean | null} null: not known */
  #hasProgram = null;
  #hasMet = false; // before the first meeting there is nothing to come back to
  /** @type {Missed | null} null: the page was not away */
  #missed = null;
  #fitTimer = 0;
  #quietUntil = 0;
  #toldSize = "";
  #size = "";
  #isOwn = false; // another's terminal has their window's size
  #releaseContext = () => {};
  /** @type {Element | null} */
  #cameFrom = null;
  #observer = new ResizeObserver(() => this.fitSoon());

  /**
   * @param {string} lab
   * @param {string} name
   * @param {string} label such as `shell 1`
   * @param {HTMLElement} place where it will be drawn; its theme counts
   * @param {Owner} owner
   */
  constructor(lab, name, label, place, owner) {
    this.name = name;
    this.#owner = owner;
    this.#label = label;
    this.element = document.createElement("div");
    this.element.className = "term";
    this.element.id = `terminal-${lab}-${name}`;
    this.element.tabIndex = 0;
    this.element.setAttribute("role", "group");
    this.#term = new Terminal({
      allowProposedApi: true,
      cursorBlink: false,
      fontFamily: fontFamily(),
      fontSize: choice.fontSize,
      lineHeight: 1.2,
      minimumContrastRatio: 4.5,
      screenReaderMode: choice.isReader,
      scrollback: SCROLLBACK_LINES,
      theme: palette(place),
      // Its text may say anything, so the address is shown before it is opened.
      linkHandler: { activate: (_, address) => this.#openHidden(address) },
    });
    countAsTheShell(this.#term, new UnicodeGraphemesAddon());
    this.#intake = new Intake(this.#term, CLOCK);
    this.#bracket = new Bracket(
      this.#term,
      CLOCK,
      (text) => this.type(text),
      () => isPrompt(lineOf(this.#term)),
    );
    this.clipboard = new TerminalClipboard(this.#term, owner.ask);
    this.#reader = new TerminalReader(this.#term);
    this.#mender = new TerminalMender(
      this.#term,
      () => this.#hasProgram === false && !this.#isReplaying,
    );
    this.#link = new Link(transportFor(`${lab}.${name}`, owner.room), this.#ears(), CLOCK);
    this.#term.parser.registerOscHandler(133, (mark) => this.#heardMark(mark));
    this.label = label;
  }

  get standing() {
    return this.#link.standing;
  }

  get hasShell() {
    return this.#hasShell;
  }

  get hasSelection() {
    return this.#term.hasSelection();
  }

  /** Milliseconds that a key takes, where that is slow. */
  get slowMs() {
    return this.#echo.slowMs;
  }

  get label() {
    return this.#label;
  }

  set label(label) {
    this.#label = label;
    this.element.setAttribute("aria-label", `Terminal ${label}, press Enter to type`);
  }

  /** Whether a command typed now would land in something else than an empty prompt. */
  get isBusy() {
    return Boolean(this.#hasProgram) || this.#isAlternate || !isPrompt(lineOf(this.#term));
  }

  /** Whether a program would be left alone by closing the page; half a line is no program. */
  get hasProgram() {
    return this.#hasShell && (this.#hasProgram ?? this.isBusy);
  }

  get #isAlternate() {
    return this.#term.buffer.active.type === "alternate";
  }

  /**
   * Draws and connects; the font must be there, or the cells are measured wrongly.
   * @param {HTMLElement} place
   */
  open(place) {
    place.append(this.element);
    const hint = document.createElement("p");
    hint.className = "term__hint";
    for (const [key, what] of [
      ["Enter", "type here"],
      ["Tab", "go past"],
      ["Ctrl Shift L", "leaves later"],
    ]) {
      const kbd = document.createElement("kbd");
      kbd.textContent = key ?? "";
      hint.append(kbd, ` ${what} `);
    }
    this.#term.open(this.element);
    this.#term.write(SHOW_CURSOR);
    this.element.append(hint);
    // xterm.css paints it black, which shows where the rows don't fill the pane.
    const viewport = this.element.querySelector(".xterm-viewport");
    if (viewport instanceof HTMLElement) viewport.style.backgroundColor = "transparent";
    const links = new WebLinksAddon((_, address) => visit(address));
    for (const addon of [this.#fit, this.search, links]) this.#term.loadAddon(addon);
    this.#releaseContext = drawFast(this.#term, () => this.fitSoon());
    prepareField(this.#term, this.element);
    this.element.append(this.#reader.element);
    this.#reader.hush();
    this.#listen();
    this.#observer.observe(this.element);
    this.#fit.fit();
    this.#link.start();
  }

  #listen() {
    this.#term.attachCustomKeyEventHandler((event) => this.#key(event));
    this.#term.onData((data) => this.#typed(data));
    this.#term.onBell(() => this.#ring());
    this.#term.onSelectionChange(() => this.#owner.selected(this));
    this.#term.onTitleChange((title) => {
      this.title = title;
      this.#owner.title(this);
    });
    this.clipboard.listen(this.element);
    listenToFingers(this.element, {
      resizeText: this.#owner.resizeText,
      select: (at, from) => selectByFinger(this.#term, at, from),
    });
    this.element.addEventListener("keydown", this.#groupKey);
    this.element.addEventListener("focusin", () => {
      this.fitSoon();
      this.#owner.entered(this);
    });
  }

  #ring() {
    if (this.#isReplaying) return;
    ring(this.element, this.#label);
    this.#owner.bell(this);
  }

  /** @returns {import("../terminal/link.js").Events} */
  #ears() {
    return {
      standing: ({ state }) => {
        // After a shell's end it is a new shell that comes, and nothing was missed.
        if (state === "reconnecting" && this.#hasShell && this.#hasMet)
          this.#missed ??= { lines: 0, lostBytes: 0 };
        this.#owner.standing(this);
      },
      hello: (hello, lostBytes) => this.#meet(hello, lostBytes),
      output: (data, end) => {
        if (this.#missed) this.#missed.lines += data.filter((byte) => byte === 10).length;
        this.#echo.heard();
        this.#intake.output(data, () => {
          this.#link.drew(end);
          this.#mender.look();
        });
        if (!this.#isReplaying && Date.now() > this.#quietUntil) this.#owner.activity(this);
      },
      ready: (wasPasting) => this.#term.write(this.#size, () => this.#begin(wasPasting)),
      size: (rows, cols) => this.#intake.size(rows, cols),
      front: (hasProgram) => {
        this.#hasProgram = hasProgram;
        if (hasProgram) this.#mender.giveWay();
        this.#mender.look();
      },
      ended: (reason) => this.#end(reason),
      problem: (problem) => this.#owner.problem(problem),
    };
  }

  /**
   * @param {import("../terminal/frames.js").Hello} hello
   * @param {number | null} lostBytes
   */
  #meet(hello, lostBytes) {
    this.#isReplaying = true;
    this.#hasMet = true;
    this.#hasShell = true;
    this.#hasProgram = null;
    this.#toldSize = "";
    if (this.#missed) {
      const { lostBytes: before } = this.#missed;
      this.#missed.lostBytes = before === null || lostBytes === null ? null : before + lostBytes;
    }
    this.#echo.forget();
    this.#term.options.disableStdin = hello.may === "watch";
    this.#isOwn = hello.may === "type";
    this.#size = sizeMark(hello.rows, hello.cols);
    // In the order of the output: what came before may not be drawn yet.
    if (hello.replay !== "exact") this.#term.write(`\x1bc${this.#size}${hello.preamble}`);
  }

  /**
   * The replay is drawn: from here on keys count, and programs' questions are answered.
   * @param {boolean} wasPasting
   */
  #begin(wasPasting) {
    this.#isReplaying = false;
    if (this.#missed) this.#owner.back(this, this.#missed);
    this.#missed = null;
    this.#quietUntil = Date.now() + QUIET_MS;
    this.#reader.skip();
    this.fit();
    this.#mender.back();
    if (wasPasting) this.#owner.problem(PASTE_CUT);
  }

  /**
   * The shell says how a command ended (`D;CODE`, shell integration); what is replayed is old.
   * @param {string} mark
   */
  #heardMark(mark) {
    const ended = /^D;(\d{1,3})$/.exec(mark);
    if (!ended) return false;
    this.tellsCodes = true;
    if (!this.#isReplaying) this.#owner.finished(this, Number(ended[1]));
    return true;
  }

  /** @param {string} reason */
  #end(reason) {
    this.#hasShell = false;
    if (reason === "shell") setTimeout(() => this.#offerAnother(), LAB_END_MS);
    this.#owner.ended(this, reason);
  }

  #offerAnother() {
    if (!this.#hasShell && this.standing.state !== "ended") this.#term.write(ENDED);
  }

  /** @param {string} data */
  #typed(data) {
    if (!this.#hasShell) {
      if (data === "\r") this.#owner.restart(this);
      return;
    }
    if (this.#isReplaying && this.#link.isReady) return;
    if (isAnswer(data) && !this.element.contains(document.activeElement)) return;
    const text = data.length === 1 ? withHeld(data, this.#owner.held.take()) : data;
    if (this.#hasProgram === false && PRINTABLE.test(text)) this.#echo.sent();
    const isCut = text === INTERRUPT && this.#link.isPasting;
    this.type(text);
    if (isCut) this.#bracket.interrupted();
  }

  /**
   * Sends keys; without a connection they are dropped, and the learner is told once.
   * @param {string} text
   */
  type(text) {
    this.#bracket.typed();
    if (this.#link.send(text)) return true;
    say("Typing is paused until the connection is back.");
    return false;
  }

  /**
   * Types a command and Enter.
   * @param {string} text
   */
  run(text) {
    const isBracketed = this.#term.modes.bracketedPasteMode && text.includes("\n");
    return this.type(
      isBracketed ? `\x1b[200~${text}\x1b[201~\r` : `${text.replaceAll("\n", "\r")}\r`,
    );
  }

  /** Whether the program asked for the other arrow codes. */
  get wantsApplicationKeys() {
    return this.#term.modes.applicationCursorKeysMode;
  }

  /**
   * @param {KeyboardEvent} event
   * @returns {boolean} false: not for the shell
   */
  #key(event) {
    const isAlternate = this.#term.buffer.active.type === "alternate";
    const place = { hasSelection: this.#term.hasSelection(), isMac: IS_MAC, isAlternate };
    const deed = deedOf(event, place);
    if (deed === "send") return true;
    if (event.type !== "keydown") return false;
    if (deed === "leave") this.#leave(event);
    if (deed === "copy") this.clipboard.copyByKey(event);
    // Ctrl Shift V pastes as Ctrl V does: by the browser itself, which may where scripts may not.
    return false;
  }

  /** @param {KeyboardEvent} event */
  #leave(event) {
    event.preventDefault();
    const back = this.#cameFrom?.isConnected ? this.#cameFrom : this.element;
    this.#cameFrom = null;
    if (back instanceof HTMLElement) back.focus();
  }

  /** @param {KeyboardEvent} event */
  #groupKey = (event) => {
    if (event.target !== this.element || (event.key !== "Enter" && event.key !== " ")) return;
    event.preventDefault();
    this.#term.focus();
  };

  /** @param {string} address */
  async #openHidden(address) {
    if (await this.#owner.ask("Open this address?", "Open", address)) visit(address);
  }

  /** Puts the keyboard in; Ctrl Shift L brings it back to where it was. */
  focus() {
    const before = document.activeElement;
    if (!this.element.contains(before) && before !== document.body) this.#cameFrom = before;
    this.#term.focus();
  }

  /** Fits once, after the last of many changes. */
  fitSoon() {
    clearTimeout(this.#fitTimer);
    this.#fitTimer = window.setTimeout(() => this.fit(), FIT_MS);
  }

  /**
   * Tells the server how much fits here. Which size the shell has the server says: it may be another window's, and
   * a program draws again only for that.
   */
  fit() {
    if (document.documentElement.dataset.dragging || !this.element.offsetWidth) return;
    if (!this.#isOwn) return;
    const wanted = this.#fit.proposeDimensions();
    if (!wanted || !(wanted.rows > 1 && wanted.cols > 1) || this.#isReplaying) return;
    const size = `${wanted.rows} ${wanted.cols}`;
    if (size === this.#toldSize) return;
    this.#toldSize = size;
    this.#quietUntil = Date.now() + QUIET_MS;
    this.#link.resize(wanted.rows, wanted.cols);
  }

  /** Takes the colours, the size of the text and the mode that are chosen now. */
  dress() {
    Object.assign(this.#term.options, {
      theme: palette(this.element),
      fontSize: choice.fontSize,
      screenReaderMode: choice.isReader,
    });
    this.#reader.hush();
    this.fitSoon();
  }

  tryNow() {
    this.#link.tryNow();
  }

  drop() {
    this.#link.drop();
  }

  /** The lab is gone for good; what is on the screen stays. */
  finish() {
    this.#link.close();
  }

  close() {
    this.#observer.disconnect();
    clearTimeout(this.#fitTimer);
    this.#mender.close();
    this.#intake.close();
    this.#reader.close();
    this.#link.close();
    this.#releaseContext();
    this.#term.dispose();
    this.element.remove();
  }
}

/** @param {string} address */
function visit(address) {
  if (/^https?:/.test(address)) window.open(address, "_blank", "noopener,noreferrer");
}
