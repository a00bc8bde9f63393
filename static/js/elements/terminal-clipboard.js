/** Copying out of a terminal and pasting into it, also on plain http, where scripts may not touch the clipboard. */

import { copyText } from "../lib/clipboard.js";
import { say } from "../lib/say.js";
import { cleanPaste, mustAsk } from "../terminal/keys.js";

const SHOWN_LINES = 5;
const NO_READING =
  "The browser doesn’t let the page read the clipboard here. Press Ctrl V in the terminal, or press long and choose Paste.";

export class TerminalClipboard {
  #term;
  #ask;

  /**
   * @param {import("@xterm/xterm").Terminal} term
   * @param {(text: string, yes: string, shown?: string) => Promise<boolean>} ask
   */
  constructor(term, ask) {
    this.#term = term;
    this.#ask = ask;
  }

  /** @param {HTMLElement} element takes what the browser pastes */
  listen(element) {
    element.addEventListener("paste", (event) => this.#pasted(event), { capture: true });
  }

  /**
   * Copies what is selected and lets go of it, so that the next Ctrl C interrupts.
   * @param {KeyboardEvent} event
   */
  copyByKey(event) {
    event.preventDefault(); // Ctrl Shift C opens the developer tools otherwise
    document.execCommand("copy"); // xterm.js puts its selection into the event; no permission is needed
    this.#term.clearSelection();
  }

  /** Copies what is selected, by a button. */
  async copy() {
    const text = this.#term.getSelection();
    if (!text) return;
    say((await copyText(text)) ? "Copied" : "This browser does not let the page copy.");
    this.#term.clearSelection();
  }

  /** Pastes by a button, where the browser allows that. */
  async pasteByButton() {
    try {
      await this.paste(await navigator.clipboard.readText());
    } catch {
      say(NO_READING);
      return NO_READING;
    }
    return "";
  }

  /** @param {ClipboardEvent} event */
  async #pasted(event) {
    const text = event.clipboardData?.getData("text/plain") ?? "";
    event.preventDefault();
    event.stopPropagation();
    await this.paste(text);
  }

  /** @param {string} given */
  async paste(given) {
    const text = cleanPaste(given);
    if (!text) return;
    if (mustAsk(text, this.#term.modes.bracketedPasteMode)) {
      const lines = text.trimEnd().split(/\r\n?|\n/);
      const shown = lines.slice(0, SHOWN_LINES).join("\n");
      const question = `Paste ${lines.length} lines? Each one runs at once.`;
      if (!(await this.#ask(question, "Paste", lines.length > SHOWN_LINES ? `${shown}\n…` : shown)))
        return;
    }
    this.#term.paste(text);
    this.#term.focus();
  }
}
