import assert from "node:assert/strict";
import { test } from "node:test";
import { follow } from "../../../static/js/panel/life.js";

/**
 * @param {string} id
 * @param {number} second in which it was made
 */
const container = (id, second) => ({
  id,
  name: id,
  image: "localhost/old-php",
  state: "running",
  exit_code: 0,
  created_at: second,
});

test("a container that is gone was removed, until a newer one comes", () => {
  const [older, gone] = [container("older", 1), container("gone", 2)];
  const removed = follow(gone, [older]);
  assert.equal(removed?.state, "removed");
  assert.equal(follow(removed, [older])?.id, "gone");
  assert.equal(follow(removed, [container("newer", 3), older])?.id, "newer");
});

test("one that was made in the second of one that is gone is followed", () => {
  const removed = follow(container("gone", 2), []);
  assert.equal(follow(removed, [container("newer", 2)])?.id, "newer");
});
