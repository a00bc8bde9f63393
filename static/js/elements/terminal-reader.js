/**
 * What a screen reader hears of a terminal: a few lines as they are, many as one short sentence. xterm.js speaks
 * the first twenty lines of any output, urgently, over whatever else is to be heard.
 */

const QUIET_MS = 400;
const SPOKEN_LINES = 5;
const LONGEST = 300;
/** Keys after which the shell changes the line by itself. */
const RECALLS = new Set(["ArrowUp", "ArrowDown", "Tab"]);

export class TerminalReader {
  #term;
  #lines = 0;
  #timer = 0;
  #isRecalled = false;
  /** @type {Element | null} */
  #unread = null;
  element = document.createElement("div");

  /** @param {import("@xterm/xterm").Terminal} term */
  constructor(term) {
    this.#term = term;
    this.element.className = "said";
    this.element.setAttribute("role", "log");
    term.onLineFeed(() => {
      this.#lines += 1;
    });
    term.onKey(({ domEvent }) => {
      this.#isRecalled = RECALLS.has(domEvent.key);
    });
    term.onWriteParsed(() => {
      this.#unread?.replaceChildren();
      this.#later();
    });
  }

  /**
   * xterm.js makes its own region anew whenever the mode is switched on, and puts each letter into it: a line of
   * megabytes there would keep the browser for minutes.
   */
  hush() {
    const region = this.#term.element?.querySelector(".live-region");
    if (!region) return;
    region.remove();
    this.#unread = region;
  }

  /** What was printed up to now is no news. */
  skip() {
    this.#lines = 0;
    clearTimeout(this.#timer);
  }

  close() {
    clearTimeout(this.#timer);
  }

  #later() {
    clearTimeout(this.#timer);
    if (this.#term.options.screenReaderMode)
      this.#timer = window.setTimeout(() => this.#speak(), QUIET_MS);
  }

  #speak() {
    const count = this.#lines;
    this.#lines = 0;
    const { active } = this.#term.buffer;
    if (active.type === "alternate" || !(count || this.#isRecalled)) return;
    this.#isRecalled = false;
    const at = active.baseY + active.cursorY;
    const first = Math.max(0, at - Math.min(count, SPOKEN_LINES));
    const lines = [];
    for (let y = first; y <= at; y++) lines.push(active.getLine(y)?.translateToString(true) ?? "");
    const text = count > SPOKEN_LINES ? summary(count, lines) : lines.join("\n");
    this.element.textContent = text.trim().slice(0, LONGEST);
  }
}

/**
 * @param {number} count
 * @param {string[]} lines the last of them; the very last is the one that the cursor is in
 */
function summary(count, lines) {
  const last = lines
    .slice(0, -1)
    .filter((line) => line.trim())
    .at(-1);
  return `${count} lines of output${last ? `, the last: ${last}` : ""}`;
}
