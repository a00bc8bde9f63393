import assert from "node:assert/strict";
import { test } from "node:test";
import { digits, duration, ratio, roof, shown, tick } from "../../../static/js/panel/figures.js";
import { kernelRatio, kernelWords } from "../../../static/js/panel/rows.js";
import { Series } from "../../../static/js/panel/series.js";
import { boxesOf } from "../../../static/js/panel/stacks.js";
import { bars, stagesText } from "../../../static/js/panel/stages.js";

const MB = 1024 ** 2;

function figures(given = {}) {
  return {
    starts: { cold: null, prepared: null },
    memory_bytes: null,
    disk_bytes: null,
    cpu_seconds: null,
    processes: null,
    kernel: null,
    pressure: null,
    ...given,
  };
}

function reading(at, container, machine = null) {
  return {
    at,
    accelerator: "tcg",
    cores: 2,
    container: container && figures(container),
    machine: machine && figures(machine),
  };
}

test("a figure has three digits that count, and its unit", () => {
  assert.deepEqual([312.4, 9.604, 0.3444, 1234, 0].map(digits), [
    "312",
    "9.60",
    "0.344",
    "1234",
    "0",
  ]);
  assert.equal(shown(0.2134, "s"), "0.213\u00a0s");
  assert.equal(shown(null, "MB"), "–");
  assert.equal(digits(0.00004), "< 0.001");
  assert.deepEqual(
    [tick(10, "MB"), tick(0.4, "s"), tick(6.000000001, "")],
    ["10\u00a0MB", "0.4\u00a0s", "6"],
  );
  assert.equal(duration(310), "310\u00a0ms");
  assert.equal(duration(1840), "1.84\u00a0s");
});

test("a ratio is of unrounded values, and a dash where it says nothing", () => {
  assert.equal(ratio(8.42, 0.213), "40×");
  assert.equal(ratio(2, 0.7), "2.9×");
  assert.equal(ratio(0, 0), "–");
  assert.equal(ratio(5, 0), "–");
  assert.equal(ratio(null, 5), "–");
  assert.equal(ratio(5, null), "–");
});

test("an axis ends at 1, 2, 4, 6 or 10 times a power of ten", () => {
  assert.deepEqual([0, 0.3, 1, 31, 59, 61, 312].map(roof), [1, 0.4, 1, 40, 60, 100, 400]);
});

test("both sides of a row share one axis, computed from both", () => {
  const series = new Series();
  series.take(reading(1, { memory_bytes: 9 * MB }, { memory_bytes: 312 * MB }));
  assert.equal(series.roof("memory"), 400);
  assert.equal(series.now("memory", "container"), 9);
});

test("processor time now needs two looks, and is a share of one core", () => {
  const series = new Series();
  series.take(reading(10, { cpu_seconds: 1 }));
  assert.equal(series.now("cpu", "container"), null);
  series.take(reading(11, { cpu_seconds: 1.5 }));
  assert.equal(series.now("cpu", "container"), 50);
  series.take(reading(12, { cpu_seconds: 0.1 }));
  assert.equal(series.now("cpu", "container"), null, "a new start counts from 0 again");
});

test("what was not read is a gap, never joined and never 0", () => {
  const series = new Series();
  series.take(reading(10, { memory_bytes: MB }));
  series.take(reading(20, { memory_bytes: 2 * MB }));
  assert.deepEqual(series.line("memory", "container"), [
    [-10, -5, 0],
    [1, null, 2],
  ]);
  assert.equal(series.now("memory", "machine"), null);
});

test("a reading that is old or comes twice changes nothing, and a minute is kept", () => {
  const series = new Series();
  for (let at = 1; at <= 100; at += 1) series.take(reading(at, { memory_bytes: at * MB }));
  series.take(reading(50, { memory_bytes: 0 }));
  const [seconds, values] = series.line("memory", "container");
  assert.equal(seconds[0], -60);
  assert.equal(values.at(-1), 100);
});

test("a plot is told in words", () => {
  const series = new Series();
  series.take(reading(1, { memory_bytes: 0 }));
  for (let at = 2; at <= 61; at += 1) series.take(reading(at, { memory_bytes: 312 * MB }));
  assert.equal(
    series.trend("memory", "container"),
    "rose from 0\u00a0MB to 312\u00a0MB in 60\u00a0s",
  );
  assert.equal(series.trend("memory", "machine"), "");
  series.take(reading(62, {}));
  assert.equal(series.trend("memory", "container"), "", "beside a dash stands nothing of before");
});

test("kernels are the same when their boot ids are", () => {
  const own = { release: "6.1.0", boot_id: "a", own: true };
  const servers = { release: "6.1.0", boot_id: "b", own: false };
  const both = reading(1, { kernel: servers }, { kernel: own });
  assert.equal(kernelRatio(both), "differs");
  assert.equal(kernelWords(both.machine), "6.1.0, its own");
  assert.equal(kernelWords(both.container), "6.1.0, the server’s");
  assert.equal(kernelRatio(reading(1, { kernel: servers }, { kernel: servers })), "the same");
  assert.equal(kernelRatio(reading(1, { kernel: servers })), "–");
});

test("a start is a bar of its stages in the order in which they happen", () => {
  const start = { ms: 2000, stages_ms: { shell: 500, hypervisor: 300, kernel: 1200 } };
  assert.deepEqual(bars(start, 4000), [
    { name: "hypervisor", left: 0, width: 0.075 },
    { name: "kernel", left: 0.075, width: 0.3 },
    { name: "shell", left: 0.375, width: 0.125 },
  ]);
  assert.equal(stagesText(start), "hypervisor 300\u00a0ms, kernel 1.20\u00a0s, shell 500\u00a0ms");
});

test("each box of the drawing has its own memory and its own part of the start", () => {
  const charge = (programs, kernel, cache) => ({
    programs_bytes: programs * MB,
    kernel_bytes: kernel * MB,
    cache_bytes: cache * MB,
  });
  const stages = { hypervisor: 300, kernel: 900, init: 200, shell: 100 };
  const machine = {
    starts: { cold: { ms: 1500, stages_ms: stages }, prepared: null },
    memory_split: {
      guest_bytes: 120 * MB,
      emulator_bytes: 20 * MB,
      translation_bytes: 10 * MB,
    },
    memory_charge: charge(148, 2, 30),
    guest: { programs_bytes: 6 * MB, cache_bytes: 40 * MB, kernel_bytes: 74 * MB },
  };
  const cold = { ms: 50, stages_ms: { engine: 45, shell: 5 } };
  const container = {
    starts: { cold, prepared: null },
    memory_charge: charge(3, 1, 8),
  };
  const plain = (boxes) => JSON.parse(JSON.stringify(boxes).replaceAll("\u00a0", " "));
  assert.deepEqual(plain(boxesOf(reading(1, container, machine))), {
    "machine-app": "6.00 MB · 100 ms",
    "machine-libraries": "40.0 MB",
    "guest-kernel": "74.0 MB · 1.10 s",
    hypervisor: "28.0 MB · 300 ms",
    "container-app": "3.00 MB · 5.00 ms",
    "container-libraries": "8.00 MB",
    engine: "nothing stays · 45.0 ms",
    "host-kernel": "machine 2.00 MB · container 1.00 MB · runs already",
    hardware: "the server’s, 2 cores",
  });
  const alone = boxesOf(reading(2, {}));
  assert.equal(alone.hypervisor, "–");
  assert.equal(alone["host-kernel"], "runs already");
});
