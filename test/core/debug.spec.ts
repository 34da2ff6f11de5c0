/** Debug exceptions. SDM Vol. 3 "Debug Exceptions", "Debug Registers", "Masking Exceptions and Interrupts When Switching Stacks". */
import { describe, expect, it } from "vitest";
import { STOP } from "../../src/spec/events.ts";
import { CODE, DATA, Ring0, SELECTOR } from "../lib/ring0.ts";

const HANDLER = 0x1_8000;
const DB = 1;
const UD = 6;
const TF = 0x102;
const NOP = "90";
const MOV_SS_AX = "8E D0";
const HLT = "F4";
const IRETQ = "48 CF";
const BS = 0x4000;
const DR6 = 0xffff_0ff0;

/** #DB comes to a HLT */
const traced = (rflags = 2) => {
  const m = new Ring0()
    .interruptible()
    .gate(DB, SELECTOR.CODE64, HANDLER)
    .code(HLT, HANDLER)
    .set({ rbx: BigInt(DATA) });
  m.vcpu.set("dr", BigInt(DR6), 6);
  m.vcpu.set("dr", 0x400n, 7);
  m.vcpu.rflags = rflags;
  return m;
};

/** breakpoint 0 at an address, of a type and length as DR7 has them */
const breakpoint = (at: number, type: number, length = 0, rflags = 2) => {
  const m = traced(rflags);
  m.vcpu.set("dr", BigInt(at), 0);
  m.vcpu.set("dr", 0x401n | (BigInt(type | (length << 2)) << 16n), 7);
  return m;
};

/** RIP that #DB pushed, and DR6 */
const outcome = (m: Ring0, code: string) => {
  expect(m.stop(code)).toBe(STOP.HALT);
  if (m.vcpu.get("rip") !== BigInt(HANDLER + 1)) return { rip: Number(m.vcpu.get("rip")) - CODE };
  return { rip: Number(m.read(Number(m.vcpu.get("rsp")))) - CODE, dr6: Number(m.vcpu.get("dr", 6)) & 0xe00f };
};

describe("single step", () => {
  it("traps behind every instruction, and POPF that sets TF is not one", () => {
    expect(outcome(traced(TF), NOP)).toEqual({ rip: 1, dr6: BS });
    expect(outcome(traced(), "68 02 01 00 00 9D 90 90")).toEqual({ rip: 7, dr6: BS });
  });
  it("traps behind each iteration of a repeated instruction", () => {
    const m = traced(TF).set({ rcx: 3n, rdi: BigInt(DATA) });
    expect(outcome(m, "F3 AA")).toEqual({ rip: 0, dr6: BS });
    expect(m.vcpu.get("rcx")).toBe(2n);
  });
  it("is lost behind a load of SS", () => {
    expect(outcome(traced(TF).set({ rax: BigInt(SELECTOR.DATA) }), `${MOV_SS_AX} ${NOP} ${NOP}`)).toEqual({ rip: 3, dr6: BS });
  });
  it("is lost behind INT n, and goes on behind the IRET", () => {
    const m = traced(TF)
      .gate(0x80, SELECTOR.CODE64, HANDLER + 0x100)
      .code(IRETQ, HANDLER + 0x100);
    expect(outcome(m, `CD 80 ${NOP} ${NOP}`)).toEqual({ rip: 3, dr6: BS });
  });
  it("wakes the processor from HLT", () => {
    expect(outcome(traced(TF), HLT)).toEqual({ rip: 1, dr6: BS });
  });
  it("is lost behind SYSCALL if FMASK takes TF away", () => {
    const m = traced(TF)
      .inRing3()
      .set({ star: 0x0008n << 32n, lstar: BigInt(CODE + 8), fmask: 0x100n });
    expect(outcome(m, "0F 05 90 90 90 90 90 90 F4")).toEqual({ rip: 9 });
  });
});

describe("instruction breakpoint", () => {
  it("is a fault before the instruction, with RF as it was", () => {
    const m = breakpoint(CODE + 1, 0);
    expect(outcome(m, `${NOP} ${NOP}`)).toEqual({ rip: 1, dr6: 1 });
    expect(m.read(Number(m.vcpu.get("rsp")) + 16)).toBe(2n);
  });
  it("does not strike with RF set, which lasts for one instruction", () => {
    const m = breakpoint(CODE + 1, 0, 0, 2);
    m.vcpu.set("dr", BigInt(CODE + 2), 1);
    m.vcpu.set("dr", 0x405n, 7);
    m.vcpu.rflags = 0x10002;
    expect(outcome(m.set({ rip: BigInt(CODE + 1) }), `${NOP} ${NOP} ${NOP}`)).toEqual({ rip: 2, dr6: 2 });
  });
  it("of a faulting instruction does not strike again when the handler returns", () => {
    // ud2 at CODE + 1, struck once; the handler of #UD changes it to two NOPs and returns with the RF that was pushed
    const m = breakpoint(CODE + 1, 0).gate(UD, SELECTOR.CODE64, HANDLER + 0x100);
    m.code("81 4C 24 10 00 00 01 00 FF C1 48 CF", HANDLER).code("66 C7 04 25 01 00 01 00 90 90 48 CF", HANDLER + 0x100);
    expect(outcome(m, "90 0F 0B F4")).toEqual({ rip: 4 });
    expect(m.vcpu.get("rcx")).toBe(1n);
  });
  it("is passed over behind a load of SS", () => {
    const m = breakpoint(CODE + 2, 0).set({ rax: BigInt(SELECTOR.DATA) });
    expect(outcome(m, `${MOV_SS_AX} ${NOP} ${HLT}`)).toEqual({ rip: 4 });
  });
});

describe("data breakpoint", () => {
  const [WRITE, READ_WRITE] = [1, 3];
  const rows: readonly (readonly [what: string, type: number, at: number, length: number, code: string, struck: boolean])[] = [
    ["write of its byte", WRITE, DATA, 0, "88 03", true],
    ["read of a byte watched for writes", WRITE, DATA, 0, "8A 03", false],
    ["read", READ_WRITE, DATA, 0, "8A 03", true],
    ["write beside it", WRITE, DATA + 1, 0, "88 03", false],
    ["write that reaches it", WRITE, DATA + 1, 0, "66 89 03", true],
    ["write at the end of eight bytes", WRITE, DATA - 8, 2, "88 43 FF", true],
    ["write behind eight bytes", WRITE, DATA - 8, 2, "88 03", false],
    ["its address counts from the aligned one", WRITE, DATA + 3, 3, "88 03", true],
    ["push", WRITE, DATA - 8, 2, "48 89 DC 50", true],
    ["read and write", WRITE, DATA, 3, "FF 03", true],
    ["first of two in a string move", READ_WRITE, DATA, 0, "48 89 DE A4", true],
    ["16 bytes", WRITE, DATA + 12, 3, "0F 29 03", true],
  ];
  for (const [what, type, at, length, code, struck] of rows)
    it(`${what}: ${struck ? "trap" : "nothing"}`, () => {
      const m = breakpoint(at, type, length).set({ rdi: BigInt(DATA + 0x100) });
      const bytes = code.split(" ").length;
      expect(outcome(m, `${code} ${HLT}`)).toEqual(struck ? { rip: bytes, dr6: 1 } : { rip: bytes + 1 });
    });
  it("of a load of SS traps behind the next instruction", () => {
    const m = breakpoint(DATA, READ_WRITE).write(DATA, BigInt(SELECTOR.DATA));
    expect(outcome(m, `8E 13 ${NOP} ${NOP}`)).toEqual({ rip: 3, dr6: 1 });
  });
  it("of a load of SS before INT1 comes with its #DB, once", () => {
    const m = breakpoint(DATA, READ_WRITE).write(DATA, BigInt(SELECTOR.DATA)).code("FF C1 48 CF", HANDLER);
    expect(outcome(m, `8E 13 F1 ${HLT}`)).toEqual({ rip: 4 });
    expect([m.vcpu.get("rcx"), m.vcpu.get("dr", 6)]).toEqual([1n, BigInt((DR6 | 1) >>> 0)]);
  });
  it("and single step come together; an access that faults strikes nothing", () => {
    expect(outcome(breakpoint(DATA, WRITE, 0, TF), "88 03")).toEqual({ rip: 2, dr6: BS | 1 });
    const m = breakpoint(DATA, READ_WRITE)
      .gate(14, SELECTOR.CODE64, HANDLER + 0x100)
      .code(HLT, HANDLER + 0x100);
    expect(m.set({ rsp: 0x7000_0000n, rdi: BigInt(DATA) }).stop("FF 33")).toBe(STOP.SHUTDOWN);
  });
});

describe("debug registers", () => {
  it("general detect faults and is off in the handler", () => {
    const m = traced();
    m.vcpu.set("dr", 0x2400n, 7);
    expect(outcome(m, "0F 21 C0")).toEqual({ rip: 0, dr6: 0x2000 });
    expect(m.vcpu.get("dr", 7)).toBe(0x400n);
  });
  it("are set by the program itself: mov dr0, rbx; mov dr7, rax; mov [rbx], al", () => {
    expect(outcome(traced().set({ rax: 0x1_0401n }), "0F 23 C3 0F 23 F8 88 03 90")).toEqual({ rip: 8, dr6: 1 });
  });
});
