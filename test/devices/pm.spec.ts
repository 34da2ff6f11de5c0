/** ACPI Specification, "ACPI Register Model". */
import { beforeEach, describe, expect, test } from "vitest";
import { Pm } from "../../src/devices/pm.ts";
import { Port92 } from "../../src/devices/port92.ts";
import { Post } from "../../src/devices/post.ts";
import { Ports, TestClock, Wire } from "./rig.ts";

const SECOND = 1_000_000_000;
const [STATUS, ENABLE, CONTROL, TIMER] = [0x600, 0x602, 0x604, 0x608];

let clock: TestClock;
let sci: Wire;
let off: number;
let pm: Pm;
let io: Ports;

beforeEach(() => {
  clock = new TestClock();
  sci = new Wire();
  off = 0;
  pm = new Pm(clock, sci, () => off++);
  io = new Ports();
  io.map("events", 0x600, 4, pm.events);
  io.map("control", 0x604, 2, pm.control);
  io.map("timer", 0x608, 4, pm.timer);
});

describe("timer", () => {
  test("runs at 3.579545 MHz", () => {
    clock.pass(SECOND);
    expect(io.read(TIMER, 4)).toBe(3_579_545);
    clock.pass(99 * SECOND);
    expect(io.read(TIMER, 4)).toBe(357_954_500);
    expect([0, 1, 2, 3].map((i) => io.in(TIMER + i))).toEqual([0xc4, 0xf3, 0x55, 0x15]);
    expect([io.read(TIMER, 2), io.read(TIMER + 2, 2), io.read(TIMER + 1, 2)]).toEqual([0xf3c4, 0x1555, 0x55f3]);
  });

  test("wraps at 32 bits, and cannot be written", () => {
    io.write(TIMER, 4, 0x12345678);
    clock.pass(1_200 * SECOND);
    expect(io.read(TIMER, 4)).toBe((1_200 * 3_579_545) % 2 ** 32);
  });

  test("says that its highest bit changed", () => {
    io.write(ENABLE, 2, 1);
    clock.pass(599 * SECOND);
    expect([sci.level, io.read(STATUS, 2)]).toEqual([false, 0]);
    clock.pass(SECOND);
    expect([sci.level, io.read(STATUS, 2)]).toEqual([true, 1]);
    io.write(STATUS, 2, 1);
    expect([sci.level, io.read(STATUS, 2)]).toEqual([false, 0]);
    clock.pass(600 * SECOND);
    expect(sci.level).toBe(true);
  });

  test("an idle one asks for nothing", () => {
    expect(clock.next).toBe(Number.POSITIVE_INFINITY);
  });
});

describe("events", () => {
  test("the power button, acknowledged by writing a 1", () => {
    pm.pressPowerButton();
    expect(sci.level).toBe(false);
    io.write(STATUS, 4, 0x0100_0000);
    expect([sci.level, io.read(STATUS, 4)]).toEqual([true, 0x0100_0100]);
    io.out(STATUS + 1, 0x01);
    expect([sci.level, io.read(STATUS, 4)]).toEqual([false, 0x0100_0000]);
  });
});

describe("control", () => {
  test("the machine is in ACPI mode and stays there", () => {
    io.write(CONTROL, 2, 0);
    expect(io.read(CONTROL, 2)).toBe(1);
  });

  test.each([
    ["soft-off", 0x2000, 1],
    ["soft-off, with SCI_EN", 0x2001, 1],
    ["a type without SLP_EN", 0x0000, 0],
    ["another type", 0x3400, 0],
  ])("%s", (_, value, times) => {
    io.write(CONTROL, 2, value);
    expect([off, io.read(CONTROL, 2) & 0x2000]).toEqual([times, 0]);
  });

  test("SLP_TYP is kept, as bytes too", () => {
    io.out(CONTROL + 1, 0x14);
    expect([io.read(CONTROL, 2), io.in(CONTROL + 1)]).toEqual([0x1401, 0x14]);
    io.out(CONTROL + 1, 0x20);
    expect(off).toBe(1);
  });
});

test("it is saved whole", () => {
  io.write(ENABLE, 2, 0x101);
  clock.pass(700 * SECOND);
  const saved = structuredClone(pm.save());
  pm.reset();
  expect([io.read(STATUS, 4), sci.level]).toEqual([0, false]);
  pm.restore(saved);
  expect([pm.save(), sci.level]).toEqual([saved, true]);
});

test("port 92: A20, and a reset when bit 0 rises", () => {
  const a20 = new Wire();
  let resets = 0;
  const port = new Port92(a20, () => resets++);
  io.map("port92", 0x92, 1, port.ports);
  expect(io.in(0x92)).toBe(2);
  io.out(0x92, 0x02);
  expect([a20.level, resets]).toEqual([true, 0]);
  io.out(0x92, 0x00);
  expect([a20.level, io.in(0x92)]).toEqual([false, 0]);
  io.out(0x92, 0x01, 0x01, 0x00, 0x01);
  expect(resets).toBe(2);
});

test("port 80 keeps the last code", () => {
  const post = new Post();
  io.map("post", 0x80, 1, post.ports);
  io.out(0x80, 0x55);
  expect([post.code, io.in(0x80)]).toEqual([0x55, 0x55]);
});
