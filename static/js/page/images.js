/** Images: how far each fetch is, as it goes; when one has ended the page is read anew. */

import { isWriting } from "../lib/dom.js";
import { say } from "../lib/say.js";
import { Room } from "../lib/socket.js";

const ON_THE_WAY = ["waiting", "fetching"];
const MIB = 1024 * 1024;
const room = new Room("/images");

/**
 * @typedef {{name: string, state: string, step: string, done_bytes: number, total_bytes: number,
 *   problem: {sentence: string} | null}} Fetch
 */

/** @param {Fetch} fetch */
function show(fetch) {
  const row = document.querySelector(`tr[data-image="${CSS.escape(fetch.name)}"]`);
  if (!(row instanceof HTMLElement)) {
    if (ON_THE_WAY.includes(fetch.state)) readAnew();
    return;
  }
  const bar = row.querySelector("progress");
  const amount = row.querySelector("[data-amount]");
  if (row.dataset.state === fetch.state && bar && amount) {
    amount.textContent = words(fetch);
    bar.max = fetch.total_bytes || 1;
    bar.value = fetch.done_bytes;
  } else if (ON_THE_WAY.includes(fetch.state) || ON_THE_WAY.includes(row.dataset.state ?? "")) {
    if (!ON_THE_WAY.includes(fetch.state)) say(ending(fetch));
    readAnew();
  }
}

/** @param {Fetch} fetch */
function words({ step, done_bytes, total_bytes }) {
  if (!total_bytes) return step;
  const percent = Math.floor((done_bytes * 100) / total_bytes);
  const [done, total] = [done_bytes, total_bytes].map((bytes) => Math.round(bytes / MIB));
  return `${percent} %, ${done} MB of ${total} MB`;
}

/** @param {Fetch} fetch */
function ending({ name, state, problem }) {
  if (state === "here") return `${name} is here.`;
  return problem?.sentence ?? `${name} was given up.`;
}

/** Not under somebody's hands: who is writing sees it when they are done. */
function readAnew() {
  if (!isWriting(document.activeElement)) location.reload();
}

room.on("connect", async () => {
  const { fetches } = await room.ask("watch");
  for (const fetch of fetches) show(fetch);
});
room.on("fetch", show);
