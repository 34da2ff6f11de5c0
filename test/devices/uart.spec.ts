/** PC16550D data sheet; the sequences are those of Linux's 8250 driver where it has one. */
import { beforeEach, describe, expect, test } from "vitest";
import { Uart } from "../../src/devices/uart.ts";
import { Ports, TestClock, Wire } from "./rig.ts";

const [RBR, IER, IIR, LCR, MCR, LSR, MSR, SCR] = [0, 1, 2, 3, 4, 5, 6, 7];
const FCR = IIR;
/** ten bits at 115200 baud */
const CHARACTER = 86_806;

let clock: TestClock;
let irq: Wire;
let sent: string;
let uart: Uart;
let io: Ports;

beforeEach(() => {
  clock = new TestClock();
  irq = new Wire();
  sent = "";
  uart = new Uart("uart0", clock, irq, (byte) => {
    sent += String.fromCharCode(byte);
  });
  io = new Ports();
  io.map(uart.name, 0, 8, uart.ports);
});

function receive(text: string): void {
  uart.receive(new TextEncoder().encode(text));
}

/** 115200 8N1 with FIFOs, trigger level 14 */
function setUp(): void {
  io.out(LCR, 0x83);
  io.out(0, 1);
  io.out(1, 0);
  io.out(LCR, 3);
  io.out(FCR, 0xc7);
}

test("after power-on: transmitter empty, no interrupt, terminal ready", () => {
  expect([IER, IIR, LCR, LSR, MSR, SCR].map((r) => io.in(r))).toEqual([0, 1, 0, 0x60, 0xb0, 0]);
});

test("bytes are sent at once", () => {
  io.out(0, 0x48, 0x69);
  expect(sent).toBe("Hi");
  expect(io.in(LSR)).toBe(0x60);
});

test.each([
  ["scratch", SCR, 0xa5, 0xa5],
  ["line control", LCR, 0x1f, 0x1f],
  ["modem control has five bits", MCR, 0xff, 0x1f],
  ["interrupt enable has four bits", IER, 0xff, 0x0f],
])("%s reads back", (_, register, written, read) => {
  io.out(register, written);
  expect(io.in(register)).toBe(read);
});

test("the divisor hides behind DLAB", () => {
  io.out(LCR, 0x80);
  io.out(0, 0x34);
  io.out(1, 0x12);
  expect([io.in(0), io.in(1)]).toEqual([0x34, 0x12]);
  io.out(LCR, 0);
  expect(io.in(IER)).toBe(0);
});

test("FIFOs show in the identification, and only when they are enabled", () => {
  expect(io.in(IIR)).toBe(0x01);
  io.out(FCR, 0x01);
  expect(io.in(IIR)).toBe(0xc1);
  io.out(FCR, 0xc6);
  expect(io.in(IIR)).toBe(0x01);
});

describe("receiving", () => {
  test("takes the time of a character each", () => {
    setUp();
    receive("ab");
    expect(io.in(LSR)).toBe(0x60);
    clock.pass(CHARACTER);
    expect([io.in(LSR), io.in(RBR), io.in(LSR)]).toEqual([0x61, 0x61, 0x60]);
    clock.pass(CHARACTER);
    expect(io.in(RBR)).toBe(0x62);
  });

  test("nothing is lost when the guest is slow", () => {
    setUp();
    const text = "The quick brown fox jumps over the lazy dog.".repeat(20);
    receive(text);
    let got = "";
    for (let i = 0; i < 1000 && got.length < text.length; i++) {
      clock.pass(50 * CHARACTER);
      while ((io.in(LSR) & 1) !== 0) got += String.fromCharCode(io.in(RBR));
    }
    expect(got).toBe(text);
    expect(uart.waiting).toBe(0);
  });

  test("what a starting driver clears comes again", () => {
    receive("ls\n");
    clock.pass(20 * CHARACTER);
    setUp();
    io.in(RBR);
    clock.pass(5 * CHARACTER);
    expect(io.in(LSR) & 1).toBe(0);
    clock.pass(10_000_000);
    expect([io.in(RBR), io.in(RBR), io.in(RBR)]).toEqual([0x6c, 0x73, 0x0a]);
  });

  test.each([
    [0x01, 1],
    [0x41, 4],
    [0x81, 8],
    [0xc1, 14],
  ])("trigger level of FCR %x", (fcr, level) => {
    setUp();
    io.out(FCR, fcr);
    io.out(IER, 1);
    receive("x".repeat(16));
    clock.pass(level * CHARACTER - 10);
    expect([irq.level, io.in(IIR)]).toEqual([false, 0xc1]);
    clock.pass(20);
    expect([irq.level, io.in(IIR)]).toEqual([true, 0xc4]);
    io.in(RBR);
    expect(irq.level).toBe(false);
  });

  test("below the trigger level, the timeout of four characters", () => {
    setUp();
    io.out(IER, 1);
    receive("abc");
    clock.pass(3 * CHARACTER + 4 * CHARACTER - 20);
    expect(irq.level).toBe(false);
    clock.pass(40);
    expect([irq.level, io.in(IIR)]).toEqual([true, 0xcc]);
    io.in(RBR);
    expect([irq.level, io.in(IIR)]).toEqual([false, 0xc1]);
    clock.pass(4 * CHARACTER);
    expect(io.in(IIR)).toBe(0xcc);
  });
});

describe("interrupts", () => {
  test("transmitter empty is asked for by enabling it, acknowledged by reading it, and asked for again by the next byte", () => {
    io.out(IER, 2);
    expect([irq.level, io.in(IIR), irq.level, io.in(IIR)]).toEqual([true, 0x02, false, 0x01]);
    io.out(0, 0x41);
    expect([irq.level, irq.rises, io.in(IIR)]).toEqual([true, 2, 0x02]);
  });

  test("the most urgent one is named first", () => {
    setUp();
    io.out(MCR, 0x10);
    for (let i = 0; i < 17; i++) io.out(0, i);
    io.out(IER, 0x0f);
    const seen = [io.in(IIR), io.in(LSR)];
    for (let i = 0; i < 3; i++) seen.push(io.in(RBR));
    seen.push(io.in(IIR), io.in(IIR), io.in(MSR), io.in(IIR));
    expect(seen.map((v) => v.toString(16))).toEqual(["c6", "63", "0", "1", "2", "c2", "c0", "b", "c1"]);
    expect(irq.level).toBe(false);
  });
});

describe("loopback", () => {
  test.each([
    [0x11, 0x20],
    [0x12, 0x10],
    [0x14, 0x40],
    [0x18, 0x80],
    [0x1a, 0x90],
  ])("MCR %x gives the modem lines %x", (mcr, lines) => {
    io.out(MCR, mcr);
    expect(io.in(MSR) & 0xf0).toBe(lines);
  });

  test("bytes come back and are not sent", () => {
    setUp();
    io.out(MCR, 0x10);
    io.out(0, 1, 2, 3);
    expect([io.in(RBR), io.in(RBR), io.in(RBR), io.in(LSR)]).toEqual([1, 2, 3, 0x60]);
    expect(sent).toBe("");
  });

  test("what the host sends waits until it ends", () => {
    setUp();
    io.out(MCR, 0x10);
    receive("a");
    clock.pass(100 * CHARACTER);
    expect(io.in(LSR)).toBe(0x60);
    io.out(MCR, 0x03);
    clock.pass(CHARACTER);
    expect(io.in(RBR)).toBe(0x61);
  });

  test("an overrun keeps the FIFO and is told once", () => {
    setUp();
    io.out(MCR, 0x10);
    for (let i = 0; i < 20; i++) io.out(0, i);
    expect([io.in(LSR), io.in(LSR)]).toEqual([0x63, 0x61]);
    for (let i = 0; i < 16; i++) expect(io.in(RBR)).toBe(i);
    expect(io.in(LSR)).toBe(0x60);
  });
});

test("a saved UART goes on elsewhere", () => {
  setUp();
  io.out(IER, 3);
  io.in(IIR);
  receive("0123456789");
  clock.pass(3 * CHARACTER);
  const saved = structuredClone(uart.save());
  const other = new TestClock();
  other.pass(clock.now);
  const wire = new Wire();
  const copy = new Uart("uart0", other, wire, () => {});
  copy.restore(saved);
  expect(copy.save()).toEqual(saved);
  const seen: number[][] = [];
  for (const [c, u, w] of [
    [clock, uart, irq],
    [other, copy, wire],
  ] as const) {
    c.pass(20 * CHARACTER);
    const bytes = [w.level ? 1 : 0, u.ports.read(IIR, 1)];
    for (let i = 0; i < 11; i++) bytes.push(u.ports.read(RBR, 1));
    seen.push(bytes);
  }
  expect(seen[1]).toEqual(seen[0]);
  expect(String.fromCharCode(...seen[0].slice(2, 12))).toBe("0123456789");
});
