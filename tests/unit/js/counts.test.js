import assert from "node:assert/strict";
import { test } from "node:test";
import headless from "@xterm/headless";
import { Intake } from "../../../static/js/terminal/intake.js";

const HANGS_MS = 20_000; // without the handlers each of these takes minutes
const CLOCK = { now: () => 0, later: () => null, cancel: () => {} };

/** What stands in the first row after this was printed. @param {string} text */
async function firstRow(text) {
  const term = new headless.Terminal({ rows: 5, cols: 20, allowProposedApi: true });
  const intake = new Intake(term, CLOCK);
  await new Promise((done) => intake.output(new TextEncoder().encode(text), () => done(null)));
  return term.buffer.active.getLine(term.buffer.active.baseY)?.translateToString(true);
}

for (const final of ["L", "M", "S", "T", "I", "Z", "b"]) {
  test(`a count that no screen has is passed over before ${final}`, {
    timeout: HANGS_MS,
  }, async () => {
    assert.equal(await firstRow(`one\x1b[30000000${final} two`), "one two");
    assert.equal(await firstRow(`one\x1b[99999999999${final} two`), "one two");
  });
}

test("a flood of counts that a screen may have does not keep the page", {
  timeout: HANGS_MS,
}, async () => {
  const before = "line\r\n".repeat(1000);
  assert.equal(await firstRow(`${before}${"\x1b[999S".repeat(20_000)}\x1b[2J\x1b[Hafter`), "after");
});

test("of a flood of new screens only some are made", async () => {
  assert.equal(await firstRow(`${"\x1bc".repeat(100)}kept\x1bc`), "kept");
  assert.equal(await firstRow("gone\x1bcnew"), "new");
});

test("a count that a screen may have is taken as it is", async () => {
  assert.equal(await firstRow("a\x1b[5b"), "aaaaaa");
  assert.equal(await firstRow("one\x1b[999S\x1b[Htwo"), "two");
  assert.equal(await firstRow("gone\x1b[H\x1b[1000Mleft"), "left");
});
