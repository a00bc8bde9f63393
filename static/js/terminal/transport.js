/** How a link's frames travel: a websocket of their own, or Socket.IO's polling where a network strips those. */

/**
 * @typedef {import("./link.js").Connect} Connect
 * @typedef {import("./link.js").Ears} Ears
 * @typedef {import("./link.js").Wish} Wish
 * @typedef {{ask: (name: string, fields: Record<string, unknown>) => Promise<any>, tell: (name: string, fields: any) => void,
 *   on: (name: string, hear: (fact: any) => void) => void}} Room
 */

/** How often a websocket may fail before it ever opened, until polling is tried. */
const FAILURES = 2;
const OPEN_MS = 10_000;

/**
 * @param {string} terminal `LAB.NAME`
 * @param {() => Room} room the page's `/terminal` connection; made when it is first needed
 * @returns {Connect}
 */
export function transportFor(terminal, room) {
  let failures = 0;
  return (wish, ears) => {
    if (failures >= FAILURES) return overPolling(terminal, room(), wish, ears);
    let wasOpen = false;
    return overWebSocket(address(terminal, wish), {
      ...ears,
      said(payload) {
        wasOpen = true;
        failures = 0;
        ears.said(payload);
      },
      closed() {
        if (!wasOpen) failures += 1;
        ears.closed();
      },
    });
  };
}

/**
 * @param {string} terminal
 * @param {Wish} wish
 */
function address(terminal, { after, epoch }) {
  const url = new URL(`/terminal/${terminal.replace(".", "/")}`, location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  if (after !== null && epoch !== null) {
    url.searchParams.set("after", String(after));
    url.searchParams.set("epoch", String(epoch));
  }
  return url;
}

/**
 * @param {URL} url
 * @param {Ears} ears
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
  socket.onclose = () => {
    clearTimeout(timer);
    ears.closed();
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

/** @type {WeakMap<Room, Map<string, Ears>>} */
const listeners = new WeakMap();

/**
 * One pair of listeners for each page, however often its terminals come back.
 * @param {Room} room
 */
function earsOf(room) {
  const known = listeners.get(room);
  if (known) return known;
  /** @type {Map<string, Ears>} */
  const ears = new Map();
  listeners.set(room, ears);
  room.on("said", ({ terminal, data }) => ears.get(terminal)?.said(data));
  room.on("closed", ({ terminal }) => ears.get(terminal)?.closed());
  room.on("disconnect", () => {
    for (const each of [...ears.values()]) each.closed();
  });
  return ears;
}

/**
 * @param {string} terminal
 * @param {Room} room
 * @param {Wish} wish
 * @param {Ears} ears
 */
function overPolling(terminal, room, { after, epoch }, ears) {
  const all = earsOf(room);
  all.set(terminal, ears);
  room.ask("open", { terminal, after, epoch }).catch((problem) => {
    ears.refused({ code: problem.code ?? "", sentence: problem.message, hint: "" });
    ears.closed();
  });
  return {
    /** @param {Uint8Array} frame */
    send: (frame) => room.tell("send", { terminal, data: frame }),
    close() {
      if (all.get(terminal) === ears) all.delete(terminal);
      room.tell("close", { terminal });
    },
  };
}
