import assert from "node:assert/strict";
import { test } from "node:test";
import headless from "@xterm/headless";
import { passOverGreatCounts } from "../../../static/js/terminal/counts.js";

const HANGS_MS = 20_000; // without the handlers each of these takes minutes

/** What stands in the first row after this was printed. @param {string} text */
async function firstRow(text) {
  const term = new headless.Terminal({ rows: 5, cols: 20, allowProposedApi: true });
  passOverGreatCounts(term.parser);
  await new Promise((done) => term.write(text, () => done(null)));
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

test("a count that a screen may have is taken as it is", async () => {
  assert.equal(await firstRow("a\x1b[5b"), "aaaaaa");
  assert.equal(await firstRow("one\x1b[999S\x1b[Htwo"), "two");
  assert.equal(await firstRow("gone\x1b[H\x1b[1000Mleft"), "left");
});
