/** This network: tries each way, and shows what came of it. */

import { isReached, opensSocket } from "../lib/trial.js";

/**
 * @param {string} name
 * @param {(place: HTMLElement) => Promise<boolean> | undefined} attempt
 */
async function judge(name, attempt) {
  const place = document.querySelector(`[data-try=${name}]`);
  if (!(place instanceof HTMLElement)) return;
  const trying = attempt(place);
  if (!trying) return;
  const outcome = (await trying) ? "good" : "failed";
  for (const part of place.querySelectorAll("[data-when]")) {
    part.toggleAttribute("hidden", part.getAttribute("data-when") !== outcome);
  }
}

judge("live", () => opensSocket("/network/live"));
judge("previews", ({ dataset }) => (dataset.trial ? isReached(dataset.trial) : undefined));
