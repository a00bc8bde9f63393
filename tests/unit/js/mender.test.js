import assert from "node:assert/strict";
import { test } from "node:test";
import headless from "@xterm/headless";
import { TerminalMender } from "../../../static/js/elements/terminal-mender.js";

const DEAD = "before\r\n\x1b[?1049h\x1b[2J\x1b[H"; // a program that died has left this screen

/**
 * What is shown once the screen that a dead program left is mended.
 * @param {string} printed since
 * @param {(mender: TerminalMender) => void} happens
 */
async function mended(printed, happens) {
  // @ts-expect-error - all that it asks of the page is a timer
  globalThis.window = globalThis;
  const term = new headless.Terminal({ rows: 8, cols: 20, allowProposedApi: true });
  await new Promise((done) => term.write(`${DEAD}${printed}$ `, () => done(null)));
  // @ts-expect-error - it reads the buffer, which both have
  const mender = new TerminalMender(term, () => true);
  const goes = new Promise((done) => term.buffer.onBufferChange(done));
  happens(mender);
  await goes;
  await new Promise((done) => term.write("", () => done(null)));
  const rows = Array.from({ length: term.rows }, (_, row) => term.buffer.active.getLine(row));
  return rows
    .map((row) => row?.translateToString(true))
    .join("\n")
    .trim();
}

test("what was printed since is kept when a page comes back", async () => {
  const long = "x".repeat(25);
  const shown = await mended(`one\r\n${long}\r\n`, (mender) => mender.back());
  assert.equal(shown, `before\n\none\n${long.slice(0, 20)}\n${long.slice(20)}\n$`);
});

test("of a program that dies while one looks only the prompt comes along", async () => {
  const shown = await mended("~\r\n~\r\n", (mender) => {
    mender.back();
    mender.giveWay();
  });
  assert.equal(shown, "before\n\n$");
});

test("a cursor that was hidden, margins and another alphabet end with their program", {
  timeout: 20_000,
}, async () => {
  // @ts-expect-error - as above
  globalThis.window = globalThis;
  const term = new headless.Terminal({ rows: 8, cols: 20, allowProposedApi: true });
  await new Promise((done) =>
    term.write("one\r\n\x1b[?25l\x1b[1;3r\x1b[2;1H\x1b(0$ ", () => done(null)),
  );
  // @ts-expect-error - as above
  const mender = new TerminalMender(term, () => true);
  const mended = new Promise((done) =>
    term.parser.registerCsiHandler({ final: "r" }, () => done(null) ?? false),
  );
  mender.giveWay();
  mender.look();
  await mended;
  await new Promise((done) => term.write("lq\r\n\n\n\n\n\nlast", () => done(null)));
  const rows = [1, 7].map((row) => term.buffer.active.getLine(row)?.translateToString(true));
  assert.deepEqual(rows, ["$ lq", "last"]);
});
