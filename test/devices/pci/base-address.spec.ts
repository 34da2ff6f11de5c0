import { expect, test } from "vitest";
import type { Region } from "../../../src/bus/device.ts";
import { type BaseAddress, PciFunction } from "../../../src/devices/pci/function.ts";
import { Board } from "./board.ts";

const answering = (value: number): Region => ({ read: () => value, write: () => {} });
const device = (name: string, ...bars: BaseAddress[]) => {
  const f = new PciFunction(name, { vendor: 1, device: 2, classCode: 0 });
  for (const bar of bars) f.addBaseAddress(bar);
  return f;
};

test.each([
  ["io", 0x20, 0xffffffe1, 0],
  ["memory", 0x1000, 0xfffff000, 0],
  ["memory64", 0x4000, 0xffffc004, 0xffffffff],
] as const)("%s: the size is found by writing ones", (kind, size, low, high) => {
  const board = new Board();
  const slot = board.pci.add(device("f", { index: 2, kind, size, region: answering(0) }));
  board.set(slot, 0x18, 4, 0xffffffff);
  board.set(slot, 0x1c, 4, 0xffffffff);
  expect([board.get(slot, 0x18, 4), board.get(slot, 0x1c, 4)]).toEqual([low, high]);
});

test("prefetchable", () => {
  const board = new Board();
  const slot = board.pci.add(device("f", { index: 0, kind: "memory64", prefetchable: true, size: 0x1000, region: answering(0) }));
  expect(board.get(slot, 0x10, 4) & 0xf).toBe(0xc);
});

test("firmware has placed the regions, each aligned to its size", () => {
  const board = new Board();
  const bars: BaseAddress[] = [
    { index: 0, kind: "memory", size: 0x1000, region: answering(1) },
    { index: 1, kind: "io", size: 0x20, region: answering(2) },
    { index: 4, kind: "memory64", size: 0x4000, region: answering(3) },
  ];
  const slot = board.pci.add(device("f", ...bars));
  expect([0x10, 0x14, 0x20, 0x24].map((at) => board.get(slot, at, 4))).toEqual([0xc0000000, 0xc001, 0xc0004004, 0]);
  expect([board.addresses.read(0xc0000004, 4), board.ports.read(0xc01f, 1), board.addresses.read(0xc0007ffc, 4)]).toEqual([1, 2, 3]);
});

test("the command register switches regions off and on", () => {
  const board = new Board();
  const io: BaseAddress = { index: 0, kind: "io", size: 8, region: answering(1) };
  const slot = board.pci.add(device("f", io, { index: 1, kind: "memory", size: 0x1000, region: answering(2) }));
  const seen = () => [board.ports.read(0xc000, 1), board.addresses.read(0xc0000000, 1)];
  const answers: number[][] = [];
  for (const command of [0, 1, 2, 3]) {
    board.set(slot, 4, 2, command);
    answers.push(seen());
  }
  expect(answers).toEqual([
    [0xff, 0xff],
    [1, 0xff],
    [0xff, 2],
    [1, 2],
  ]);
});

test("a region moves, above 4 GiB as well, and byte by byte", () => {
  const board = new Board();
  const slot = board.pci.add(device("f", { index: 0, kind: "memory64", size: 0x1000, region: answering(7) }));
  board.set(slot, 0x14, 4, 1);
  expect([board.addresses.read(0xc0000000, 4), board.addresses.read(0x1c0000000, 4)]).toEqual([0xffffffff, 7]);
  board.set(slot, 0x14, 4, 0);
  board.set(slot, 0x13, 1, 0xd0);
  expect(board.addresses.read(0xd0000000, 4)).toBe(7);
});

test("at 0 and at the very end a region does not answer", () => {
  const board = new Board();
  const slot = board.pci.add(device("f", { index: 0, kind: "memory", size: 0x1000, region: answering(7) }));
  board.set(slot, 0x10, 4, 0);
  expect(board.addresses.read(0, 4)).toBe(0xffffffff);
  board.set(slot, 0x10, 4, 0xffffffff);
  expect(board.addresses.read(0xfffff000, 4)).toBe(0xffffffff);
});

test("a region that would lie over another waits until there is room", () => {
  const board = new Board();
  const a = board.pci.add(device("a", { index: 0, kind: "memory", size: 0x1000, region: answering(1) }));
  const b = board.pci.add(device("b", { index: 0, kind: "memory", size: 0x1000, region: answering(2) }));
  board.set(b, 0x10, 4, 0xc0000000);
  expect(board.addresses.read(0xc0000000, 4)).toBe(1);
  board.set(a, 0x10, 4, 0xc0008000);
  expect([board.addresses.read(0xc0000000, 4), board.addresses.read(0xc0008000, 4)]).toEqual([2, 1]);
});

test("neither does it take ports from a device that is no PCI device", () => {
  const board = new Board();
  board.ports.map("uart", 0x3f8, 8, answering(5));
  const slot = board.pci.add(device("f", { index: 0, kind: "io", size: 8, region: answering(1) }));
  board.set(slot, 0x10, 4, 0x3f8);
  expect(board.ports.read(0x3f8, 1)).toBe(5);
});

test("restored: regions are where they were", () => {
  const board = new Board();
  const f = device("f", { index: 0, kind: "memory", size: 0x1000, region: answering(7) });
  const slot = board.pci.add(f);
  board.set(slot, 0x10, 4, 0xd0000000);
  const saved = f.save();
  board.pci.reset();
  expect(board.addresses.read(0xc0000000, 4)).toBe(7);
  f.restore(saved);
  expect([board.addresses.read(0xc0000000, 4), board.addresses.read(0xd0000000, 4)]).toEqual([0xffffffff, 7]);
});
