/** How a link's frames travel: a websocket of their own, or Socket.IO's polling where a network strips those. */

import { Outbox } from "./outbox.js";

/**
 * @typedef {import("./link.js").Connect} Connect
 * @typedef {import("./link.js").Ears} Ears
 * @typedef {import("./link.js").Wish} Wish
 * @typedef {{ask: (name: string, fields: Record<string, unknown>) => Promise<any>, tell: (name: string, fields: any) => void,
 *   on: (name: string, hear: (fact: any) => void) => void}} Room
 */

/**
 * How often a websocket may fail to open while the page's other connection stands, until that one is used. Where one
 * has opened before, the network strips none: it was away, and the other connection hasn't noticed yet.
 */
const FAILURES = 1;
const FAILURES_AFTER_SUCCESS = 5;
const OPEN_MS = 10_000;
const TRY_AGAIN_LATER = 1013; // the server's own word: the opening got through, the pump is away

/**
 * @param {string} terminal `LAB.NAME`
 * @param {() => Room} room the page's `/terminal` connection; made when it is first needed
 * @returns {Connect}
 */
export function transportFor(terminal, room) {
  const page = randomWord();
  let failures = 0;
  let most = FAILURES;
  let isInDoubt = false;
  return (wish, ears) => {
    const channels = isInDoubt ? channelsOf(room()) : null;
    const isOther = channels?.isConnected;
    if (isOther && failures >= most) return overPolling(terminal, channels, wish, ears);
    let wasOpen = false;
    return overWebSocket(address(terminal, wish, page), {
      ...ears,
      said(payload) {
        wasOpen = true;
        failures = 0;
        most = FAILURES_AFTER_SUCCESS;
        ears.said(payload);
      },
      closed(code) {
        if (!wasOpen && code !== TRY_AGAIN_LATER) {
          isInDoubt = true;
          if (isOther && channels?.isConnected) failures += 1;
        }
        ears.closed();
      },
    });
  };
}

/** Names this terminal of this page, so that its next connection takes the place of one that is given up. */
function randomWord() {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (each) => each.toString(36)).join(
    "",
  );
}

/**
 * @param {string} terminal
 * @param {Wish} wish
 * @param {string} page
 */
function address(terminal, { after, epoch }, page) {
  const url = new URL(`/terminal/${terminal.replace(".", "/")}`, location.href);
  url.searchParams.set("page", page);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  if (after !== null && epoch !== null) {
    url.searchParams.set("after", String(after));
    url.searchParams.set("epoch", String(epoch));
  }
  return url;
}

/**
 * @param {URL} url
 * @param {Ears & {closed: (code: number) => void}} ears
 */
function overWebSocket(url, ears) {
  const socket = new WebSocket(url);
  socket.binaryType = "arraybuffer";
  // A network that swallows the opening would keep the page waiting for minutes.
  const timer = setTimeout(() => socket.close(), OPEN_MS);
  socket.onmessage = ({ data }) => {
    clearTimeout(timer);
    ears.said(data);
  };
  socket.onclose = ({ code }) => {
    clearTimeout(timer);
    ears.closed(code);
  };
  return {
    /** @param {Uint8Array} frame */
    send(frame) {
      if (socket.readyState === WebSocket.OPEN) socket.send(/** @type {BufferSource} */ (frame));
    },
    close() {
      clearTimeout(timer);
      socket.onclose = null;
      socket.onmessage = null;
      socket.close();
    },
  };
}

/**
 * The page's one Socket.IO connection for terminals, and who listens to it.
 * @typedef {{room: Room, isConnected: boolean, ears: Map<string, Ears>}} Channels
 */

/** @type {WeakMap<Room, Channels>} */
const known = new WeakMap();

/**
 * @param {Room} room
 * @returns {Channels}
 */
function channelsOf(room) {
  const before = known.get(room);
  if (before) return before;
  /** @type {Channels} */
  const channels = { room, isConnected: false, ears: new Map() };
  known.set(room, channels);
  room.on("connect", () => {
    channels.isConnected = true;
  });
  room.on("said", ({ terminal, data }) => channels.ears.get(terminal)?.said(data));
  room.on("closed", ({ terminal }) => channels.ears.get(terminal)?.closed());
  room.on("disconnect", () => {
    channels.isConnected = false;
    for (const ears of [...channels.ears.values()]) ears.closed();
  });
  return channels;
}

/**
 * @param {string} terminal
 * @param {Channels} channels
 * @param {Wish} wish
 * @param {Ears} ears
 */
function overPolling(terminal, { room, ears: all }, { after, epoch }, ears) {
  all.set(terminal, ears);
  room.ask("open", { terminal, after, epoch }).catch((problem) => {
    ears.refused({ code: problem.code ?? "", sentence: problem.message, hint: "" });
    ears.closed();
  });
  const outbox = new Outbox((data) => room.ask("send", { terminal, data }));
  return {
    isSlower: true,
    /** @param {Uint8Array} frame */
    send: (frame) => outbox.add(frame),
    close() {
      if (all.get(terminal) !== ears) return;
      all.delete(terminal);
      room.tell("close", { terminal });
    },
  };
}
