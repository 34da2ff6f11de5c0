import { describe, expect, it } from "vitest";
import { BAUD_DIVISORS, DATA_BITS, PARITY, SerialPort, STOP_BITS } from "../../src/vmm/serial.ts";

const BASE = 0x3f8;

/** Registers as memory, with those behind DLAB, and a log of writes; the transmitter is busy for some reads of LSR. */
function fakePorts(busy = 0) {
  const registers = new Map<number, number>();
  const divisor = [0, 0];
  const writes: [number, number][] = [];
  let left = busy;
  const behindDlab = (port: number) => ((registers.get(BASE + 3) ?? 0) & 0x80) !== 0 && port < BASE + 2;
  return {
    registers,
    divisor,
    writes,
    in8(port: number): number {
      if (port === BASE + 5) return left-- > 0 ? 0 : 0x20;
      return behindDlab(port) ? divisor[port - BASE] : (registers.get(port) ?? 0);
    },
    out8(port: number, value: number): void {
      writes.push([port - BASE, value]);
      if (behindDlab(port)) divisor[port - BASE] = value;
      else registers.set(port, value);
    },
  };
}

describe("serial port", () => {
  it("SER-1 CONST-9 set up: DLAB off, no interrupts, FIFOs on and empty, 9600 baud, 8 data bits, one stop bit, no parity", () => {
    const ports = fakePorts();
    ports.registers.set(BASE + 3, 0xfc);
    const serial = new SerialPort(ports);
    expect(serial.port).toBe(0x3f8);
    expect(ports.writes.slice(0, 3)).toEqual([
      [3, 0x7c],
      [1, 0],
      [2, 7],
    ]);
    expect([serial.baudRate, serial.dataBits, serial.stopBits, serial.parity]).toEqual([9600, DATA_BITS.EIGHT, STOP_BITS.ONE, PARITY.NONE]);
    expect(ports.registers.get(BASE + 3)! & 0xbf).toBe(3);
    expect(ports.divisor).toEqual([0x0c, 0]);
  });

  it("SER-2 rates and their divisors, low byte first, between DLAB on and off", () => {
    const expected =
      "50:900 75:600 110:417 150:300 300:180 600:c0 1200:60 1800:40 2000:3a 2400:30 3600:20 4800:18 7200:10 9600:c 19200:6 38400:3 57600:2 115200:1";
    expect([...BAUD_DIVISORS].map(([rate, divisor]) => `${rate}:${divisor.toString(16)}`).join(" ")).toBe(expected);
    const ports = fakePorts();
    const serial = new SerialPort(ports);
    for (const [rate, divisor] of BAUD_DIVISORS) {
      ports.writes.length = 0;
      serial.setBaudRate(rate);
      expect(ports.writes).toEqual([
        [3, 0x83],
        [0, divisor & 0xff],
        [1, divisor >> 8],
        [3, 3],
      ]);
      expect(serial.baudRate).toBe(rate);
    }
  });

  it("SER-3 a divisor that nobody knows reads as 115200", () => {
    const ports = fakePorts();
    const serial = new SerialPort(ports);
    ports.divisor[1] = 0x77;
    expect(serial.baudRate).toBe(115200);
  });

  it("SER-4 data, stop and parity bits: each changes its bits of LCR alone, and has no others", () => {
    const ports = fakePorts();
    const serial = new SerialPort(ports);
    const lcr = () => ports.registers.get(BASE + 3);
    expect([DATA_BITS, STOP_BITS]).toEqual([
      { FIVE: 0, SIX: 1, SEVEN: 2, EIGHT: 3 },
      { ONE: 0, TWO: 4 },
    ]);
    expect(PARITY).toEqual({ NONE: 0, ODD: 0x08, EVEN: 0x18, MARK: 0x28, SPACE: 0x38 });
    for (const rest of [0x00, 0x7f]) {
      for (const bits of Object.values(DATA_BITS)) {
        ports.registers.set(BASE + 3, rest);
        serial.dataBits = bits | 0xf0;
        expect([lcr(), serial.dataBits]).toEqual([(rest & ~3) | bits, bits]);
      }
      for (const bits of Object.values(STOP_BITS)) {
        ports.registers.set(BASE + 3, rest);
        serial.stopBits = bits | 0xf3;
        expect([lcr(), serial.stopBits]).toEqual([(rest & ~4) | bits, bits]);
      }
      for (const bits of Object.values(PARITY)) {
        ports.registers.set(BASE + 3, rest);
        serial.parity = bits | 0xc7;
        expect([lcr(), serial.parity]).toEqual([(rest & ~0x38) | bits, bits]);
      }
    }
    ports.registers.set(BASE + 3, 0x10);
    expect(serial.parity).toBe(PARITY.NONE);
  });

  it("SER-5 write waits for the transmitter before each byte, and adds no carriage return", () => {
    const ports = fakePorts(3);
    const serial = new SerialPort(ports);
    ports.writes.length = 0;
    serial.write("a\nä");
    expect(ports.writes).toEqual([...new TextEncoder().encode("a\nä")].map((byte) => [0, byte]));
  });
});
