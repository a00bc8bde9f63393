import assert from "node:assert/strict";
import { test } from "node:test";
import { ACK_BYTES, Credit } from "../../../static/js/terminal/credit.js";
import {
  decode,
  drawnFrame,
  inputFrames,
  resizeFrame,
} from "../../../static/js/terminal/frames.js";
import { Gate } from "../../../static/js/terminal/gate.js";
import {
  barBytes,
  cleanPaste,
  deedOf,
  Held,
  isAnswer,
  mustAsk,
  withHeld,
} from "../../../static/js/terminal/keys.js";
import { Outbox } from "../../../static/js/terminal/outbox.js";

const PRESS = { ctrlKey: false, altKey: false, metaKey: false, shiftKey: false };
const PLACE = { hasSelection: false, isMac: false, isAlternate: false };

test("what was drawn is told once for each 64 KiB", () => {
  const told = [];
  const credit = new Credit((seq) => told.push(seq));
  credit.restart(1000);
  credit.drew(1000 + ACK_BYTES - 1);
  credit.drew(1000 + ACK_BYTES);
  credit.drew(1000 + ACK_BYTES + 5);
  credit.restart(0);
  credit.drew(ACK_BYTES + 1);
  assert.deepEqual(told, [1000 + ACK_BYTES, ACK_BYTES + 1]);
});

test("a frame of output carries the number of its first byte", () => {
  const payload = Uint8Array.of(0x4f, 0, 0, 0, 1, 0, 0, 0, 2, 104, 105);
  const frame = decode(payload.buffer);
  assert.equal(frame.type, "output");
  assert.equal(frame.seq, 2 ** 32 + 2);
  assert.deepEqual([...frame.data], [104, 105]);
});

test("a frame of a type that is not known is left alone", () => {
  assert.equal(decode(Uint8Array.of(0x3f, 1)), null);
  assert.equal(decode(new Uint8Array()), null);
});

test("a long paste is cut into frames that the server takes", () => {
  const frames = inputFrames("é".repeat(50_000));
  assert.ok(frames.every((frame) => frame[0] === 0x54 && frame.length <= 32 * 1024 + 1));
  assert.equal(
    frames.reduce((sum, frame) => sum + frame.length - 1, 0),
    100_000,
  );
});

test("each piece of a paste waits until the program has the one before, and keys wait behind it", () => {
  const sent = [];
  const gate = new Gate((frame) => sent.push(frame));
  gate.add(inputFrames("x".repeat(80_000)));
  gate.add(inputFrames("later"));
  assert.equal(sent.length, 1);
  gate.open();
  gate.open();
  assert.equal(sent.length, 3);
  gate.open();
  assert.equal(new TextDecoder().decode(sent[3]), "Ilater");
});

test("an interrupt passes a paste, and what waited of it is forgotten", () => {
  const sent = [];
  const gate = new Gate((frame) => sent.push(frame));
  gate.add(inputFrames("x".repeat(80_000)));
  gate.drop();
  gate.add(inputFrames("\x03"));
  assert.equal(sent.length, 2);
  assert.deepEqual([...sent[1]], [0x49, 3]);
});

test("sizes and numbers are written as the table says", () => {
  assert.deepEqual([...resizeFrame(24, 300)], [0x5a, 0, 24, 1, 44]);
  assert.deepEqual([...drawnFrame(2 ** 32 + 5)], [0x41, 0, 0, 0, 1, 0, 0, 0, 5]);
});

for (const [name, press, place, deed] of [
  [
    "Ctrl C copies when text is selected",
    { key: "c", ctrlKey: true },
    { hasSelection: true },
    "copy",
  ],
  ["Ctrl C interrupts when nothing is", { key: "c", ctrlKey: true }, {}, "send"],
  [
    "Ctrl C always interrupts on a Mac",
    { key: "c", ctrlKey: true },
    { hasSelection: true, isMac: true },
    "send",
  ],
  [
    "Cmd C copies on a Mac",
    { key: "c", metaKey: true },
    { hasSelection: true, isMac: true },
    "copy",
  ],
  ["Ctrl V pastes on the normal screen", { key: "v", ctrlKey: true }, {}, "paste"],
  ["Ctrl V goes through to vim", { key: "v", ctrlKey: true }, { isAlternate: true }, "send"],
  [
    "Ctrl Shift V always pastes",
    { key: "V", ctrlKey: true, shiftKey: true },
    { isAlternate: true },
    "paste",
  ],
  ["Ctrl Shift C copies", { key: "C", ctrlKey: true, shiftKey: true }, {}, "copy"],
  ["Ctrl Shift L leaves", { key: "L", ctrlKey: true, shiftKey: true }, {}, "leave"],
  ["Ctrl L clears the screen", { key: "l", ctrlKey: true }, {}, "send"],
  ["Ctrl W deletes a word", { key: "w", ctrlKey: true }, {}, "send"],
  [
    "Alt Ctrl C is the program's",
    { key: "c", ctrlKey: true, altKey: true },
    { hasSelection: true },
    "send",
  ],
  ["a letter is a letter", { key: "l", shiftKey: true }, {}, "send"],
  ["Ctrl Insert copies", { key: "Insert", ctrlKey: true }, { hasSelection: true }, "copy"],
  ["Shift Insert pastes", { key: "Insert", shiftKey: true }, {}, "paste"],
  [
    "Ctrl C copies on a Russian keyboard",
    { key: "с", code: "KeyC", ctrlKey: true },
    { hasSelection: true },
    "copy",
  ],
  [
    "Ctrl Shift L leaves on a Greek keyboard",
    { key: "Λ", code: "KeyL", ctrlKey: true, shiftKey: true },
    {},
    "leave",
  ],
  [
    "AltGr with a letter is that letter",
    { key: "ł", code: "KeyL", ctrlKey: true, altKey: true, shiftKey: true },
    {},
    "send",
  ],
]) {
  test(name, () => {
    assert.equal(deedOf({ ...PRESS, ...press }, { ...PLACE, ...place }), deed);
  });
}

test("several lines are asked about unless the program brackets them", () => {
  assert.ok(mustAsk("one\ntwo", false));
  assert.ok(!mustAsk("one\ntwo", true));
  assert.ok(!mustAsk("one\n", false));
});

test("a page that one copied from can not end the bracket around a paste", () => {
  assert.equal(cleanPaste("ls\x1b[201~\nreboot\x9b201~\n"), "ls[201~\nreboot201~\n");
  assert.equal(cleanPaste("naïve\tcafé 日本 🚀\r\n"), "naïve\tcafé 日本 🚀\r\n");
});

test("answers of the terminal are told from keys", () => {
  for (const data of [
    "\x1b[?1;2c",
    "\x1b[>0;276;0c",
    "\x1b[24;80R",
    "\x1b[0n",
    "\x1b]11;rgb:00/00/00\x07",
  ]) {
    assert.ok(isAnswer(data), JSON.stringify(data));
  }
  for (const data of ["c", "\x1b", "\x1b[A", "\x1bOA", "\x1b[3~", "\x1b[200~ls\x1b[201~", "\r"]) {
    assert.ok(!isAnswer(data), JSON.stringify(data));
  }
});

test("arrows of the touch bar follow what the program asked for", () => {
  const up = { ctrl: false, alt: false };
  assert.equal(barBytes("ArrowUp", { ...up, application: false }), "\x1b[A");
  assert.equal(barBytes("ArrowUp", { ...up, application: true }), "\x1bOA");
  assert.equal(barBytes("ArrowLeft", { ctrl: true, alt: false, application: true }), "\x1b[1;5D");
  assert.equal(barBytes("Escape", { ...up, application: false }), "\x1b");
  assert.equal(barBytes("/", { ctrl: false, alt: true, application: false }), "\x1b/");
});

test("a held Ctrl makes a control character of the next key", () => {
  assert.equal(withHeld("c", { ctrl: true, alt: false }), "\x03");
  assert.equal(withHeld("[", { ctrl: true, alt: false }), "\x1b");
  assert.equal(withHeld("1", { ctrl: true, alt: false }), "1");
  assert.equal(withHeld("x", { ctrl: false, alt: true }), "\x1bx");
});

test("one tap holds for one key, a second locks, a third lets go", () => {
  const held = new Held();
  held.tap("ctrl");
  assert.deepEqual(held.take(), { ctrl: true, alt: false });
  assert.deepEqual(held.take(), { ctrl: false, alt: false });
  held.tap("alt");
  held.tap("alt");
  held.take();
  assert.deepEqual(held.take(), { ctrl: false, alt: true });
  held.tap("alt");
  assert.deepEqual(held.take(), { ctrl: false, alt: false });
});

test("keys that wait for polling are joined, other frames keep their place", async () => {
  const sent = [];
  const outbox = new Outbox((frame) => Promise.resolve(sent.push(String.fromCharCode(...frame))));
  for (const frame of ["Ia", "Ib", "Ic", "Zxxxx", "Id", "Ie"]) outbox.add(Buffer.from(frame));
  await new Promise((done) => setTimeout(done));
  assert.deepEqual(sent, ["Ia", "Ibc", "Zxxxx", "Ide"]);
});

test("a message that polling loses doesn't stop the next", async () => {
  const sent = [];
  const outbox = new Outbox((frame) => {
    sent.push(frame[1]);
    return frame[1] === 1 ? Promise.reject(new Error("away")) : Promise.resolve();
  });
  outbox.add(Uint8Array.of(0x41, 1));
  outbox.add(Uint8Array.of(0x41, 2));
  await new Promise((done) => setTimeout(done));
  assert.deepEqual(sent, [1, 2]);
});
