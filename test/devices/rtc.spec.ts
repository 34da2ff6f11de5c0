/** MC146818 data sheet. */
import { beforeEach, describe, expect, test } from "vitest";
import { Rtc } from "../../src/devices/rtc.ts";
import { Ports, TestClock, Wire } from "./rig.ts";

const SECOND = 1_000_000_000;
const [A, B, C, D] = [10, 11, 12, 13];
const OPTIONS = { start: Date.UTC(2026, 10, 22, 23, 59, 58), lowMemory: 0x1000_0000, highMemory: 0, cpus: 1 };

let clock: TestClock;
let irq: Wire;
let rtc: Rtc;
let io: Ports;

beforeEach(() => make(OPTIONS));

function make(options: typeof OPTIONS): void {
  clock = new TestClock();
  irq = new Wire();
  rtc = new Rtc(clock, irq, options);
  io = new Ports();
  io.map(rtc.name, 0x70, 2, rtc.ports);
}

function read(register: number): number {
  io.out(0x70, register);
  return io.in(0x71);
}

function write(register: number, value: number): void {
  io.out(0x70, register);
  io.out(0x71, value);
}

/** century, year, month, day, weekday, hours, minutes, seconds */
function time(): string {
  return [0x32, 9, 8, 7, 6, 4, 2, 0].map((r) => read(r).toString(16)).join(" ");
}

describe("time", () => {
  test("passes with the machine's clock", () => {
    expect(time()).toBe("20 26 11 22 1 23 59 58");
    clock.pass(2 * SECOND - 1);
    expect(time()).toBe("20 26 11 22 1 23 59 59");
    clock.pass(1);
    expect(time()).toBe("20 26 11 23 2 0 0 0");
  });

  test.each([
    [0x02, "20 26 11 22 1 23 59 58"],
    [0x00, "20 26 11 22 1 91 59 58"],
    [0x06, "14 1a b 16 1 17 3b 3a"],
    [0x04, "14 1a b 16 1 8b 3b 3a"],
  ])("in the format of B = %x", (b, expected) => {
    write(B, b);
    expect(time()).toBe(expected);
  });

  test.each([
    [0x00, 0x12, 0],
    [0x00, 0x92, 12],
    [0x00, 0x81, 13],
    [0x02, 0x19, 19],
  ])("hours written with B = %x as %x", (b, byte, hours) => {
    write(B, 0x80 | b);
    write(4, byte);
    write(B, b);
    write(B, 0x06);
    expect(read(4)).toBe(hours);
  });

  test("stands still while it is set, and goes on in the same phase", () => {
    clock.pass(SECOND / 4);
    write(B, 0x82);
    write(9, 0x30);
    write(0, 0x10);
    clock.pass(3 * SECOND);
    expect(time()).toBe("20 30 11 22 1 23 59 10");
    write(B, 0x02);
    clock.pass((SECOND * 3) / 4 - 100_000);
    expect(read(0)).toBe(0x10);
    clock.pass(100_000);
    expect(read(0)).toBe(0x11);
  });

  test("a divider released from reset updates half a second later", () => {
    clock.pass(SECOND / 4);
    write(A, 0x76);
    clock.pass(SECOND);
    write(A, 0x26);
    const before = read(0);
    clock.pass(SECOND / 2 - 100_000);
    expect(read(0)).toBe(before);
    clock.pass(200_000);
    expect(read(0)).toBe(before + 1);
  });

  test("nonsense does no harm", () => {
    for (const r of [0, 2, 4, 6, 7, 8, 9, 0x32]) write(r, 0xff);
    clock.pass(SECOND);
    expect(time()).toMatch(/^[0-9a-f ]+$/);
  });

  test("starts within a second", () => {
    make({ ...OPTIONS, start: OPTIONS.start + 750 });
    clock.pass(SECOND / 4);
    expect(read(0)).toBe(0x59);
  });
});

test("update in progress is set for the last 244 microseconds of a second", () => {
  clock.pass(SECOND - 245_000);
  expect(read(A)).toBe(0x26);
  clock.pass(1000);
  expect(read(A)).toBe(0xa6);
  clock.pass(244_000);
  expect(read(A)).toBe(0x26);
});

describe("interrupts", () => {
  test("flags are set without them, and cleared by reading", () => {
    clock.pass(SECOND);
    expect([read(C), read(C), irq.level]).toEqual([0x50, 0, false]);
  });

  test.each([
    [1, 256],
    [2, 128],
    [3, 8192],
    [6, 1024],
    [15, 2],
  ])("periodic rate %i: %i a second", (rate, hz) => {
    write(A, 0x20 | rate);
    write(B, 0x42);
    read(C);
    const before = irq.rises;
    for (let i = 0; i < hz; i++) {
      clock.pass(Math.ceil(SECOND / hz));
      expect(read(C) & 0xc0).toBe(0xc0);
    }
    expect(irq.rises - before).toBe(hz);
    clock.pass(SECOND);
    expect(irq.rises - before).toBe(hz + 1);
  });

  test("at the end of an update", () => {
    write(B, 0x12);
    clock.pass(SECOND - 1);
    expect(irq.level).toBe(false);
    clock.pass(1);
    expect([irq.level, read(C), irq.level]).toEqual([true, 0xd0, false]);
  });

  test.each([
    [[0x01, 0x00, 0x00], 3],
    [[0xff, 0x00, 0x00], 2],
    [[0x05, 0xc0, 0xff], 7],
    [[0x58, 0x59, 0x23], 86_400],
    [[0x30, 0x15, 0xff], 2 + 15 * 60 + 30],
  ])("alarm at %j after %i seconds", ([seconds, minutes, hours], after) => {
    write(1, seconds);
    write(3, minutes);
    write(5, hours);
    write(B, 0x22);
    read(C);
    clock.pass(after * SECOND - 1);
    expect(irq.level).toBe(false);
    clock.pass(1);
    expect([irq.level, read(C) & 0xa0]).toEqual([true, 0xa0]);
  });

  test("an alarm that no time matches never comes", () => {
    write(1, 0x7f);
    write(B, 0x22);
    expect(clock.next).toBe(Number.POSITIVE_INFINITY);
  });

  test("an idle clock asks for nothing", () => {
    expect(clock.next).toBe(Number.POSITIVE_INFINITY);
  });

  test("setting the time disables the update interrupt; a reset disables all", () => {
    write(B, 0xf2);
    expect(read(B)).toBe(0xe2);
    rtc.reset();
    expect(read(B)).toBe(0x82);
  });
});

describe("memory", () => {
  test.each([
    ["256 MiB", 0x1000_0000, 0, [0x80, 0x02, 0xff, 0xff, 0x00, 0x0f, 0, 0, 0]],
    ["32 MiB", 0x200_0000, 0, [0x80, 0x02, 0x00, 0x7c, 0x00, 0x01, 0, 0, 0]],
    ["3 GiB and 1 GiB", 0xc000_0000, 0x4000_0000, [0x80, 0x02, 0xff, 0xff, 0x00, 0xbf, 0x00, 0x40, 0x00]],
  ])("sizes of %s", (_, lowMemory, highMemory, expected) => {
    make({ ...OPTIONS, lowMemory, highMemory });
    expect([0x15, 0x16, 0x30, 0x31, 0x34, 0x35, 0x5b, 0x5c, 0x5d].map(read)).toEqual(expected);
  });

  test("bytes are kept, also over a reset", () => {
    write(0x0f, 0x5a);
    write(0x8f, 0xa5);
    rtc.reset();
    expect([read(0x0f), read(D), io.in(0x70)]).toEqual([0xa5, 0x80, 0xff]);
  });
});

test("it is saved whole", () => {
  write(B, 0x42);
  clock.pass(1234 * SECOND + 5678);
  const saved = structuredClone(rtc.save());
  const before = time();
  const now = clock.now;
  make({ ...OPTIONS, start: 0 });
  clock.pass(now);
  rtc.restore(saved);
  expect(rtc.save()).toEqual(saved);
  expect([time(), irq.level, read(C)]).toEqual([before, true, 0xf0]);
});
