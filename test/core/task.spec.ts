/** Task switches. SDM Vol. 3 "Task Management". */
import { describe, expect, it } from "vitest";
import { STOP } from "../../src/spec/events.ts";
import { CODE, DATA, DESCRIPTOR, FREE, GDT, IDT, Ring0, SELECTOR, STACK, TSS } from "../lib/ring0.ts";

const HANDLER = 0x1_8000;
const TSS2 = 0x5900;
const HLT = "F4";
const IRET = "CF";
/** jmp and call far, to the TSS at FREE */
const JMP = "EA 00 00 00 00 60 00";
const CALL = "9A 00 00 00 00 60 00";
const AVAILABLE = 0x0000_8900_0000_0067n | (BigInt(TSS2) << 16n);
const BUSY = 0x2n << 40n;

interface Task {
  readonly cs?: number;
  readonly ss?: number;
  readonly ds?: number;
  readonly ldt?: number;
  readonly eflags?: number;
  readonly trap?: number;
}

/** a machine in 32-bit protected mode with a second task that starts at HANDLER */
const tasks = ({ cs = SELECTOR.CODE32, ss = SELECTOR.DATA, ds = SELECTOR.DATA, ldt = 0, eflags = 2, trap = 0 }: Task = {}) => {
  const m = new Ring0().interruptible().inProtectedMode().describe(FREE, AVAILABLE);
  m.write(GDT + SELECTOR.TSS, m.read(GDT + SELECTOR.TSS) | BUSY);
  m.write32(TSS2 + 32, HANDLER, eflags, 1, 2, 3, 4, DATA, 6, 7, 8, ds, cs, ss, ds, 0, 0, ldt, trap);
  m.write32(TSS + 32, ...Array<number>(16).fill(0xdead_beef));
  return m.code(HLT, HANDLER);
};

const type = (m: Ring0, selector: number) => Number((m.read(GDT + selector) >> 40n) & 15n);

describe("a task switch", () => {
  it("by JMP saves the old task, marks it available and loads the new one", () => {
    const m = tasks().set({ rax: 0x1111n, rdi: 0x2222n });
    expect(m.stop(JMP)).toBe(STOP.HALT);
    const v = m.vcpu;
    expect(["rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi"].map((r) => Number(v.get(r)))).toEqual([1, 2, 3, 4, DATA, 6, 7, 8]);
    expect([v.getNumber("tr"), v.get("trBase"), v.getNumber("ds"), v.getNumber("fs")]).toEqual([FREE, BigInt(TSS2), SELECTOR.DATA, 0]);
    expect([m.read32(TSS + 32), m.read32(TSS + 36), m.read32(TSS + 40), m.read32(TSS + 68)]).toEqual([CODE + 7, 2, 0x1111, 0x2222]);
    expect([m.read32(TSS + 76) & 0xffff, m.read32(TSS + 80) & 0xffff]).toEqual([SELECTOR.CODE32, SELECTOR.DATA]);
    expect([type(m, SELECTOR.TSS), type(m, FREE)]).toEqual([9, 11]);
    expect([v.get("cr0"), v.rflags]).toEqual([0x19n, 2]);
  });
  it("by CALL links the tasks, and IRET comes back", () => {
    const m = tasks().code(IRET, HANDLER);
    expect(m.stop(`${CALL} ${HLT}`)).toBe(STOP.HALT);
    expect([m.vcpu.get("rip"), m.vcpu.getNumber("tr"), m.read32(TSS2) & 0xffff]).toEqual([BigInt(CODE + 8), SELECTOR.TSS, SELECTOR.TSS]);
    expect([type(m, SELECTOR.TSS), type(m, FREE), m.vcpu.rflags]).toEqual([11, 9, 2]);
    // the nested task's image has NT no more, and goes on behind its IRET
    expect([m.read32(TSS2 + 32), m.read32(TSS2 + 36)]).toEqual([HANDLER + 1, 2]);
  });
  it("through a task gate of the GDT", () => {
    const m = tasks().describe(0x68, 0x0000_8500_0000_0000n | (BigInt(FREE) << 16n));
    expect(m.stop("9A 00 00 00 00 68 00")).toBe(STOP.HALT);
    expect([m.vcpu.getNumber("tr"), m.vcpu.rflags]).toEqual([FREE, 0x4002]);
  });
  it("by an exception puts the error code on the new task's stack", () => {
    const m = tasks().gate8(13, FREE, 0, 0x8500).set({ rax: 0x70n });
    expect(m.stop("8E D8")).toBe(STOP.HALT);
    expect([m.read32(DATA - 4), m.vcpu.get("rsp"), m.read32(TSS + 32), m.read32(TSS + 36)]).toEqual([
      0x70,
      BigInt(DATA - 4),
      CODE,
      0x10002,
    ]);
  });
  it("to a 16-bit TSS", () => {
    const m = tasks().describe(FREE, 0x0000_8100_0000_002bn | (BigInt(TSS2) << 16n));
    m.describe(0x68, 0x0000_9b01_0000_ffffn);
    const words = [0x8000, 2, 1, 2, 3, 4, 5, 6, 7, 8, SELECTOR.DATA, 0x68, SELECTOR.DATA, SELECTOR.DATA, 0];
    words.forEach((w, i) => {
      m.write32(TSS2 + 14 + 2 * i, w);
    });
    expect(m.stop(JMP)).toBe(STOP.HALT);
    expect([m.vcpu.get("rax"), m.vcpu.get("rdi"), m.vcpu.getNumber("mode"), m.vcpu.get("csBase")]).toEqual([1n, 8n, 0, 0x10000n]);
  });
  it("to a virtual-8086 task", () => {
    const m = tasks({ cs: 0x1800, ss: 0x2000, ds: 0x1234, eflags: 0x2_0002 })
      .write32(TSS2 + 32, 0)
      .gate8(13, SELECTOR.CODE32, CODE + 0x80);
    m.code(HLT, CODE + 0x80).write32(TSS2 + 4, STACK, SELECTOR.DATA);
    expect(m.stop(JMP)).toBe(STOP.HALT);
    expect(m.vcpu.get("rip")).toBe(BigInt(CODE + 0x81)); // HLT in ring 3
    const frame = Array.from({ length: 10 }, (_, i) => m.read32(STACK - 40 + 4 * i));
    expect(frame).toEqual([0, 0, 0x1800, 0x3_0002, DATA, 0x2000, 0x1234, 0x1234, 0, 0]);
  });
});

describe("a task switch is refused", () => {
  const gp = (m: Ring0, code = JMP) => {
    for (const vector of [10, 11, 12, 13]) m.gate8(vector, SELECTOR.CODE32, CODE + 0x80 + 16 * vector).code(HLT, CODE + 0x80 + 16 * vector);
    expect(m.stop(code)).toBe(STOP.HALT);
    const vector = (Number(m.vcpu.get("rip")) - CODE - 0x81) / 16;
    return [vector, m.read32(Number(m.vcpu.get("rsp"))), m.vcpu.getNumber("tr")];
  };
  const [TS, NP, GP] = [10, 11, 13];
  const old = SELECTOR.TSS;

  it("in the old task, of a busy, absent or short TSS", () => {
    expect(gp(tasks().describe(FREE, AVAILABLE | BUSY))).toEqual([GP, FREE, old]);
    expect(gp(tasks().describe(FREE, AVAILABLE & ~(1n << 47n)))).toEqual([NP, FREE, old]);
    expect(gp(tasks().describe(FREE, AVAILABLE - 1n))).toEqual([TS, FREE, old]);
    expect(gp(tasks(), "EA 00 00 00 00 64 00")).toEqual([GP, 0x64, old]);
  });
  it("IRET to a TSS that is not busy is #TS", () => {
    const m = tasks().write32(TSS, FREE);
    m.vcpu.rflags = 0x4002;
    expect(gp(m, IRET)).toEqual([TS, FREE, old]);
  });
  it("in the new task, for its segments", () => {
    expect(gp(tasks({ ds: SELECTOR.TSS }))).toEqual([TS, SELECTOR.TSS, FREE]);
    expect(gp(tasks({ ds: 0x68 }).describe(0x68, DESCRIPTOR.data & ~(1n << 47n)))).toEqual([NP, 0x68, FREE]);
    expect(gp(tasks({ ldt: SELECTOR.DATA }).write32(TSS2 + 4, STACK, SELECTOR.DATA))).toEqual([TS, SELECTOR.DATA, FREE]);
    expect(gp(tasks({ cs: SELECTOR.DATA }).write32(TSS2 + 4, STACK, SELECTOR.DATA))).toEqual([TS, SELECTOR.DATA, FREE]);
    // without a stack segment nothing can be pushed
    expect(
      tasks({ ss: 0x68 })
        .describe(0x68, DESCRIPTOR.data & ~(1n << 47n))
        .stop(JMP),
    ).toBe(STOP.SHUTDOWN);
  });
  it("the T flag traps before the first instruction", () => {
    const m = tasks({ trap: 1 })
      .gate8(1, SELECTOR.CODE32, CODE + 0x80)
      .code(HLT, CODE + 0x80);
    m.vcpu.set("dr", 0xffff_0ff0n, 6);
    expect(m.stop(JMP)).toBe(STOP.HALT);
    expect([m.vcpu.get("rip"), m.vcpu.get("dr", 6), m.read32(DATA - 12)]).toEqual([BigInt(CODE + 0x81), 0xffff_8ff0n, HANDLER]);
  });
});

describe("the IDT of protected mode", () => {
  const frame = (m: Ring0, words: number) => Array.from({ length: words }, (_, i) => m.read32(Number(m.vcpu.get("rsp")) + 4 * i));
  it("has interrupt gates of 32 and 16 bits", () => {
    const m = new Ring0().interruptible().inProtectedMode().gate8(6, SELECTOR.CODE32, HANDLER).code(HLT, HANDLER);
    expect(m.stop("90 0F 0B")).toBe(STOP.HALT);
    expect(frame(m, 3)).toEqual([CODE + 1, SELECTOR.CODE32, 0x10002]);
    m.set({ rip: BigInt(CODE + 1), rsp: BigInt(STACK) })
      .describe(FREE, 0x0000_9b01_0000_ffffn)
      .gate8(6, FREE, 0x8000, 0x8600);
    expect(m.stop()).toBe(STOP.HALT);
    expect([m.vcpu.get("rsp"), m.read32(STACK - 6), m.vcpu.getNumber("mode")]).toEqual([BigInt(STACK - 6), 0x18_0001, 0]);
  });
  it("changes the stack for an inner level, and IRET goes back", () => {
    const m = new Ring0()
      .interruptible()
      .inProtectedRing3()
      .write32(TSS + 4, STACK, SELECTOR.DATA)
      .set({ rsp: BigInt(DATA) });
    m.gate8(0x80, SELECTOR.CODE32, HANDLER, 0xee00)
      .gate8(13, SELECTOR.CODE32, HANDLER + 16)
      .code(HLT, HANDLER + 16)
      .code(IRET, HANDLER);
    expect(m.stop("CD 80 CD 81")).toBe(STOP.HALT);
    expect(frame(m, 6)).toEqual([0x81 * 8 + 2, CODE + 2, SELECTOR.USER32, 0x10002, DATA, SELECTOR.USER_DATA]);
  });
  it("takes stacks for inner levels only from a sound TSS", () => {
    const m = new Ring0()
      .interruptible()
      .inProtectedRing3()
      .write32(TSS + 4, STACK, SELECTOR.DATA)
      .set({ rsp: BigInt(DATA), trLimit: 8 });
    expect(m.gate8(0x80, SELECTOR.CODE32, HANDLER, 0xee00).stop("CD 80")).toBe(STOP.SHUTDOWN);
    expect(IDT).toBe(0x6000);
  });
});
