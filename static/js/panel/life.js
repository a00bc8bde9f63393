/** Which of the learner's containers a drawing follows, and where in its life that one is. */

import { shortName } from "./layers.js";

/**
 * @typedef {{id: string, name: string, image: string, state: string, exit_code: number,
 *   created_at: number}} Container
 */

/** What engines call their states, as the drawing has them. */
const STATES = /** @type {Record<string, string>} */ ({
  created: "created",
  configured: "created",
  initialized: "created",
  running: "running",
  paused: "paused",
  exited: "exited",
  stopped: "exited",
});

/**
 * The newest container; one that was followed and is gone was removed, until a newer one comes (of
 * the same second, maybe: engines tell no less).
 * @param {Container | null} before
 * @param {Container[]} containers newest first
 * @returns {Container | null}
 */
export function follow(before, containers) {
  const [newest] = containers;
  if (!before) return newest ?? null;
  const isGone = !containers.some(({ id }) => id === before.id);
  if (isGone && (!newest || newest.created_at < before.created_at)) {
    return { ...before, state: "removed" };
  }
  return newest ?? null;
}

/** @param {Container | null} container */
export function stateOf(container) {
  if (!container) return "image";
  return container.state === "removed" ? "removed" : (STATES[container.state] ?? "");
}

/** @param {Container | null} container */
export function wordsOf(container) {
  if (!container) return "You have no container yet; there are images only.";
  const image = shortName(container.image);
  const end = stateOf(container) === "exited" ? `, exit code ${container.exit_code}` : "";
  return `${container.name}, from ${image}: ${stateOf(container) || container.state}${end}.`;
}
