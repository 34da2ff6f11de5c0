import { expect, test } from "vitest";
import { AddressSpace, OverlapError } from "../../src/bus/address-space.ts";
import type { Region } from "../../src/bus/device.ts";

/** Bytes that count up from the offset, and a record of what was written. */
class Counting implements Region {
  readonly written: string[] = [];

  read(offset: number, size: number): number {
    let v = 0;
    for (let i = size - 1; i >= 0; i--) v = v * 256 + ((offset + i) & 0xff);
    return v;
  }

  write(offset: number, size: number, value: number): void {
    this.written.push(`${offset}/${size}=${value.toString(16)}`);
  }
}

test("a region sees offsets", () => {
  const ports = new AddressSpace("ports");
  const region = new Counting();
  ports.map("a", 0x60, 8, region);
  expect(ports.read(0x61, 2)).toBe(0x0201);
  ports.write(0x64, 4, 0xfedcba98);
  expect(region.written).toEqual(["4/4=fedcba98"]);
});

test("an access that straddles an end is made of smaller ones", () => {
  const ports = new AddressSpace("ports");
  const region = new Counting();
  ports.map("a", 0x60, 2, region);
  expect(ports.read(0x60, 4)).toBe(0xffff0100);
  ports.write(0x61, 2, 0xabcd);
  expect(region.written).toEqual(["1/1=cd"]);
});

test("what nobody answers reads as all ones and is counted", () => {
  const ports = new AddressSpace("ports");
  expect([ports.read(1, 1), ports.read(1, 2), ports.read(1, 4)]).toEqual([0xff, 0xffff, 0xffffffff]);
  ports.write(7, 1, 0);
  expect(ports.unclaimed).toEqual([
    { address: 1, reads: 3, writes: 0 },
    { address: 7, reads: 0, writes: 1 },
  ]);
});

test("overlaps are refused, and a region can leave", () => {
  const ports = new AddressSpace("ports");
  const leave = ports.map("a", 0x60, 8, new Counting());
  expect(() => ports.map("b", 0x67, 1, new Counting())).toThrow(OverlapError);
  expect(() => ports.map("b", 0x50, 32, new Counting())).toThrow("ports 0x50-0x6f of b overlap 0x60-0x67 of a");
  leave();
  expect(ports.read(0x60, 1)).toBe(0xff);
  ports.map("b", 0x67, 1, new Counting());
});
