import assert from "node:assert/strict";
import { test } from "node:test";
import { Sizes } from "../../../static/js/terminal/sizes.js";
import { shownTitle } from "../../../static/js/terminal/title.js";

/** Sizes whose screen takes `costMs` for each, by a clock of the test's. @param {number} costMs */
function scene(costMs) {
  let now = 0;
  /** @type {(() => void) | null} */
  let due = null;
  /** @type {string[]} */
  const taken = [];
  const clock = {
    now: () => now,
    later: (ms, deed) => {
      due = () => {
        now += ms;
        due = null;
        deed();
      };
      return 1;
    },
    cancel: () => {
      due = null;
    },
  };
  const sizes = new Sizes((rows, cols) => {
    now += costMs;
    taken.push(`${rows}x${cols}`);
  }, clock);
  return { sizes, taken, wait: () => due?.(), isWaiting: () => due !== null };
}

test("sizes that cost little are all taken, in their places", () => {
  const { sizes, taken } = scene(1);
  for (let rows = 1; rows <= 400; rows++) sizes.take(rows, 80);
  assert.equal(taken.length, 400);
});

test("a flood of dear sizes is passed over, but for the last", () => {
  const { sizes, taken, wait, isWaiting } = scene(100);
  for (let n = 0; n < 5000; n++) sizes.take(40, 20 + (n % 2));
  sizes.take(30, 90);
  assert.ok(taken.length < 8);
  wait();
  assert.equal(taken.at(-1), "30x90");
  assert.equal(isWaiting(), false);
});

test("a size that waits is forgotten with its terminal", () => {
  const { sizes, taken, wait } = scene(1000);
  sizes.take(40, 20);
  sizes.take(30, 90);
  sizes.close();
  wait();
  assert.deepEqual(taken, ["40x20"]);
});

test("a title of megabytes is read no further than it is shown", { timeout: 20_000 }, () => {
  assert.equal(shownTitle("a@".repeat(500_000)), "a@".repeat(30)); // seconds for each 40 KB otherwise
  assert.equal(shownTitle("learner@lab:~/work"), "");
  assert.equal(shownTitle("~/work"), "");
  assert.equal(shownTitle("vim notes"), "vim notes");
});
