import assert from "node:assert/strict";
import { test } from "node:test";
import {
  counts,
  fits,
  inOrder,
  news,
  nobody,
  taken,
  whereabouts,
  words,
} from "../../../static/js/wall/order.js";
import { neighbour } from "../../../static/js/wall/places.js";
import { Rows } from "../../../static/js/wall/runs.js";

const OTTER = {
  name: "Otter",
  is_staff: false,
  state: "working",
  text: "{min} min",
  since: 1000,
  step_since: 1000,
  detail: "",
  last: null,
  lab_state: "ready",
  rank: [4, 3, 1],
};

/** @param {object} more */
const learner = (more) => /** @type {any} */ ({ ...OTTER, ...more });

test("hands come before limits, and who lies behind before who is ahead", () => {
  const class_ = [
    learner({ name: "ahead", rank: [4, 5, 1] }),
    learner({ name: "behind", rank: [4, 2, 9] }),
    learner({ name: "limit", rank: [1, 50] }),
    learner({ name: "hand", rank: [0, 90] }),
    learner({ name: "longer", rank: [0, 10] }),
  ];
  const names = inOrder(class_).map(({ name }) => name);
  assert.deepEqual(names, ["longer", "hand", "limit", "behind", "ahead"]);
});

test("a tile says its minutes, how long the step takes and how the last check went", () => {
  const stuck = learner({
    state: "stuck",
    text: "Same check failed 3 times",
    last: { passed: false, broke: false },
  });
  assert.deepEqual(words(stuck, 1000 + 9 * 60), {
    text: "Same check failed 3 times",
    detail: "9 min on this step · check not yet",
  });
  const slow = learner({ text: "{min} min on this step", detail: "twice what the class took" });
  assert.deepEqual(words(slow, 1000 + 9 * 60 + 59), {
    text: "9 min on this step",
    detail: "twice what the class took",
  });
  assert.equal(words(learner({}), 900).text, "0 min");
});

test("a filter shows its kind, a name is found by a part of it", () => {
  const class_ = [learner({}), learner({ state: "away" }), learner({ is_staff: true })];
  assert.equal(counts(class_).all, 3);
  assert.equal(counts(class_).away, 1);
  assert.ok(fits(learner({ name: "Ada Lovelace" }), "all", " love"));
  assert.ok(!fits(learner({ name: "Ada" }), "stuck", ""));
  assert.equal(nobody("stuck", ""), "Nobody is stuck. Choose Everyone to see the class.");
  assert.match(nobody("all", "zed"), /called “zed”. Empty the field Find/);
});

test("who waits in line or only tries the workshop takes no place", () => {
  const class_ = [learner({}), learner({ lab_state: "waiting" }), learner({ is_staff: true })];
  assert.equal(taken(class_), 1);
});

test("arrows go to the tile beside, and to the nearest of the next row", () => {
  const box = (/** @type {number} */ left, /** @type {number} */ top, width = 10) => ({
    left,
    top,
    width,
    height: 10,
  });
  const boxes = [box(0, 0, 20), box(20, 0, 20), box(0, 10), box(10, 10), box(20, 10), box(30, 10)];
  assert.equal(neighbour(boxes, 1, "ArrowRight"), 2);
  assert.equal(neighbour(boxes, 0, "ArrowLeft"), 0);
  assert.equal(neighbour(boxes, 1, "ArrowDown"), 4);
  assert.equal(neighbour(boxes, 5, "ArrowUp"), 1);
  assert.equal(neighbour(boxes, 5, "ArrowDown"), 5);
  assert.equal(neighbour(boxes, 3, "End"), 5);
  assert.equal(neighbour(boxes, 3, "a"), -1);
});

test("a small picture shows the last rows that have anything in them", () => {
  const rows = new Rows();
  /** @param {object} more */
  const fact = (more) => /** @type {any} */ ({ rows: 24, cols: 80, whole: false, ...more });
  const run = (/** @type {string} */ text) => [[0, text, null, null]];
  rows.take(fact({ whole: true, lines: { 0: run("a"), 2: run("c"), 3: run("d"), 5: [] } }));
  assert.deepEqual(rows.last(3), [[], run("c"), run("d")]);
  rows.take(fact({ lines: { 3: [] } }));
  assert.deepEqual(rows.last(9), [run("a"), [], run("c")]);
  rows.take(fact({ rows: 1, lines: {} }));
  assert.deepEqual(rows.last(9), [run("a")]);
  rows.take(fact({ whole: true, lines: {} }));
  assert.deepEqual(rows.last(9), []);
});

test("where the class is counts the lesson in which most are, without who has finished", () => {
  const at = (/** @type {number} */ step, lesson = "Images", more = {}) =>
    learner({ lesson, step, steps: 3, ...more });
  const class_ = [at(1), at(3), at(3), at(2, "Limits"), at(3, "Images", { state: "done" })];
  assert.deepEqual(whereabouts(class_), { lesson: "Images", steps: [1, 0, 2] });
  assert.equal(whereabouts([learner({ step: null })]), null);
});

test("who joins, raises a hand or finishes is worth a line, who goes on working isn't", () => {
  const otter = learner({});
  assert.equal(news(undefined, otter), "Otter joined");
  assert.equal(news(otter, learner({ state: "hand" })), "Otter raised a hand");
  assert.equal(news(otter, learner({ state: "idle" })), "");
  assert.equal(news(otter, otter), "");
});
