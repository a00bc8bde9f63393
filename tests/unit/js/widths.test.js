import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import headless from "@xterm/headless";
import { countAsTheShell } from "../../../static/js/terminal/widths.js";

/** The tables read themselves by node's Buffer where there is one, and then wrongly. */
function tables() {
  const { Buffer } = globalThis;
  // @ts-expect-error - as in a browser
  globalThis.Buffer = undefined;
  try {
    return createRequire(import.meta.url)("@xterm/addon-unicode-graphemes");
  } finally {
    globalThis.Buffer = Buffer;
  }
}

const { UnicodeGraphemesAddon } = tables();

/** Cells of the first row, and the cursor's column, after this. @param {string} text */
async function printed(text) {
  const term = new headless.Terminal({ rows: 5, cols: 200, allowProposedApi: true });
  countAsTheShell(term, new UnicodeGraphemesAddon());
  await new Promise((done) => term.write(text, () => done(null)));
  const line = term.buffer.active.getLine(0);
  const cells = Array.from({ length: 200 }, (_, at) => line?.getCell(at)?.getChars() ?? "");
  return { cells: cells.filter(Boolean), column: term.buffer.active.cursorX };
}

// What glibc's wcwidth says, summed up.
for (const [what, text, columns] of /** @type {[string, string, number][]} */ ([
  ["letters", "abc", 3],
  ["a family", "👨\u200d👩\u200d👧", 6],
  ["a skin", "👍🏽", 4],
  ["an emoji by a selector", "❤\ufe0f", 1],
  ["a keycap", "1\ufe0f\u20e3", 1],
  ["a flag", "🇩🇪", 2],
  ["Chinese", "李雷", 4],
  ["an accent of its own", "e\u0301x", 2],
  ["Thai", "ที่", 1],
  ["Korean in parts", "\u1112\u1161\u11ab", 2],
  ["Devanagari", "क्षि", 3],
  ["Hebrew with vowels", "שָׁלוֹם", 4],
  ["a space of no width", "a\u200bb", 2],
  ["a soft hyphen", "a\u00adb", 3],
])) {
  test(`${what} takes as many columns as the shell counts`, async () => {
    assert.equal((await printed(text)).column, columns);
  });
}

test("a mark stands on its letter, and thousands of them on several", async () => {
  assert.deepEqual((await printed("e\u0301x")).cells, ["e\u0301", "x"]);
  const { cells } = await printed(`e${"\u0301".repeat(1000)}`);
  assert.ok(cells.length > 30);
  assert.ok(Math.max(...cells.map((cell) => cell.length)) <= 31);
});
