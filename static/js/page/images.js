/** Images: how far each fetch is, as it goes; when one has ended the page is read anew. */

import { isWriting } from "../lib/dom.js";
import { say } from "../lib/say.js";
import { Room } from "../lib/socket.js";

const ON_THE_WAY = ["waiting", "fetching"];
const MIB = 1024 * 1024;
// Most often by a proxy in front, which lets no file of this size through.
const REFUSED =
  "The file did not arrive. Whoever runs the server can load it there: ./slipway image load FILE.";
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

/** @param {HTMLFormElement} form */
function loads(form) {
  const wrong = /** @type {HTMLElement} */ (form.querySelector("[data-wrong]"));
  const sent = /** @type {HTMLProgressElement} */ (form.querySelector("[data-sent]"));
  const button = /** @type {HTMLButtonElement} */ (form.querySelector("button"));
  const fields = /** @type {{archive: HTMLInputElement, as: HTMLInputElement}} */ (
    /** @type {unknown} */ (form.elements)
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const file = fields.archive.files?.[0];
    if (!file) return;
    button.disabled = true;
    wrong.hidden = true;
    sent.hidden = false;
    const query = new URLSearchParams({ called: file.name, name: fields.as.value });
    const why = await send(`/images/load?${query}`, file, form.dataset.token ?? "", (part) => {
      sent.value = part;
    });
    if (!why) return location.reload();
    button.disabled = false;
    sent.hidden = true;
    wrong.hidden = false;
    /** @type {HTMLElement} */ (wrong.querySelector("span")).textContent = why;
    say(why);
  });
}

/**
 * Sends a file as it is; gives what was wrong, or nothing. Not by fetch(), which tells no progress.
 * @param {string} address
 * @param {File} file
 * @param {string} token
 * @param {(part: number) => void} tell
 * @returns {Promise<string>}
 */
function send(address, file, token, tell) {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open("POST", address);
    request.setRequestHeader("X-CSRFToken", token);
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.responseType = "json";
    request.upload.onprogress = ({ loaded, total }) => tell(loaded / (total || 1));
    request.onload = () => {
      const problem = request.response?.problem;
      if (problem) resolve(`${problem.sentence} ${problem.hint}`.trim());
      else resolve(request.status === 200 ? "" : REFUSED);
    };
    request.onerror = () => resolve(REFUSED);
    request.send(file);
  });
}

const form = document.querySelector("form[data-load]");
if (form instanceof HTMLFormElement) loads(form);
room.on("connect", async () => {
  const { fetches } = await room.ask("watch");
  for (const fetch of fetches) show(fetch);
});
room.on("fetch", show);
