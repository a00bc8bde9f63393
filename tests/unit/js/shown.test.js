import assert from "node:assert/strict";
import { test } from "node:test";
import { Echo, SLOW_MS } from "../../../static/js/terminal/echo.js";
import { mending } from "../../../static/js/terminal/mend.js";
import { whatArrived } from "../../../static/js/terminal/missed.js";
import { Panes } from "../../../static/js/terminal/panes.js";

const CALM = {
  isAlternate: false,
  mouse: "none",
  isInserting: false,
  isOrigin: false,
  tellsFocus: false,
  isUnknown: false,
  line: "learner@lab:~$ ",
};

test("a terminal that is chosen takes the place of the one in front", () => {
  const panes = new Panes();
  panes.choose("1");
  panes.choose("2");
  assert.deepEqual([panes.seen, panes.chosen], [["2"], "2"]);
});

test("two are seen at once, and the same way again shows one", () => {
  const panes = new Panes();
  panes.choose("1");
  assert.equal(panes.split("rows", ["1"]), false);
  assert.equal(panes.split("rows", ["1", "2", "3"]), true);
  assert.deepEqual([panes.way, panes.seen], ["rows", ["1", "2"]]);
  panes.split("columns", ["1", "2", "3"]);
  assert.deepEqual([panes.way, panes.seen], ["columns", ["1", "2"]]);
  panes.choose("2");
  panes.choose("3");
  assert.deepEqual([panes.seen, panes.chosen], [["1", "3"], "3"]);
  panes.split("columns", ["1", "2", "3"]);
  assert.deepEqual([panes.way, panes.seen], ["one", ["3"]]);
});

test("a terminal that is closed leaves its place to the next, or to the other", () => {
  const panes = new Panes();
  panes.choose("1");
  panes.split("rows", ["1", "2", "3"]);
  panes.remove("1", ["2", "3"]);
  assert.deepEqual([panes.way, panes.seen, panes.chosen], ["rows", ["3", "2"], "3"]);
  panes.remove("2", ["3"]);
  assert.deepEqual([panes.way, panes.seen, panes.chosen], ["one", ["3"], "3"]);
});

test("keys are slow when most of the last five were", () => {
  let now = 0;
  const echo = new Echo(() => now);
  const key = (ms) => {
    echo.sent();
    now += ms;
    echo.heard();
  };
  for (let n = 0; n < 5; n++) key(20);
  assert.equal(echo.slowMs, null);
  key(2000);
  key(2000);
  assert.equal(echo.slowMs, null, "two were late, and three were not");
  key(SLOW_MS + 200);
  assert.equal(echo.slowMs, SLOW_MS + 200);
  echo.forget();
  assert.equal(echo.slowMs, null);
});

test("output that nobody's key brought says nothing about keys", () => {
  let now = 0;
  const echo = new Echo(() => now);
  for (let n = 0; n < 9; n++) {
    now += 1000;
    echo.heard();
    echo.sent(); // a shell that reads in secret echoes nothing for a long time
    now += 10_000;
  }
  assert.equal(echo.slowMs, null);
});

test("a terminal in which all is well is left alone", () => {
  assert.equal(mending(CALM), "");
});

test("the mouse is the page's again after a program that died", () => {
  const bytes = mending({ ...CALM, mouse: "any" });
  assert.match(bytes, /\[\?1003l/);
  assert.match(bytes, /\[\?25h/);
  assert.doesNotMatch(bytes, /1049/);
});

test("the prompt comes along from the screen that a dead program left", () => {
  assert.ok(mending({ ...CALM, isAlternate: true }).endsWith("\x1b[?1049l\r\nlearner@lab:~$ "));
});

test("who comes back is told how many lines came, and how much did not", () => {
  const kept = (lines) => whatArrived({ lines, lostBytes: 0 });
  assert.equal(kept(0), "Nothing was lost.");
  assert.equal(kept(1), "Nothing was lost; 1 line arrived while you were away.");
  assert.match(kept(20), /20 lines arrived/);
  const lost = (lostBytes) => whatArrived({ lines: 20, lostBytes });
  assert.match(lost(1), /the first 1\u00a0kB it printed are no longer kept/);
  assert.match(lost(1_234_567), /first 1\.2\u00a0MB/);
  assert.match(lost(599_000_000), /first 599\u00a0MB/);
  assert.match(lost(null), /a new one/);
});
