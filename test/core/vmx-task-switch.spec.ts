/** Guests do not switch tasks. SDM Vol. 3 "Treatment of Task Switches", "Exit Qualification for Task Switches". */
import { describe, expect, it } from "vitest";
import { STOP } from "../../src/spec/events.ts";
import { EXIT_REASON } from "../../src/spec/exits.ts";
import { FREE, IDT, SELECTOR, TSS } from "../lib/ring0.ts";
import { VmxMachine } from "../lib/vmx.ts";

const DIRECTORY = 0x6_8000;
/** 4 MiB to themselves, with CR4.PSE */
const LARGE_PAGE = 0xe7n;
const NEW_TSS = FREE;
const NEW_TSS_AT = 0x6_9000n;
const VALID = 0x8000_0000n;
const SOURCE = { call: 0n, iret: 1n, jmp: 2n, gate: 3n };
const [AVAILABLE, BUSY] = [0x89n, 0x8bn];
const GP = 13;
const TS = 10;

const le = (v: number, bytes: number) =>
  Array.from({ length: bytes }, (_, i) => ((v >> (8 * i)) & 0xff).toString(16).padStart(2, "0")).join(" ");

/** a 32-bit guest with 32-bit paging, and a second TSS */
const guest = (type = AVAILABLE, limit = 0x67n) => {
  const m = new VmxMachine().with({
    guestCr3: BigInt(DIRECTORY),
    guestCr4: 0x2010n,
    guestIa32Efer: 0n,
    vmEntryControls: (old) => old & ~(1n << 9n),
    guestCsSelector: BigInt(SELECTOR.CODE32),
    guestCsAccessRights: 0xc09bn,
    guestIdtrBase: BigInt(IDT),
    guestIdtrLimit: 0x7ffn,
    exceptionBitmap: (1n << BigInt(GP)) | (1n << BigInt(TS)),
  });
  m.ring0.write(DIRECTORY, LARGE_PAGE);
  m.ring0.describe(NEW_TSS, limit | ((NEW_TSS_AT & 0xff_ffffn) << 16n) | (type << 40n));
  m.ring0.write(TSS, BigInt(NEW_TSS));
  return m;
};
const launch = (m: VmxMachine, code: string) => {
  expect(m.launch(code)).toBe(STOP.HALT);
  return m.exit;
};
const switched = (source: bigint, at = 0) => ({
  reason: EXIT_REASON.TASK_SWITCH,
  qualification: BigInt(NEW_TSS) | (source << 30n),
  at,
});

describe("a task switch exits", () => {
  it("by a far call or jump to a TSS, with the instruction's length", () => {
    for (const [opcode, source] of [
      ["9A", SOURCE.call],
      ["EA", SOURCE.jmp],
    ] as const) {
      const m = guest();
      expect(launch(m, `90 ${opcode} ${le(0, 4)} ${le(NEW_TSS, 2)}`)).toEqual(switched(source, 1));
      expect(m.field("vmExitInstructionLength")).toBe(7n);
      expect(m.field("idtVectoringInformation") & VALID).toBe(0n);
      expect(m.field("guestTrSelector")).toBe(BigInt(SELECTOR.TSS));
    }
  });
  it("by IRET with RFLAGS.NT, to the task that the TSS links", () => {
    const m = guest(BUSY).with({ guestRflags: 0x4002n });
    expect(launch(m, "CF")).toEqual(switched(SOURCE.iret));
    expect(m.field("vmExitInstructionLength")).toBe(1n);
    expect(m.field("guestRflags")).toBe(0x4002n);
  });
  it("by a task gate of the IDT: INT n, an exception, an interrupt, with IDT-vectoring information", () => {
    const TASK_GATE = 0x8500;
    const int = guest();
    int.ring0.gate8(0x80, NEW_TSS, 0, TASK_GATE);
    expect(launch(int, "CD 80")).toEqual(switched(SOURCE.gate));
    expect([int.field("idtVectoringInformation"), int.field("vmExitInstructionLength")]).toEqual([VALID | 0x480n, 2n]);
    const ud = guest();
    ud.ring0.gate8(6, NEW_TSS, 0, TASK_GATE);
    expect(launch(ud, "90 0F 0B")).toEqual(switched(SOURCE.gate, 1));
    expect(ud.field("idtVectoringInformation")).toBe(VALID | 0x306n);
    const np = guest().with({ vmEntryInterruptionInformation: VALID | 0xb0bn, vmEntryExceptionErrorCode: 0x28n });
    np.ring0.gate8(11, NEW_TSS, 0, TASK_GATE);
    expect(launch(np, "90")).toEqual(switched(SOURCE.gate));
    expect([np.field("idtVectoringInformation"), np.field("idtVectoringErrorCode")]).toEqual([VALID | 0xb0bn, 0x28n]);
  });
});

describe("what is checked before", () => {
  const far = `EA ${le(0, 4)} ${le(NEW_TSS, 2)}`;
  it("a TSS that is busy or too small is an exception", () => {
    for (const [type, limit, vector] of [
      [BUSY, 0x67n, GP],
      [AVAILABLE, 0x66n, TS],
    ] as const) {
      const m = guest(type, limit);
      expect(launch(m, far)).toEqual({ reason: EXIT_REASON.EXCEPTION_OR_NMI, qualification: 0n, at: 0 });
      expect(m.field("vmExitInterruptionInformation")).toBe(VALID | 0xb00n | BigInt(vector));
      expect(m.field("vmExitInterruptionErrorCode")).toBe(BigInt(NEW_TSS));
    }
  });
});
