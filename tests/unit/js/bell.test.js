import assert from "node:assert/strict";
import { test } from "node:test";

test("a page that rang while it was hidden has its own title again once it is seen", async () => {
  const seen = new EventTarget();
  const page = {
    hidden: true,
    title: "Step 1",
    getElementById: () => null,
    addEventListener: seen.addEventListener.bind(seen),
    removeEventListener: seen.removeEventListener.bind(seen),
  };
  let now = 10_000;
  Object.assign(globalThis, {
    document: page,
    window: globalThis,
    localStorage: { getItem: () => null },
  });
  Date.now = () => now;
  const { ring } = await import("../../../static/js/elements/terminal-bell.js");
  const element = /** @type {any} */ ({ dataset: {} });
  for (let n = 0; n < 3; n++) {
    ring(element, "shell 1");
    now += 1000;
  }
  assert.equal(page.title, "Bell in shell 1 · Step 1");
  seen.dispatchEvent(new Event("visibilitychange"));
  assert.equal(page.title, "Step 1");
  ring(element, "shell 2");
  assert.equal(page.title, "Bell in shell 2 · Step 1");
});
