import assert from "node:assert/strict";
import { test } from "node:test";
import { tidyCode } from "../../../static/js/lib/code.js";
import { level, megabytes } from "../../../static/js/lib/figures.js";
import { keyName } from "../../../static/js/lib/keys.js";
import { linked, ordinal } from "../../../static/js/lib/words.js";

const PLAIN = { ctrlKey: false, altKey: false, metaKey: false, shiftKey: false };

test("a code gets its dash and its capitals whatever was typed", () => {
  assert.equal(tidyCode("klp42q"), "KLP-42Q");
  assert.equal(tidyCode(" k l p – 4 2 q 7"), "KLP-42Q");
  assert.equal(tidyCode("klp"), "KLP");
  assert.equal(tidyCode("KLP-"), "KLP-");
  assert.equal(tidyCode("KL-"), "KL");
});

test("an unknown figure is a dash and never 0", () => {
  assert.equal(megabytes(null), "–");
  assert.equal(megabytes(148 * 1024 ** 2), "148");
});

test("a figure is near its limit from 85 %, and full from 99 %", () => {
  assert.deepEqual(
    [84, 85, 98, 99].map((value) => level(value, 100)),
    ["calm", "near", "near", "full"],
  );
  assert.equal(level(null, 100), "calm");
  assert.equal(level(5, 0), "calm");
});

test("a key has one name however it is typed", () => {
  assert.equal(keyName({ ...PLAIN, key: "c" }), "C");
  assert.equal(keyName({ ...PLAIN, key: "H", shiftKey: true }), "Shift+H");
  assert.equal(keyName({ ...PLAIN, key: "?", shiftKey: true }), "?");
  assert.equal(keyName({ ...PLAIN, key: "Enter", ctrlKey: true }), "Ctrl+Enter");
  assert.equal(keyName({ ...PLAIN, key: "F6", shiftKey: true }), "Shift+F6");
});

test("places in a line are said as people say them", () => {
  const said = [1, 2, 3, 4, 11, 12, 13, 21, 102].map(ordinal);
  assert.deepEqual(said, ["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "102nd"]);
});

test("addresses on the web become links in a text, and nothing else does", () => {
  const text = "See https://example.org/a?b=1, or javascript:alert(1) (http://x.org).";
  assert.deepEqual(
    linked(text)
      .filter(({ href }) => href)
      .map(({ href }) => href),
    ["https://example.org/a?b=1", "http://x.org"],
  );
  const words = linked(text).map((part) => part.words);
  assert.equal(words.join(""), text);
});
