import assert from "node:assert/strict";
import { test } from "node:test";
import { wireCard } from "../../../static/js/lib/live.js";

function twoCards() {
  const asked = /** @type {boolean[]} */ ([]);
  const room = { asked, refuses: false, ask, on: () => {} };
  /** @param {string} _name @param {{on: boolean}} fields */
  function ask(_name, { on }) {
    asked.push(on);
    return room.refuses ? Promise.reject(new Error("no lab")) : Promise.resolve({});
  }
  const card = () => ({ follows: async (/** @type {boolean} */ isOn) => isOn, lose: () => {} });
  const [one, other] = [card(), card()];
  wireCard(/** @type {any} */ (room), "processes", [one, other], () => {});
  return { room, one, other };
}

test("the server tells of a card as long as it is open in one of its places", async () => {
  const { room, one, other } = twoCards();
  for (const step of [() => one.follows(true), () => other.follows(true)]) assert(await step());
  for (const step of [() => one.follows(false), () => other.follows(false)]) await step();
  assert.deepEqual(room.asked, [true, true, true, false]);
});

test("one that may not follow looks by itself, and holds on to nothing", async () => {
  const { room, one, other } = twoCards();
  room.refuses = true;
  assert.equal(await one.follows(true), false);
  room.refuses = false;
  assert.equal(await other.follows(true), true);
  await other.follows(false);
  assert.deepEqual(room.asked, [true, true, false]);
});
