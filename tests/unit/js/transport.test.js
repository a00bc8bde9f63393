import assert from "node:assert/strict";
import { webcrypto } from "node:crypto";
import { beforeEach, test } from "node:test";
import { transportFor } from "../../../static/js/terminal/transport.js";

globalThis.crypto ??= webcrypto; // Debian 12's node has it under this name alone

const WISH = { after: null, epoch: null, tries: 0 };
const [CUT, TRY_AGAIN_LATER] = [1006, 1013];

/** The page's Socket.IO connection, as far as a transport sees it. */
class Room {
  ears = {};
  opened = [];

  on(name, hear) {
    this.ears[name] = hear;
  }

  ask(name, { terminal }) {
    this.opened.push(`${name} ${terminal}`);
    return Promise.resolve({});
  }

  tell() {}
}

let sockets;
let room;
let connect;
let lost;

beforeEach(() => {
  sockets = [];
  lost = 0;
  globalThis.location = { href: "http://192.0.2.1/lab" };
  globalThis.WebSocket = class {
    constructor() {
      sockets.push(this);
    }
    close() {}
  };
  room = new Room();
  const start = transportFor("1a2b3c4d.1", () => room);
  connect = () => start(WISH, { opened() {}, said() {}, refused() {}, closed: () => (lost += 1) });
});

function fail(code = CUT) {
  const transport = connect();
  assert.equal(transport.isSlower, undefined);
  sockets.at(-1).onclose({ code });
}

function work() {
  connect();
  sockets.at(-1).onmessage({ data: new ArrayBuffer(1) });
  sockets.at(-1).onclose({ code: CUT });
}

test("where websockets alone fail, the page's other connection carries the terminal", () => {
  fail();
  fail(); // the other connection is only made now
  room.ears.connect();
  fail();
  assert.equal(connect().isSlower, true);
  assert.deepEqual(room.opened, ["open 1a2b3c4d.1"]);
  assert.equal(lost, 3);
});

test("a network that was away is not taken for one that strips websockets", () => {
  work();
  for (let tries = 0; tries < 9; tries += 1) fail(); // nothing connects
  room.ears.connect();
  work();
  fail(); // away again, and the other connection hasn't noticed
  fail();
  work();
  assert.deepEqual(room.opened, []);
});

test("a pump that is away is not taken for one either", () => {
  fail();
  fail(TRY_AGAIN_LATER);
  room.ears.connect();
  for (let tries = 0; tries < 9; tries += 1) fail(TRY_AGAIN_LATER);
  assert.deepEqual(room.opened, []);
});
