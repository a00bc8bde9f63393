/** Whether the network between this browser and the server lets something through. */

const PATIENCE_MS = 6000;

/**
 * Whether an address on another origin answers at all.
 * @param {string} address
 * @returns {Promise<boolean>}
 */
export function isReached(address) {
  /** @type {RequestInit} */
  const how = { mode: "no-cors", cache: "no-store", credentials: "omit" };
  return fetch(address, { ...how, signal: AbortSignal.timeout(PATIENCE_MS) }).then(
    () => true,
    () => false,
  );
}

/**
 * Whether a websocket to one of our own addresses opens.
 * @param {string} path
 * @returns {Promise<boolean>}
 */
export function opensSocket(path) {
  return new Promise((resolve) => {
    const address = new URL(path, location.href);
    address.protocol = address.protocol.replace("http", "ws");
    const socket = new WebSocket(address);
    const timer = setTimeout(() => end(false), PATIENCE_MS);
    /** @param {boolean} opened */
    const end = (opened) => {
      clearTimeout(timer);
      socket.close();
      resolve(opened);
    };
    socket.onopen = () => end(true);
    socket.onerror = () => end(false);
  });
}
