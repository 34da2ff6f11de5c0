import { describe, expect, test } from "vitest";
import { PciFunction } from "../../../src/devices/pci/function.ts";
import { gsiOf } from "../../../src/devices/pci/host.ts";
import { Msi } from "../../../src/devices/pci/msi.ts";
import { MsiX } from "../../../src/devices/pci/msix.ts";
import { Board } from "./board.ts";

const MASTER = 7;

describe("pins", () => {
  const pins = (board: Board, count: number, pin = 1) =>
    Array.from({ length: count }, (_, n) => {
      const f = new PciFunction(`f${n}`, { vendor: 1, device: 2, classCode: 0, interruptPin: pin });
      board.pci.add(f);
      return f;
    });

  // slot 2 begins with PIRQB#, as on boards with the 440FX
  test.each([
    [0, "pin 17", "irq 10"],
    [1, "pin 18", "irq 11"],
    [2, "pin 19", "irq 11"],
    [3, "pin 16", "irq 10"],
  ])("INTA# of slot 2 + %i", (n, pin, irq) => {
    const board = new Board();
    pins(board, 4)[n].setInterrupt(true);
    expect(board.lines).toEqual([irq, pin]);
    expect(gsiOf(2 + n, 0)).toBe(Number(pin.slice(4)));
  });

  test("devices share a line: it is released by the last", () => {
    const board = new Board();
    const [a, , , , e] = pins(board, 5);
    a.setInterrupt(true);
    e.setInterrupt(true);
    a.setInterrupt(false);
    expect(board.lines).toEqual(["irq 10", "pin 17"]);
    e.setInterrupt(false);
    expect(board.lines).toEqual([]);
  });

  test("status shows it, command disables it", () => {
    const board = new Board();
    const [f] = pins(board, 1);
    f.setInterrupt(true);
    board.set(2, 4, 2, 0x400);
    expect([board.get(2, 6, 2) & 8, board.lines]).toEqual([8, []]);
    board.set(2, 4, 2, 0);
    expect(board.lines).toEqual(["irq 10", "pin 17"]);
    f.setInterrupt(false);
    expect([board.get(2, 6, 2) & 8, board.lines]).toEqual([0, []]);
  });

  test("the ISA bridge routes, and can be told not to", () => {
    const board = new Board();
    const [f] = pins(board, 1);
    f.setInterrupt(true);
    board.set(1, 0x61, 1, 5);
    expect(board.lines).toEqual(["irq 5", "pin 17"]);
    for (const none of [0x80, 0x85, 0x0d, 0x02]) {
      board.set(1, 0x61, 1, none);
      expect(board.lines).toEqual(["pin 17"]);
    }
  });

  test("two lines routed to one interrupt", () => {
    const board = new Board();
    const [a, , , d] = pins(board, 4);
    a.setInterrupt(true);
    d.setInterrupt(true);
    a.setInterrupt(false);
    expect(board.lines).toEqual(["irq 10", "pin 16"]);
  });

  test("a reset releases it", () => {
    const board = new Board();
    pins(board, 1)[0].setInterrupt(true);
    board.pci.reset();
    expect(board.lines).toEqual([]);
  });
});

describe("MSI", () => {
  const build = () => {
    const board = new Board();
    const f = new PciFunction("f", { vendor: 1, device: 2, classCode: 0 });
    const msi = new Msi(f);
    const slot = board.pci.add(f);
    board.set(slot, 4, 2, MASTER);
    board.set(slot, 0x44, 4, 0xfee01000);
    board.set(slot, 0x4c, 2, 0x4051);
    return { board, msi, slot };
  };

  test("a message when enabled", () => {
    const { board, msi, slot } = build();
    msi.signal();
    board.set(slot, 0x42, 2, 1);
    expect(board.messages).toEqual([]);
    msi.signal();
    msi.signal();
    expect(board.messages).toEqual(["fee01000=4051", "fee01000=4051"]);
  });

  test("masked, it is pending until unmasked, and then one", () => {
    const { board, msi, slot } = build();
    board.set(slot, 0x42, 2, 1);
    board.set(slot, 0x50, 4, 1);
    msi.signal();
    msi.signal();
    expect([board.get(slot, 0x54, 4), board.messages]).toEqual([1, []]);
    board.set(slot, 0x50, 4, 0);
    expect([board.get(slot, 0x54, 4), board.messages]).toEqual([0, ["fee01000=4051"]]);
  });
});

describe("MSI-X", () => {
  const TABLE = 0xc0000000;
  const build = () => {
    const board = new Board();
    const f = new PciFunction("f", { vendor: 1, device: 2, classCode: 0 });
    const msix = new MsiX(f, 1, 3);
    const slot = board.pci.add(f);
    board.set(slot, 4, 2, MASTER);
    const entry = (n: number, data: number, control: number, address = 0xfee00000, upper = 0) => {
      for (const [i, value] of [address, upper, data, control].entries()) board.addresses.write(TABLE + 16 * n + 4 * i, 4, value);
    };
    return { board, msix, slot, entry, f };
  };

  test("capability: table in the first half of the region, pending bits in the second", () => {
    const { board, slot } = build();
    expect([0x40, 0x44, 0x48].map((at) => board.get(slot, at, 4))).toEqual([0x00020011, 1, 0x801]);
  });

  test("after power-on every vector is masked", () => {
    const { board } = build();
    expect([12, 28, 44, 60].map((at) => board.addresses.read(TABLE + at, 4))).toEqual([1, 1, 1, 0]);
  });

  test("messages of the vectors", () => {
    const { board, msix, slot, entry } = build();
    board.set(slot, 0x42, 2, 0x8000);
    entry(0, 0x41, 0);
    entry(2, 0x43, 0, 0xfee03004);
    for (const n of [0, 1, 2, 3, 0xffff]) msix.signal(n);
    expect(board.messages).toEqual(["fee00000=41", "fee03004=43"]);
  });

  test("masked vectors are pending, and sent when unmasked", () => {
    const { board, msix, slot, entry } = build();
    board.set(slot, 0x42, 2, 0x8000);
    entry(1, 0x42, 1);
    msix.signal(1);
    expect([board.addresses.read(TABLE + 0x800, 4), board.messages]).toEqual([2, []]);
    entry(1, 0x42, 0);
    expect([board.addresses.read(TABLE + 0x800, 4), board.messages]).toEqual([0, ["fee00000=42"]]);
  });

  test("masked as a whole", () => {
    const { board, msix, slot, entry } = build();
    board.set(slot, 0x42, 2, 0xc000);
    entry(1, 0x42, 0);
    msix.signal(1);
    expect(board.messages).toEqual([]);
    board.set(slot, 0x42, 2, 0x8000);
    expect(board.messages).toEqual(["fee00000=42"]);
  });

  test("without the right to access memory there is no message until it comes back", () => {
    const { board, msix, slot, entry } = build();
    board.set(slot, 0x42, 2, 0x8000);
    entry(1, 0x42, 0);
    board.set(slot, 4, 2, 3);
    msix.signal(1);
    expect(board.messages).toEqual([]);
    board.set(slot, 4, 2, MASTER);
    expect(board.messages).toEqual(["fee00000=42"]);
  });

  test("a message elsewhere is a write to memory", () => {
    const { board, msix, slot, entry } = build();
    board.set(slot, 0x42, 2, 0x8000);
    entry(0, 0x12345678, 0, 0x2000);
    msix.signal(0);
    entry(0, 0x12345678, 0, 0x2000, 1);
    msix.signal(0);
    expect([board.memory.data.getUint32(0x2000, true), board.messages]).toEqual([0x12345678, []]);
  });

  test("saved and restored", () => {
    const one = build();
    one.board.set(one.slot, 0x42, 2, 0x8000);
    one.entry(1, 0x42, 1);
    one.msix.signal(1);
    const two = build();
    two.f.restore(one.f.save());
    two.msix.restore(one.msix.save());
    two.entry(1, 0x42, 0);
    expect(two.board.messages).toEqual(["fee00000=42"]);
  });
});
