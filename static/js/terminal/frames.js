/** What a terminal's frames say: the table in docs/reference.md, "Terminal frames". */

/**
 * @typedef {{terminal: string, epoch: number, seq: number, rows: number, cols: number,
 *   may: "type" | "watch" | "help", replay: "exact" | "screen" | "fresh", preamble: string}} Hello
 * @typedef {{code: string, sentence: string, hint: string}} Problem
 * @typedef {{type: "hello", hello: Hello} | {type: "output", seq: number, data: Uint8Array}
 *   | {type: "ready"} | {type: "size", rows: number, cols: number}
 *   | {type: "front", hasProgram: boolean} | {type: "taken"} | {type: "here"}
 *   | {type: "ended", reason: "shell" | "lab" | "withdrawn" | "until"}
 *   | {type: "problem", problem: Problem}} Frame
 */

const INPUT_BYTES = 32 * 1024;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * @param {ArrayBuffer | Uint8Array} payload
 * @returns {Frame | null} null for a type that this page doesn't know
 */
export function decode(payload) {
  const bytes = payload instanceof Uint8Array ? payload : new Uint8Array(payload);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const rest = bytes.subarray(1);
  switch (String.fromCharCode(bytes[0] ?? 0)) {
    case "H":
      return { type: "hello", hello: JSON.parse(decoder.decode(rest)) };
    case "O":
      return { type: "output", seq: Number(view.getBigUint64(1)), data: bytes.subarray(9) };
    case "R":
      return { type: "ready" };
    case "S":
      return { type: "size", rows: view.getUint16(1), cols: view.getUint16(3) };
    case "F":
      return { type: "front", hasProgram: bytes[1] === 1 };
    case "T":
      return { type: "taken" };
    case "K":
      return { type: "here" };
    case "E":
      return { type: "ended", reason: JSON.parse(decoder.decode(rest)).reason };
    case "P":
      return { type: "problem", problem: JSON.parse(decoder.decode(rest)) };
    default:
      return null;
  }
}

/**
 * What was typed, in pieces that the server takes: a short one goes as it is, of a long one each piece is answered.
 * @param {string} text
 * @returns {Uint8Array[]}
 */
export function inputFrames(text) {
  const bytes = encoder.encode(text);
  const type = bytes.length > INPUT_BYTES ? "T" : "I";
  const frames = [];
  for (let at = 0; at < bytes.length; at += INPUT_BYTES) {
    frames.push(withType(type, bytes.subarray(at, at + INPUT_BYTES)));
  }
  return frames;
}

/** @param {Uint8Array} frame */
export function isAnswered(frame) {
  return frame[0] === 0x54;
}

/**
 * @param {number} rows
 * @param {number} cols
 */
export function resizeFrame(rows, cols) {
  return Uint8Array.of(0x5a, rows >> 8, rows & 255, cols >> 8, cols & 255);
}

/** A knock, which is answered at once. */
export function knockFrame() {
  return Uint8Array.of(0x4b);
}

/** @param {number} seq */
export function drawnFrame(seq) {
  const frame = new Uint8Array(9);
  frame[0] = 0x41;
  new DataView(frame.buffer).setBigUint64(1, BigInt(seq));
  return frame;
}

/**
 * @param {string} type
 * @param {Uint8Array} bytes
 */
function withType(type, bytes) {
  const frame = new Uint8Array(bytes.length + 1);
  frame[0] = type.charCodeAt(0);
  frame.set(bytes, 1);
  return frame;
}
