/** Intel 8259A data sheet, and PIIX4 for the edge/level registers. */
import { beforeEach, expect, test } from "vitest";
import { Pic } from "../../src/devices/pic.ts";
import { Ports, Wire } from "./rig.ts";

const EOI = 0x20;
const READ_ISR = 0x0b;

let intr: Wire;
let pic: Pic;
let io: Ports;

beforeEach(() => {
  intr = new Wire();
  pic = new Pic(intr);
  io = new Ports();
  io.map("master", 0x20, 2, pic.master);
  io.map("slave", 0xa0, 2, pic.slave);
  io.map("elcr", 0x4d0, 2, pic.elcr);
  initialise();
});

/** Vectors 0x20 and 0x28, nothing masked. */
function initialise(icw4 = 1): void {
  for (const [port, vectors, icw3] of [
    [0x20, 0x20, 4],
    [0xa0, 0x28, 2],
  ]) {
    io.out(port, 0x11);
    io.out(port + 1, vectors, icw3, icw4, 0);
  }
}

function pulse(line: number): void {
  pic.lines[line].set(true);
  pic.lines[line].set(false);
}

function isr(port: number): number {
  io.out(port, READ_ISR);
  return io.in(port);
}

test.each([0, 1, 3, 7, 8, 12, 15])("line %i has its vector and is in service until its end", (line) => {
  pic.lines[line].set(true);
  expect([intr.level, pic.acknowledge(), intr.level]).toEqual([true, 0x20 + line, false]);
  expect(isr(0x20)).toBe(line < 8 ? 1 << line : 4);
  if (line >= 8) {
    expect(isr(0xa0)).toBe(1 << (line - 8));
    io.out(0xa0, EOI);
  }
  io.out(0x20, EOI);
  expect([isr(0x20), isr(0xa0), intr.level]).toEqual([0, 0, false]);
});

test("the lower number goes first, and interrupts a higher one", () => {
  for (const line of [5, 3, 12]) pulse(line);
  expect(pic.acknowledge()).toBe(0x2c);
  expect(intr.level).toBe(false);
  pulse(0);
  expect([intr.level, pic.acknowledge()]).toEqual([true, 0x20]);
  io.out(0x20, EOI);
  io.out(0xa0, EOI);
  io.out(0x20, EOI);
  expect([pic.acknowledge(), intr.level]).toEqual([0x23, false]);
  io.out(0x20, EOI);
  expect([intr.level, pic.acknowledge()]).toEqual([true, 0x25]);
});

test("masked lines wait", () => {
  io.out(0x21, 0xff);
  pulse(4);
  expect([intr.level, io.in(0x20), io.in(0x21)]).toEqual([false, 0x10, 0xff]);
  io.out(0x21, 0xef);
  expect([intr.level, pic.acknowledge()]).toEqual([true, 0x24]);
});

test("a second chip's requests follow each other", () => {
  pulse(10);
  pulse(11);
  expect(pic.acknowledge()).toBe(0x2a);
  io.out(0x20, EOI);
  expect(intr.level).toBe(false);
  io.out(0xa0, EOI);
  expect([intr.level, pic.acknowledge()]).toEqual([true, 0x2b]);
});

test("an edge interrupts once; a level again and again", () => {
  pic.lines[10].set(true);
  pic.acknowledge();
  io.out(0xa0, EOI);
  io.out(0x20, EOI);
  expect(intr.level).toBe(false);
  io.out(0x4d1, 0x08);
  pic.lines[11].set(true);
  for (let i = 0; i < 3; i++) {
    expect(pic.acknowledge()).toBe(0x2b);
    io.out(0xa0, EOI);
    io.out(0x20, EOI);
  }
  pic.lines[11].set(false);
  expect(pic.acknowledge()).toBe(0x2f);
});

test("a level that ends early is spurious IRQ 7 or 15", () => {
  io.out(0x4d0, 0x20);
  pic.lines[5].set(true);
  pic.lines[5].set(false);
  expect(intr.level).toBe(false);
  expect([pic.acknowledge(), isr(0x20)]).toEqual([0x27, 0]);
});

test.each([
  [0x4d0, 0xff, 0xf8],
  [0x4d1, 0xff, 0xde],
])("ELCR %x: lines that can only be edges", (port, written, read) => {
  io.out(port, written);
  expect(io.in(port)).toBe(read);
});

test("automatic end of interrupt", () => {
  initialise(3);
  pulse(4);
  expect([pic.acknowledge(), isr(0x20)]).toEqual([0x24, 0]);
});

test("rotation on end of interrupt", () => {
  pulse(3);
  pic.acknowledge();
  io.out(0x20, 0xa0);
  for (const line of [3, 4]) pulse(line);
  expect(pic.acknowledge()).toBe(0x24);
});

test("a set priority", () => {
  io.out(0x20, 0xc4);
  for (const line of [0, 5]) pulse(line);
  expect(pic.acknowledge()).toBe(0x25);
});

test("a specific end", () => {
  for (const line of [6, 3]) {
    pulse(line);
    pic.acknowledge();
  }
  io.out(0x20, 0x66);
  expect(isr(0x20)).toBe(0x08);
});

test("special mask lets lower priorities in", () => {
  pulse(3);
  pic.acknowledge();
  pulse(5);
  io.out(0x21, 0x08);
  expect(intr.level).toBe(false);
  io.out(0x20, 0x68);
  expect([intr.level, pic.acknowledge()]).toEqual([true, 0x25]);
});

test("a poll is an acknowledgement", () => {
  pulse(6);
  io.out(0x20, 0x0c);
  expect([io.in(0x20), isr(0x20), intr.level]).toEqual([0x86, 0x40, false]);
  io.out(0x20, 0x0c);
  expect(io.in(0x20)).toBe(0);
});

test("Linux finds it: the mask can be written and read", () => {
  io.out(0xa1, 0xff);
  io.out(0x21, 0xfb);
  expect(io.in(0x21)).toBe(0xfb);
});

test("it is saved whole", () => {
  pulse(3);
  pulse(12);
  pic.acknowledge();
  io.out(0x4d1, 0x0c);
  const saved = structuredClone(pic.save());
  const wire = new Wire();
  const copy = new Pic(wire);
  copy.restore(saved);
  expect(copy.save()).toEqual(saved);
  copy.master.write(0, 1, EOI);
  expect([wire.level, copy.acknowledge()]).toEqual([true, 0x23]);
});
