import assert from "node:assert/strict";
import { test } from "node:test";
import { Link, LOST_MS } from "../../../static/js/terminal/link.js";

const HELLO = {
  terminal: "1a2b3c4d.1",
  epoch: 7,
  seq: 0,
  rows: 24,
  cols: 80,
  may: "type",
  replay: "fresh",
  preamble: "",
};

function frame(type, ...bytes) {
  return Uint8Array.of(type.charCodeAt(0), ...bytes);
}

function hello(change = {}) {
  return frame("H", ...new TextEncoder().encode(JSON.stringify({ ...HELLO, ...change })));
}

function output(seq, text) {
  return frame("O", 0, 0, 0, 0, 0, 0, seq >> 8, seq & 255, ...new TextEncoder().encode(text));
}

/** A link with a clock of its own, and a server that the test plays. */
class Scene {
  time = 1_000_000;
  timers = [];
  wishes = [];
  heard = [];
  sent = [];
  closings = 0;

  constructor() {
    const on = {};
    for (const name of ["hello", "ready", "size", "ended", "problem"]) {
      on[name] = (...given) => this.heard.push([name, ...given]);
    }
    on.standing = ({ state, tries }) => this.heard.push(["standing", state, tries]);
    on.output = (data, end) => this.heard.push(["output", new TextDecoder().decode(data), end]);
    const clock = {
      now: () => this.time,
      later: (ms, deed) => {
        const timer = { at: this.time + ms, deed };
        this.timers.push(timer);
        return timer;
      },
      cancel: (timer) => {
        this.timers = this.timers.filter((each) => each !== timer);
      },
      random: () => 1,
    };
    this.link = new Link((wish, ears) => this.connect(wish, ears), on, clock);
    this.link.start();
  }

  connect(wish, ears) {
    this.wishes.push(wish);
    this.ears = ears;
    return {
      send: (bytes) => this.sent.push(String.fromCharCode(...bytes)),
      close: () => {
        this.closings += 1;
      },
    };
  }

  say(...payloads) {
    for (const payload of payloads) this.ears.said(payload);
  }

  wait() {
    this.timers.sort((one, other) => one.at - other.at);
    const next = this.timers.shift();
    this.time = next.at;
    next.deed();
  }

  last(name) {
    return this.heard.filter(([each]) => each === name).at(-1);
  }
}

test("a link that comes back asks for what comes after the last byte it has", () => {
  const scene = new Scene();
  scene.say(hello(), output(0, "hello "), frame("R"), output(6, "world"));
  scene.ears.closed();
  scene.wait();
  assert.deepEqual(scene.wishes, [
    { after: null, epoch: null, tries: 0 },
    { after: 11, epoch: 7, tries: 1 },
  ]);
  scene.say(hello({ seq: 11, replay: "exact" }), output(11, "!"), frame("R"));
  assert.deepEqual(scene.last("output"), ["output", "!", 12]);
  assert.deepEqual(scene.last("standing"), ["standing", "connected", 0]);
});

test("a link that was away too long says how much is no longer kept", () => {
  const scene = new Scene();
  const lost = () => scene.last("hello")[2];
  scene.say(hello(), output(0, "hello"), frame("R"));
  assert.equal(lost(), 0);
  scene.ears.closed();
  scene.wait();
  scene.say(hello({ seq: 5_000_005, replay: "screen" }), frame("R"));
  assert.equal(lost(), 5_000_000);
  scene.ears.closed();
  scene.wait();
  scene.say(hello({ seq: 5_000_005, replay: "exact" }), frame("R"));
  assert.equal(lost(), 0);
  scene.ears.closed();
  scene.wait();
  scene.say(hello({ epoch: 8 }), frame("R"));
  assert.equal(lost(), null);
});

test("keys count only after the replay, and none is sent later", () => {
  const scene = new Scene();
  assert.equal(scene.link.send("a"), false);
  scene.say(hello());
  assert.equal(scene.link.send("b"), false);
  scene.say(frame("R"));
  assert.equal(scene.link.send("c"), true);
  scene.ears.closed();
  assert.equal(scene.link.send("y"), false);
  scene.wait();
  scene.say(hello({ replay: "exact" }), frame("R"));
  assert.deepEqual(scene.sent, ["Ic"]);
});

test("a paste that the connection cut off is told of once it is back, and its rest is not sent", () => {
  const scene = new Scene();
  scene.say(hello(), frame("R"));
  assert.deepEqual(scene.last("ready"), ["ready", false]);
  scene.link.send("x".repeat(100_000));
  scene.ears.closed();
  scene.wait();
  scene.sent.length = 0;
  scene.say(hello({ replay: "exact" }), frame("R"));
  assert.deepEqual(scene.last("ready"), ["ready", true]);
  assert.deepEqual(scene.sent, []);
  scene.ears.closed();
  scene.wait();
  scene.say(hello({ replay: "exact" }), frame("R"));
  assert.deepEqual(scene.last("ready"), ["ready", false]);
});

test("a paste goes on when the screen begins again within one connection", () => {
  const scene = new Scene();
  scene.say(hello(), frame("R"));
  scene.link.send("x".repeat(70_000));
  scene.sent.length = 0;
  scene.say(hello({ replay: "screen" }), frame("T"), frame("R"), frame("T"));
  assert.equal(scene.sent.join("").replace(/[^x]/g, "").length, 70_000 - 32 * 1024);
  assert.deepEqual(scene.last("ready"), ["ready", false]);
});

test("pauses grow up to eight seconds, and two minutes are called lost", () => {
  const scene = new Scene();
  scene.say(hello(), frame("R"));
  const begin = scene.time;
  const pauses = [];
  scene.ears.closed();
  while (scene.time - begin < LOST_MS + 10_000) {
    const before = scene.time;
    scene.wait();
    pauses.push(scene.time - before);
    scene.ears.closed();
  }
  assert.ok(pauses[0] <= 400);
  assert.ok(pauses.every((pause) => pause <= 8000));
  assert.equal(scene.last("standing")[1], "lost");
});

test("Try now doesn't wait", () => {
  const scene = new Scene();
  scene.say(hello(), frame("R"));
  scene.ears.closed();
  scene.link.tryNow();
  assert.equal(scene.wishes.length, 2);
  scene.say(hello({ replay: "exact" }), frame("R"));
  scene.link.tryNow();
  assert.equal(scene.wishes.length, 2);
});

test("an old connection that speaks late is not heard", () => {
  const scene = new Scene();
  scene.say(hello(), frame("R"));
  const old = scene.ears;
  scene.link.drop();
  scene.wait();
  old.said(output(0, "late"));
  old.closed();
  assert.equal(scene.last("output"), undefined);
  assert.equal(scene.wishes.length, 2);
});

test("a shell's end keeps the connection for the next shell", () => {
  const scene = new Scene();
  const bye = (reason) => frame("E", ...new TextEncoder().encode(JSON.stringify({ reason })));
  scene.say(hello(), frame("R"), bye("shell"));
  assert.deepEqual(scene.last("ended"), ["ended", "shell"]);
  assert.equal(scene.link.send("x"), false);
  assert.equal(scene.closings, 0);
  scene.say(hello({ epoch: 8 }), frame("R"));
  assert.equal(scene.link.send("x"), true);
  scene.say(bye("lab"));
  assert.equal(scene.link.standing.state, "ended");
  assert.equal(scene.closings, 1);
});

test("a refusal that no try can change ends the tries", () => {
  const scene = new Scene();
  scene.ears.refused({ code: "pump-away", sentence: "", hint: "" });
  assert.equal(scene.link.standing.state, "connecting");
  scene.ears.refused({ code: "not-yours", sentence: "This belongs to someone else.", hint: "" });
  assert.equal(scene.link.standing.state, "ended");
  assert.equal(scene.timers.length, 0);
});

test("a size is told once there is somebody to tell", () => {
  const scene = new Scene();
  scene.link.resize(24, 80);
  scene.say(hello(), frame("R"));
  scene.link.resize(30, 100);
  assert.deepEqual(scene.sent, ["Z\x00\x1e\x00d"]);
});

test("a connection that is dead without a word is noticed, soonest after a key", () => {
  const scene = new Scene();
  scene.say(hello(), frame("R"));
  scene.wait();
  assert.equal(scene.sent.at(-1), "K", "nobody spoke for a while");
  scene.say(frame("K"));
  scene.wait();
  assert.equal(scene.link.standing.state, "connected");
  scene.say(frame("K"));
  const typedAt = scene.time;
  scene.link.send("a");
  scene.wait();
  assert.deepEqual(scene.sent.slice(-2), ["Ia", "K"]);
  scene.wait();
  assert.equal(scene.link.standing.state, "reconnecting");
  assert.ok(scene.time - typedAt <= 5000);
});

test("a key that is answered asks for no sign of life", () => {
  const scene = new Scene();
  scene.say(hello(), frame("R"));
  scene.link.send("a");
  scene.time += 900;
  scene.say(output(0, "a"));
  scene.wait();
  assert.deepEqual(scene.sent, ["Ia"]);
});
