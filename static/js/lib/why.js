/** Why a page that has loaded gets no live connection: asked of the door, and said over the page. */

import { proseNodes } from "./dom.js";

/** @typedef {{sentence: string, hint: string}} Reason */

const PATIENCE_MS = 6000;
const DOOR = "/socket.io/?EIO=4&transport=polling";
const NOTHING_REFUSED = 400; // the engine's own word: it was reached, and such a question isn't for it
const MARK = "data-unreached";

/** @type {Reason} */
const CUT = {
  sentence: "Pages arrive here, but live connections are cut off on the way.",
  hint: "Try another network, and tell your instructor. The page tries again by itself.",
};

/**
 * Asks where live connections begin, as a page of ours does, and opens none.
 * @returns {Promise<Reason | null>} null where nobody refuses: the server is away, or it is back
 */
export async function whyRefused() {
  const answer = await ask(DOOR, "POST");
  if (!answer) return (await ask("/healthz", "GET")) ? CUT : null;
  if (answer.status === NOTHING_REFUSED) return null;
  const said = await answer.json().catch(() => null);
  return said?.problem ?? between(answer.status);
}

/**
 * @param {Reason | null} reason null takes it away
 */
export function showReason(reason) {
  const before = document.querySelector(`[${MARK}]`);
  if (!reason) return before?.remove();
  const note = before ?? document.body.appendChild(document.createElement("p"));
  note.setAttribute(MARK, "");
  note.setAttribute("role", "alert");
  note.className = "note note--card refused";
  note.replaceChildren(...proseNodes(`${reason.sentence} ${reason.hint}`.trim()));
}

/**
 * @param {number} status of an answer that isn't the server's
 * @returns {Reason}
 */
function between(status) {
  return {
    sentence: `The page loads, but something before Slipway answers its live connection with ${status}.`,
    hint: "Whoever runs the server: the proxy in front has to pass `/socket.io/` on (docs/operating.md, A proxy in front).",
  };
}

/**
 * @param {string} path
 * @param {string} method
 * @returns {Promise<Response | null>} null where nothing came back
 */
function ask(path, method) {
  const signal = AbortSignal.timeout(PATIENCE_MS);
  return fetch(path, { method, cache: "no-store", signal }).catch(() => null);
}
