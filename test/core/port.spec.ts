/** Input and output. SDM Vol. 1 "I/O Privilege Level", "I/O Permission Bit Map"; Vol. 2 "IN", "OUT", "INS", "OUTS". */
import { describe, expect, it } from "vitest";
import type { CoreHost } from "../../src/core/core.ts";
import { CODE, DATA, Ring0, TSS } from "../lib/ring0.ts";

const RAN = { errorCode: 0 };
const GP = { vector: "#GP", errorCode: 0 };
const PAGES = 0x3000;
const BITMAP = 0x80;
const IOPL3 = 0x3002;

/** Ports that answer with their number times 0x01010101, and remember who asked. */
function machine(): { m: Ring0; log: string[] } {
  const log: string[] = [];
  const host: Partial<CoreHost> = {
    portIn(port, size) {
      log.push(`in ${port.toString(16)} ${size}`);
      return ((port & 0xff) * 0x0101_0101) >>> 0;
    },
    portOut: (port, size, value) => log.push(`out ${port.toString(16)} ${size} ${value.toString(16)}`),
  };
  return { m: new Ring0(host), log };
}

const DX = { rdx: 0xabcd_0123n, rax: 0x8877_6655_4433_2211n };

const plain: readonly (readonly [what: string, code: string, log: readonly string[], rax: bigint])[] = [
  ["in al, 80h", "E4 80", ["in 80 1"], 0x8877_6655_4433_2280n],
  ["in ax, 80h", "66 E5 80", ["in 80 2"], 0x8877_6655_4433_8080n],
  ["in eax, 80h", "E5 80", ["in 80 4"], 0x8080_8080n],
  ["in eax, dx", "ED", ["in 123 4"], 0x2323_2323n],
  ["in eax, dx with REX.W", "48 ED", ["in 123 4"], 0x2323_2323n],
  ["out FFh, al", "E6 FF", ["out ff 1 11"], 0x8877_6655_4433_2211n],
  ["out dx, ax", "66 EF", ["out 123 2 2211"], 0x8877_6655_4433_2211n],
  ["out dx, eax", "EF", ["out 123 4 44332211"], 0x8877_6655_4433_2211n],
];

describe("IN and OUT", () => {
  for (const [what, code, log, rax] of plain)
    it(what, () => {
      const { m, log: seen } = machine();
      expect(m.set(DX).run(code)).toEqual(RAN);
      expect(seen).toEqual(log);
      expect(m.vcpu.get("rax")).toBe(rax);
    });

  it("reach nobody: ones", () => {
    const m = new Ring0().set(DX);
    expect(m.run("E4 80")).toEqual(RAN);
    expect(m.vcpu.get("rax") & 0xffn).toBe(0xffn);
  });
});

const strings: readonly (readonly [
  what: string,
  code: string,
  registers: Readonly<Record<string, bigint>>,
  log: readonly string[],
  after: Readonly<Record<string, bigint>>,
])[] = [
  ["insb", "6C", {}, ["in 123 1"], { rdi: BigInt(DATA + 1), rcx: 3n }],
  ["rep insw", "F3 66 6D", {}, ["in 123 2", "in 123 2", "in 123 2"], { rdi: BigInt(DATA + 6), rcx: 0n }],
  ["rep insd, none", "F3 6D", { rcx: 0n }, [], { rdi: BigInt(DATA), rcx: 0n }],
  ["rep insb with a 32-bit count", "67 F3 6C", { rcx: 0x1_0000_0001n }, ["in 123 1"], { rdi: BigInt(DATA + 1), rcx: 0n }],
  ["outsd", "6F", {}, ["out 123 4 3020100"], { rsi: BigInt(DATA + 0x104), rcx: 3n }],
  ["rep outsb", "F3 6E", {}, ["out 123 1 0", "out 123 1 1", "out 123 1 2"], { rsi: BigInt(DATA + 0x103), rcx: 0n }],
  ["std; rep outsb", "FD F3 6E", { rcx: 2n }, ["out 123 1 0", "out 123 1 ff"], { rsi: BigInt(DATA + 0xfe), rcx: 0n }],
];

describe("INS and OUTS", () => {
  const registers = { ...DX, rsi: BigInt(DATA + 0x100), rdi: BigInt(DATA), rcx: 3n };
  for (const [what, code, changes, log, after] of strings)
    it(what, () => {
      const { m, log: seen } = machine();
      m.write(DATA + 0x100, 0x0706_0504_0302_0100n).write(DATA + 0xf8, -1n & 0xffff_ffff_ffff_ffffn);
      expect(m.set({ ...registers, ...changes }).run(code)).toEqual(RAN);
      expect(seen).toEqual(log);
      for (const [name, value] of Object.entries(after)) expect([name, m.vcpu.get(name)]).toEqual([name, value]);
    });

  it("a destination that faults is found out before the port is read, after the elements before it", () => {
    const { m, log } = machine();
    // two megabytes on, nothing is mapped
    m.write(PAGES + 16, 0n).set({ ...registers, rdi: 0x40_0000n - 2n });
    expect(m.run("F3 6C").vector).toBe("#PF");
    expect(log).toEqual(["in 123 1", "in 123 1"]);
    expect([m.vcpu.get("rdi"), m.vcpu.get("rcx"), m.vcpu.get("cr2")]).toEqual([0x40_0000n, 1n, 0x40_0000n]);
    expect(m.vcpu.get("rip")).toBe(BigInt(CODE));
  });
});

/** ring 3 with a bitmap that denies the ports in `denied` */
function inRing3(denied: readonly number[], limit = BITMAP + 0x80): { m: Ring0; log: string[] } {
  const { m, log } = machine();
  m.inRing3().set({ trLimit: limit }).set(DX);
  m.write(TSS + 96, BigInt(BITMAP) << 48n);
  for (let at = 0; at < 0x80; at += 8) m.write(TSS + BITMAP + at, 0n);
  for (const port of denied) {
    const at = TSS + BITMAP + ((port >> 6) << 3);
    m.write(at, m.read(at) | (1n << BigInt(port & 63)));
  }
  return { m, log };
}

describe("permission", () => {
  const rows: readonly (readonly [what: string, code: string, denied: readonly number[], right: boolean])[] = [
    ["a port whose bit is clear", "EC", [0x122, 0x124], true],
    ["a port whose bit is set", "EC", [0x123], false],
    ["two ports, the second denied", "66 ED", [0x124], false],
    ["four ports over a byte of the map, the last denied", "66 BA 3D 01 ED", [0x140], false],
    ["four ports over a byte of the map", "66 BA 3D 01 ED", [0x141], true],
    ["OUT to a denied port", "EE", [0x123], false],
    ["INS from a denied port", "6C", [0x123], false],
    ["OUTS to a denied port", "6E", [0x123], false],
  ];
  for (const [what, code, denied, right] of rows)
    it(`${right ? "" : "refused: "}${what}`, () => {
      const { m, log } = inRing3(denied);
      m.set({ rsi: BigInt(DATA), rdi: BigInt(DATA) });
      expect(m.run(code)).toEqual(right ? RAN : GP);
      expect(log.length).toBe(right ? 1 : 0);
    });

  it("refused: a port behind the map, of which two bytes are read", () => {
    expect(inRing3([], BITMAP + 0x25).m.run("EC")).toEqual(RAN);
    expect(inRing3([], BITMAP + 0x24).m.run("EC")).toEqual(GP);
  });
  it("refused: a TSS that is too short for the map's offset, or of 16 bits", () => {
    expect(inRing3([], 0x66).m.run("EC")).toEqual(GP);
    expect(inRing3([]).m.set({ trRights: 0x83 }).run("EC")).toEqual(GP);
  });
  it("IOPL lets ring 3 do everything", () => {
    const { m } = inRing3([0x123]);
    m.vcpu.rflags = IOPL3;
    expect(m.run("EC")).toEqual(RAN);
  });
  it("virtual-8086 mode asks the map whatever IOPL is", () => {
    const { m } = inRing3([0x123]);
    m.set({ mode: 0, cpl: 3, cs: 0, csBase: 0n, csLimit: 0xffff, csRights: 0xf3, efer: 0n, cr0: 0x11n, rip: 0x8000n });
    m.vcpu.rflags = IOPL3 | 0x2_0000;
    expect(m.code("EC", 0x8000).run()).toEqual(GP);
  });
});
