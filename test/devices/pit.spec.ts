/** Intel 8254 data sheet, "Mode Definitions": outputs and counts clock by clock, as its timing diagrams draw them. */
import { describe, expect, test } from "vitest";
import { cyclesOf } from "../../src/bus/clock.ts";
import { PIT_HZ, Pit } from "../../src/devices/pit.ts";
import { Counter } from "../../src/devices/pit-counter.ts";
import { Ports, TestClock, Wire } from "./rig.ts";

/** A counter in a mode, with its low byte programmed at tick 0; gates and further counts at their ticks. */
interface Diagram {
  readonly name: string;
  readonly mode: number;
  readonly count: number;
  readonly gate?: boolean;
  readonly gates?: Readonly<Record<number, boolean>>;
  readonly counts?: Readonly<Record<number, number>>;
  /** OUT and count from tick 0 on */
  readonly output: string;
  readonly values?: readonly (number | undefined)[];
}

const X = undefined;
const diagrams: readonly Diagram[] = [
  { name: "mode 0", mode: 0, count: 4, output: "_____~~~~", values: [X, 4, 3, 2, 1, 0, 0xff, 0xfe] },
  { name: "mode 0, gate", mode: 0, count: 3, gates: { 2: false, 4: true }, output: "______~~", values: [X, 3, 2, 2, 2, 1, 0, 0xff] },
  { name: "mode 0, new count", mode: 0, count: 3, counts: { 3: 2 }, output: "______~", values: [X, 3, 2, 1, 2, 1, 0] },
  { name: "mode 1", mode: 1, count: 3, gate: false, gates: { 2: true }, output: "~~~___~~~", values: [X, X, X, 3, 2, 1, 0, 0xff] },
  { name: "mode 1, again", mode: 1, count: 3, gate: false, gates: { 2: true, 4: false, 5: true }, output: "~~~_____~" },
  { name: "mode 2", mode: 2, count: 3, output: "~~~_~~_~~_", values: [X, 3, 2, 1, 3, 2, 1, 3] },
  { name: "mode 2, gate", mode: 2, count: 3, gates: { 3: false, 5: true }, output: "~~~~~~~~_~~_", values: [X, 3, 2, 1, 1, 1, 3, 2, 1, 3] },
  { name: "mode 2, new count", mode: 2, count: 4, counts: { 2: 3 }, output: "~~~~_~~_~~_", values: [X, 4, 3, 2, 1, 3, 2, 1, 3] },
  { name: "mode 3, even", mode: 3, count: 4, output: "~~~__~~__~~", values: [X, 4, 2, 4, 2, 4, 2] },
  { name: "mode 3, odd", mode: 3, count: 5, output: "~~~~__~~~__~~", values: [X, 4, 2, 0, 4, 2, 4, 2, 0, 4, 2] },
  { name: "mode 3, new count", mode: 3, count: 6, counts: { 2: 4 }, output: "~~~~__~~__" },
  { name: "mode 4", mode: 4, count: 3, output: "~~~~_~~~~~~", values: [X, 3, 2, 1, 0, 0xff] },
  { name: "mode 5", mode: 5, count: 3, gate: false, gates: { 1: true }, output: "~~~~~_~~~", values: [X, X, 3, 2, 1, 0, 0xff] },
];

test.each(diagrams)("$name", ({ mode, count, gate = true, gates = {}, counts = {}, output, values = [] }) => {
  const counter = new Counter(gate);
  counter.control(0x10 | (mode << 1), -10);
  counter.write(count, 0);
  let seen = "";
  for (let tick = 0; tick < output.length; tick++) {
    if (gates[tick] !== undefined) counter.setGate(gates[tick], tick);
    if (counts[tick] !== undefined) counter.write(counts[tick], tick);
    seen += counter.output(tick) ? "~" : "_";
    if (values[tick] !== undefined) expect([tick, counter.read(tick)]).toEqual([tick, values[tick]]);
  }
  expect(seen).toBe(output);
});

test.each(diagrams.filter((d) => d.gates === undefined))(
  "$name: the next rising edge is where OUT rises",
  ({ mode, count, counts = {} }) => {
    for (const n of [count, 17, 40]) {
      const [counter, twin] = [new Counter(true), new Counter(true)];
      for (const c of [counter, twin]) c.control(0x10 | (mode << 1), -10);
      for (let tick = 0; tick < 100; tick++) {
        const written = tick === 0 ? n : counts[tick];
        if (written !== undefined) for (const c of [counter, twin]) c.write(written, tick);
        let rise = tick + 1;
        const saved = twin.save(tick);
        while (rise < 300 && (twin.output(rise - 1) || !twin.output(rise))) rise++;
        twin.restore(saved);
        expect([n, tick, counter.nextRise(tick)]).toEqual([n, tick, rise < 300 ? rise : undefined]);
      }
    }
  },
);

describe("reading", () => {
  test("two bytes, latched", () => {
    const counter = new Counter(true);
    counter.control(0x34, 0);
    counter.write(0x34, 0);
    counter.write(0x12, 0);
    counter.latchCount(5);
    counter.latchCount(9);
    expect([counter.read(100), counter.read(200)]).toEqual([0x30, 0x12]);
    expect(counter.read(1)).toBe(0x34);
  });

  test("status first, then the count", () => {
    const counter = new Counter(true);
    counter.control(0x34, 0);
    counter.latchStatus(0);
    expect(counter.read(0)).toBe(0x80 | 0x40 | 0x34);
    counter.write(0x00, 0);
    counter.write(0x01, 0);
    counter.latchStatus(3);
    counter.latchCount(3);
    expect([counter.read(9), counter.read(9), counter.read(9)]).toEqual([0xb4, 0xfe, 0x00]);
  });

  test.each([
    [0x0000, 1, 0x9999],
    [0x1000, 1, 0x0999],
    [0x0005, 7, 0x9998],
  ])("decimal: %x less %i ticks", (count, ticks, expected) => {
    const counter = new Counter(true);
    counter.control(0x31, 0);
    counter.write(count & 0xff, 0);
    counter.write(count >> 8, 0);
    expect(counter.read(1 + ticks) | (counter.read(1 + ticks) << 8)).toBe(expected);
  });
});

describe("in a PC", () => {
  function pc() {
    const clock = new TestClock();
    const irq = new Wire();
    const pit = new Pit(clock, irq);
    const io = new Ports();
    io.map("pit", 0x40, 4, pit.ports);
    io.map("speaker", 0x61, 1, pit.speaker);
    return { clock, irq, pit, io };
  }

  test.each([
    [0x34, 11_932, 100],
    [0x36, 11_932, 100],
    [0x34, 0, 18],
    [0x34, 4772, 250],
  ])("control %x, count %i: %i interrupts a second", (control, count, interrupts) => {
    const { clock, irq, io } = pc();
    io.out(0x43, control);
    io.out(0x40, count & 0xff, count >> 8);
    const before = irq.rises;
    clock.pass(1_000_000_000);
    expect([interrupts - 1, interrupts]).toContain(irq.rises - before);
  });

  test.each([0x30, 0x38])("control %x: one interrupt", (control) => {
    const { clock, irq, io } = pc();
    io.out(0x43, control);
    io.out(0x40, 0xa9, 0x04);
    const before = irq.rises;
    clock.pass(999_000);
    expect(irq.rises).toBe(before);
    clock.pass(5_000);
    expect(irq.rises).toBe(before + 1);
    clock.pass(1_000_000_000);
    expect(irq.rises).toBe(before + 1);
  });

  test("port 0x61: gate and output of channel 2, as Linux calibrates by it", () => {
    const { clock, io } = pc();
    io.out(0x61, 1);
    io.out(0x43, 0xb0);
    io.out(0x42, 0xff, 0xff);
    expect(io.in(0x61) & 0x2f).toBe(0x01);
    clock.pass(cyclesOf(clock, 0x8000, PIT_HZ));
    io.out(0x61, 0);
    clock.pass(1_000_000_000);
    expect(io.in(0x61) & 0x2f).toBe(0x00);
    io.out(0x61, 1);
    clock.pass(cyclesOf(clock, 0x8001, PIT_HZ));
    expect(io.in(0x61) & 0x2f).toBe(0x21);
  });

  test("the refresh bit toggles every 15 microseconds", () => {
    const { clock, io } = pc();
    let toggles = 0;
    for (let i = 0, last = io.in(0x61); i < 10_000; i++) {
      clock.pass(1000);
      const now = io.in(0x61);
      if (((now ^ last) & 0x10) !== 0) toggles++;
      last = now;
    }
    expect(toggles).toBe(Math.floor(0.01 * (PIT_HZ / 18)));
  });

  test("read-back of several channels", () => {
    const { io } = pc();
    for (const [channel, control] of [0x34, 0x54, 0xb0].entries()) {
      io.out(0x43, control);
      io.out(0x40 + channel, 0x10);
      if (channel !== 1) io.out(0x40 + channel, 0);
    }
    io.out(0x43, 0xee);
    expect([io.in(0x40) & 0x3f, io.in(0x41) & 0x3f, io.in(0x42) & 0x3f]).toEqual([0x34, 0x14, 0x30]);
  });

  test("it is saved whole", () => {
    const { clock, pit, io } = pc();
    io.out(0x43, 0x36);
    io.out(0x40, 0x00, 0x10);
    clock.pass(12_345_678);
    const saved = structuredClone(pit.save());
    const other = pc();
    other.clock.pass(clock.now);
    other.pit.restore(saved);
    expect(other.pit.save()).toEqual(saved);
    for (const c of [clock, other.clock]) c.pass(9_876_543);
    for (const ports of [io, other.io]) ports.out(0x43, 0xc2);
    expect([0, 0, 0].map(() => other.io.in(0x40))).toEqual([0, 0, 0].map(() => io.in(0x40)));
    expect(other.irq.rises).toBeGreaterThan(0);
  });
});
