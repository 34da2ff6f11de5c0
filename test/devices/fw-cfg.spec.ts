/** QEMU, "QEMU Firmware Configuration (fw_cfg) Device". */
import { beforeEach, describe, expect, test } from "vitest";
import { FW_CFG_KEY, FwCfg } from "../../src/devices/fw-cfg.ts";
import { FakeMemory } from "./memory.ts";
import { Ports } from "./rig.ts";

const [READ, SKIP, SELECT, WRITE] = [2, 4, 8, 16];
const KERNEL = Uint8Array.from({ length: 300 }, (_, i) => i);

let ram: FakeMemory;
let fw: FwCfg;
let io: Ports;

beforeEach(() => {
  ram = new FakeMemory(0x20000);
  ram.bytes.fill(0xee);
  fw = new FwCfg(ram, {
    ram: 0x1_4000_0000,
    cpus: 2,
    kernel: KERNEL,
    commandLine: "console=ttyS0",
    files: { "opt/b": Uint8Array.of(1, 2, 3), "etc/a": Uint8Array.of(9) },
  });
  io = new Ports();
  io.map("fw-cfg", 0x510, 2, fw.ports);
  io.map("fw-cfg DMA", 0x514, 8, fw.dma);
});

function read(key: number, length: number): number[] {
  io.write(0x510, 2, key);
  return Array.from({ length }, () => io.in(0x511));
}

/** Starts a transfer by a structure at 0x1000 and returns its control field. */
function transfer(control: number, length: number, address: number): number {
  const view = ram.data;
  view.setUint32(0x1000, control);
  view.setUint32(0x1004, length);
  view.setBigUint64(0x1008, BigInt(address));
  io.write(0x514, 4, 0);
  io.write(0x518, 4, 0x00100000);
  return view.getUint32(0x1000);
}

describe("items", () => {
  test.each([
    ["signature", FW_CFG_KEY.SIGNATURE, [0x51, 0x45, 0x4d, 0x55, 0, 0]],
    ["features", FW_CFG_KEY.ID, [3, 0, 0, 0]],
    ["RAM size", FW_CFG_KEY.RAM_SIZE, [0, 0, 0, 0x40, 1, 0, 0, 0]],
    ["CPUs", FW_CFG_KEY.CPUS, [2, 0]],
    ["CPUs at most", FW_CFG_KEY.MAX_CPUS, [2, 0]],
    ["kernel size", FW_CFG_KEY.KERNEL_SIZE, [0x2c, 1, 0, 0]],
    ["no initrd", FW_CFG_KEY.INITRD_SIZE, [0, 0, 0, 0]],
    ["command line size, with its end", FW_CFG_KEY.COMMAND_LINE_SIZE, [14, 0, 0, 0]],
    ["command line", FW_CFG_KEY.COMMAND_LINE, [...new TextEncoder().encode("console=ttyS0"), 0, 0]],
    ["a file", 0x21, [1, 2, 3, 0]],
    ["an unknown key", 0x7777, [0, 0]],
  ])("%s", (_, key, bytes) => {
    expect(read(key, bytes.length)).toEqual(bytes);
  });

  test("directory of files", () => {
    const bytes = read(FW_CFG_KEY.DIRECTORY, 4 + 2 * 64);
    const text = (at: number) => String.fromCharCode(...bytes.slice(at, at + 56)).replace(/\0+$/, "");
    expect(bytes.slice(0, 4)).toEqual([0, 0, 0, 2]);
    expect([bytes.slice(4, 12), text(12)]).toEqual([[0, 0, 0, 1, 0, 0x20, 0, 0], "etc/a"]);
    expect([bytes.slice(68, 76), text(76)]).toEqual([[0, 0, 0, 3, 0, 0x21, 0, 0], "opt/b"]);
  });

  test("selecting begins again", () => {
    expect([read(FW_CFG_KEY.KERNEL, 3), read(FW_CFG_KEY.KERNEL, 2)]).toEqual([
      [0, 1, 2],
      [0, 1],
    ]);
  });
});

describe("DMA", () => {
  test("has a signature", () => {
    expect([io.read(0x514, 4), io.read(0x518, 4)]).toEqual([0x554d4551, 0x47464320]);
  });

  test("selects and reads, and goes on where it was", () => {
    expect(transfer((FW_CFG_KEY.KERNEL << 16) | SELECT | READ, 4, 0x2000)).toBe(0);
    expect(transfer(SKIP, 100, 0)).toBe(0);
    expect(transfer(READ, 2, 0x2004)).toBe(0);
    expect([...ram.bytes.subarray(0x2000, 0x2007)]).toEqual([0, 1, 2, 3, 104, 105, 0xee]);
    expect(io.in(0x511)).toBe(106);
  });

  test("an item ends in zeros, however long", () => {
    expect(transfer((FW_CFG_KEY.SIGNATURE << 16) | SELECT | READ, 0x18000, 0x4000)).toBe(0);
    expect(ram.bytes.subarray(0x4000, 0x4004)).toEqual(new TextEncoder().encode("QEMU"));
    expect(ram.bytes.subarray(0x4004, 0x1c000).every((b) => b === 0)).toBe(true);
    expect(ram.bytes[0x1c000]).toBe(0xee);
  });

  test.each([
    ["outside of memory", READ, 16, 0x1fff8],
    ["absurdly long", READ, 0xffffffff, 0x2000],
    ["absurdly far", READ, 16, 2 ** 63],
    ["a write", WRITE, 4, 0x2000],
  ])("%s is an error", (_, control, length, address) => {
    expect(transfer((FW_CFG_KEY.KERNEL << 16) | SELECT | control, length, address)).toBe(1);
    expect(ram.bytes[0x2000]).toBe(0xee);
  });

  test("a structure outside of memory is ignored", () => {
    const before = ram.bytes.slice();
    io.write(0x514, 4, 0xffffffff);
    io.write(0x518, 4, 0xf0ffffff);
    expect(Buffer.compare(ram.bytes, before)).toBe(0);
  });
});

test("it is saved whole", () => {
  read(FW_CFG_KEY.KERNEL, 17);
  const saved = structuredClone(fw.save());
  fw.reset();
  fw.restore(saved);
  expect(io.in(0x511)).toBe(17);
});
