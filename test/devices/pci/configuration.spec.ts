import { describe, expect, test } from "vitest";
import { PciFunction } from "../../../src/devices/pci/function.ts";
import { Board } from "./board.ts";

test("mechanism 1 is found as systems look for it", () => {
  const { ports } = new Board();
  ports.write(0xcfb, 1, 1);
  ports.write(0xcf8, 4, 0x80000000);
  expect(ports.read(0xcf8, 4)).toBe(0x80000000);
  expect(ports.read(0xcfc, 4)).toBe(0x12378086);
});

describe("the address register", () => {
  test.each([
    ["all bits that exist", 4, 0xffffffff, 0x80fffffc],
    ["bytes do not reach it", 1, 0x80, 0],
    ["words do not reach it", 2, 0x8000, 0],
  ])("%s", (_, size, written, expected) => {
    const { ports } = new Board();
    ports.write(0xcf8, size, written);
    expect(ports.read(0xcf8, 4)).toBe(expected);
  });

  test.each([
    ["not enabled", 0],
    ["another bus", 0x80010000],
    ["function 1", 0x80000100],
    ["empty slot", 0x8000f800],
  ])("%s: all ones, and writes go nowhere", (_, address) => {
    const { ports } = new Board();
    ports.write(0xcf8, 4, address);
    ports.write(0xcfc, 4, 0);
    expect([ports.read(0xcfc, 4), ports.read(0xcfe, 2), ports.read(0xcff, 1)]).toEqual([0xffffffff, 0xffff, 0xff]);
  });
});

test("bytes and words of configuration space", () => {
  const board = new Board();
  expect([board.get(0, 0, 1), board.get(0, 1, 1), board.get(0, 2, 2), board.get(0, 0xa, 2)]).toEqual([0x86, 0x80, 0x1237, 0x0600]);
  expect(board.get(1, 8, 4)).toBe(0x06010000);
});

test("reset control: a reset when bit 2 is written as one", () => {
  const board = new Board();
  board.ports.write(0xcf9, 1, 0x02);
  expect([board.ports.read(0xcf9, 1), board.resets]).toEqual([2, 0]);
  board.ports.write(0xcf9, 1, 0x06);
  expect(board.resets).toBe(1);
});

describe("the header", () => {
  test.each([
    ["ids are read-only", 0x00, 4, 0x12345678],
    ["command: what exists", 0x04, 2, 0x0507],
    ["status is read-only", 0x06, 2, 0],
    ["class is read-only", 0x08, 4, 0x0ff00001],
    ["cache line size", 0x0c, 1, 0xff],
    ["no latency timer", 0x0d, 1, 0],
    ["interrupt line", 0x3c, 1, 0xff],
    ["interrupt pin is read-only", 0x3d, 1, 1],
  ])("%s", (_, register, size, expected) => {
    const board = new Board();
    const f = new PciFunction("f", { vendor: 0x5678, device: 0x1234, classCode: 0x0ff000, revision: 1, interruptPin: 1 });
    const slot = board.pci.add(f);
    board.set(slot, register, size, 0xffffffff >>> (32 - 8 * size));
    expect(board.get(slot, register, size)).toBe(expected);
  });

  test("capabilities are a list", () => {
    const board = new Board();
    const f = new PciFunction("f", { vendor: 1, device: 2, classCode: 0 });
    expect([f.config.capability(9, 5), f.config.capability(5, 24)]).toEqual([0x40, 0x48]);
    const slot = board.pci.add(f);
    expect([board.get(slot, 0x06, 2), board.get(slot, 0x34, 1)]).toEqual([0x10, 0x40]);
    expect([board.get(slot, 0x40, 2), board.get(slot, 0x48, 2)]).toEqual([0x4809, 0x0005]);
    expect(() => f.config.capability(9, 200)).toThrow(RangeError);
  });
});
