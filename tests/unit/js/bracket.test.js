import assert from "node:assert/strict";
import { test } from "node:test";
import headless from "@xterm/headless";
import { Bracket } from "../../../static/js/terminal/bracket.js";

const END = "\x1b[201~";
const INTERRUPT = "\x03";

/**
 * What a page types by itself after Ctrl C in a paste.
 * @param {string} answer of the program
 * @param {string} before printed
 * @param {string} again its answer to another Ctrl C
 * @param {string} own what the learner types then
 */
async function typedAfter(answer, before = "", again = "", own = "") {
  const term = new headless.Terminal({ allowProposedApi: true });
  const write = (/** @type {string} */ text) =>
    new Promise((done) => term.write(text, () => done(null)));
  /** @type {string[]} */
  const typed = [];
  /** @type {Set<() => void>} */
  const due = new Set();
  const clock = {
    now: () => 0,
    later: (_, deed) => due.add(deed) && deed,
    cancel: (deed) => due.delete(deed),
  };
  const { active } = term.buffer;
  const line = () => active.getLine(active.cursorY)?.translateToString(true) ?? "";
  const bracket = new Bracket(
    term,
    clock,
    (text) => typed.push(text),
    () => /[>$] ?$/.test(line()),
  );
  await write(`${before}\x1b[?2004h>>> `);
  bracket.interrupted();
  await write(answer);
  if (own) {
    bracket.typed();
    await write(own);
  }
  for (const deed of due) {
    deed();
    if (typed.at(-1) === INTERRUPT) await write(again);
  }
  return typed;
}

test("a program that still waits for the end of a paste gets it", async () => {
  assert.deepEqual(await typedAfter("^C"), [END]);
});

test("an editor gets the end at once", async () => {
  assert.deepEqual(await typedAfter("", "\x1b[?1049h"), [END]);
});

test("a shell that has begun a new line gets no stray end", async () => {
  assert.deepEqual(await typedAfter("^C\x1b[?2004l\r\n\x1b[?2004h$ "), []);
  assert.deepEqual(await typedAfter("^C\x1b[?1;2004l\r\n$ "), []);
});

test("a shell that says it was interrupted, and reads on, is interrupted again", async () => {
  const readsOn = "^C\x1b[?2004l\x1b[?2004h";
  assert.deepEqual(await typedAfter(readsOn, "", "^C\r\n$ "), [INTERRUPT]);
  assert.deepEqual(await typedAfter(readsOn), [INTERRUPT, INTERRUPT, INTERRUPT, END]);
});

test("what a learner types at the new prompt at once is left alone", async () => {
  assert.deepEqual(await typedAfter("^C\x1b[?2004l\r\n\x1b[?2004h$ ", "", "", "make"), []);
  const readsOn = "^C\x1b[?2004l\x1b[?2004h";
  assert.deepEqual(await typedAfter(readsOn, "", "^C\r\n$ ", "more"), [INTERRUPT]);
});
