import assert from "node:assert/strict";
import { test } from "node:test";
import { isOvertaken, timeLeft, timeMark } from "../../../static/js/lib/time.js";

/** @param {number} seconds */
const text = (seconds) => timeLeft(seconds).text.replaceAll("\u00a0", " ");

test("minutes are rounded up, seconds stand only in the last two minutes", () => {
  assert.equal(text(38 * 60 - 5), "38 min left");
  assert.equal(text(121), "3 min left");
  assert.equal(text(119.9), "1:59 left");
  assert.equal(text(0), "Time is up");
});

test("hours and days are said as such", () => {
  assert.equal(text(2 * 3600), "2 h left");
  assert.equal(text(3 * 3600 - 60), "2 h 59 min left");
  assert.equal(text(7 * 24 * 3600), "7 days left");
});

test("ten minutes warn and two are bad", () => {
  assert.deepEqual(
    [601, 600, 121, 120].map((seconds) => timeLeft(seconds).level),
    ["calm", "warn", "warn", "bad"],
  );
});

test("each mark is spoken once, when it is passed", () => {
  assert.equal(timeMark(601, 600), "10 minutes left.");
  assert.equal(timeMark(600, 599), "");
  assert.equal(timeMark(121, 120), "2 minutes left.");
  assert.equal(timeMark(61, 59), "1 minute left.");
  assert.equal(timeMark(1, 0), "Time is up.");
  assert.equal(timeMark(0, -1), "");
});

test("what was measured before is overtaken, unless the clock was set back", () => {
  assert.deepEqual(
    [1000.5, 1000, 999.5, 941, 940, 5].map((at) => isOvertaken(at, 1000)),
    [false, false, true, true, false, false],
  );
  assert.equal(isOvertaken(1000, 0), false); // nothing is shown yet
});
