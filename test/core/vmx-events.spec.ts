/** What exits between two instructions of a guest. SDM Vol. 3 "Monitor Trap Flag", "Other Causes of VM Exits", "Priority Among Concurrent Events". */
import { describe, expect, it } from "vitest";
import { STOP } from "../../src/spec/events.ts";
import { EXIT_REASON } from "../../src/spec/exits.ts";
import { DATA } from "../lib/ring0.ts";
import { GuestWithHandlers } from "../lib/vmx-guest.ts";

const NOP = "90";
const STI = "FB";
const VMCALL = "0F 01 C1";
const IRETQ = "48 CF";
const IF = 0x200n;
const TF = 0x100n;
const VALID = 0x8000_0000n;
const BLOCKED_BY_STI = 1n;
const BLOCKED_BY_MOV_SS = 2n;
const BLOCKED_BY_NMI = 8n;
const BS = 1n << 14n;
const UD = 6;
const NMI = 2;

const run = (m: GuestWithHandlers, code: string) => {
  expect(m.launch(code)).toBe(STOP.HALT);
  return m.exit;
};
const resume = (m: GuestWithHandlers) => {
  expect(m.resume()).toBe(STOP.HALT);
  return m.exit;
};
const trapped = (at: number) => ({ reason: EXIT_REASON.MONITOR_TRAP_FLAG, qualification: 0n, at });

describe("the monitor trap flag", () => {
  const guest = () => new GuestWithHandlers().on("monitorTrapFlag");

  it("exits behind one instruction, each time", () => {
    const m = guest();
    expect(run(m, `${NOP} ${NOP} ${VMCALL}`)).toEqual(trapped(1));
    expect(resume(m)).toEqual(trapped(2));
    expect(resume(m).reason).toBe(EXIT_REASON.VMCALL);
  });
  it("exits behind one iteration of a repeated instruction", () => {
    const m = guest();
    m.ring0.set({ rdi: BigInt(DATA) });
    // mov ecx, 3; rep stosb
    expect(run(m, "B9 03 00 00 00 F3 AA")).toEqual(trapped(5));
    expect(resume(m)).toEqual(trapped(5));
    expect(m.ring0.vcpu.get("rcx")).toBe(2n);
    expect(resume(m)).toEqual(trapped(5));
    expect(resume(m)).toEqual(trapped(7));
    expect(m.ring0.vcpu.get("rcx")).toBe(0n);
  });
  it("exits before the first instruction of the handler of a fault, and of INT n", () => {
    const m = guest();
    expect([run(m, "0F 0B").reason, m.atHandler]).toEqual([EXIT_REASON.MONITOR_TRAP_FLAG, UD]);
    const n = guest();
    expect([run(n, "CD 80").reason, n.atHandler]).toEqual([EXIT_REASON.MONITOR_TRAP_FLAG, 0x80]);
  });
  it("exits before the first instruction of the handler of an injected event", () => {
    const m = guest().with({ vmEntryInterruptionInformation: VALID | 0x21n, guestRflags: 2n | IF });
    expect([run(m, NOP).reason, m.atHandler]).toEqual([EXIT_REASON.MONITOR_TRAP_FLAG, 0x21]);
  });
  it("exits behind the delivery of an interrupt that comes before the instruction", () => {
    const m = guest()
      .raiseIntr()
      .with({ guestRflags: 2n | IF });
    expect([run(m, NOP).reason, m.atHandler]).toEqual([EXIT_REASON.MONITOR_TRAP_FLAG, 0xff]);
  });
  it("does not exit where the instruction does", () => {
    expect(run(guest(), "0F A2").reason).toBe(EXIT_REASON.CPUID);
  });
  it("comes before the single-step trap, which stays pending", () => {
    const m = guest().with({ guestRflags: 2n | TF });
    expect(run(m, NOP)).toEqual(trapped(1));
    expect(m.field("guestPendingDebugExceptions")).toBe(BS);
  });
  it("is not held up by STI or MOV SS, whose blocking is saved", () => {
    const m = guest();
    expect(run(m, STI)).toEqual(trapped(1));
    expect(m.field("guestInterruptibilityState")).toBe(BLOCKED_BY_STI);
    const n = guest();
    expect(run(n, "8C D0 8E D0")).toEqual(trapped(2));
    expect(resume(n)).toEqual(trapped(4));
    expect(n.field("guestInterruptibilityState")).toBe(BLOCKED_BY_MOV_SS);
  });
  it("injected as an event exits before the first instruction, whatever the control is", () => {
    const m = new GuestWithHandlers().with({ vmEntryInterruptionInformation: VALID | (7n << 8n) });
    expect(run(m, NOP)).toEqual(trapped(0));
  });
});

describe("NMIs", () => {
  it("exit with the control, and are blocked in the host", () => {
    const m = new GuestWithHandlers().on("nmiExiting").raiseNmi();
    expect(run(m, NOP)).toEqual({ reason: EXIT_REASON.EXCEPTION_OR_NMI, qualification: 0n, at: 0 });
    expect(m.field("vmExitInterruptionInformation")).toBe(VALID | 0x202n);
    expect(m.ring0.vcpu.getNumber("nmiBlocked")).toBe(1);
  });
  it("go through the guest's IDT without it, and are blocked until IRET", () => {
    const m = new GuestWithHandlers().raiseNmi();
    expect([run(m, NOP).reason, m.atHandler]).toEqual([EXIT_REASON.VMCALL, NMI]);
    expect(m.field("guestInterruptibilityState")).toBe(BLOCKED_BY_NMI);
    const n = new GuestWithHandlers().handler(NMI, IRETQ).raiseNmi();
    expect(run(n, VMCALL).at).toBe(0);
    expect(n.field("guestInterruptibilityState")).toBe(0n);
  });
  it("that are virtual never block real ones", () => {
    const m = new GuestWithHandlers().on("nmiExiting", "virtualNmis").raiseNmi().with({ guestInterruptibilityState: BLOCKED_BY_NMI });
    expect(run(m, NOP).reason).toBe(EXIT_REASON.EXCEPTION_OR_NMI);
    expect(m.field("guestInterruptibilityState")).toBe(BLOCKED_BY_NMI);
  });
  it("that are injected block virtual ones until IRET, which opens the window", () => {
    const m = new GuestWithHandlers().on("nmiExiting", "virtualNmis", "nmiWindowExiting").handler(NMI, `${NOP} ${IRETQ}`);
    expect(run(m.with({ vmEntryInterruptionInformation: VALID | 0x202n }), NOP)).toEqual({
      reason: EXIT_REASON.NMI_WINDOW,
      qualification: 0n,
      at: 0,
    });
    expect(m.field("guestInterruptibilityState")).toBe(0n);
    const n = new GuestWithHandlers().on("nmiExiting", "virtualNmis").with({ vmEntryInterruptionInformation: VALID | 0x202n });
    expect(run(n, NOP).reason).toBe(EXIT_REASON.VMCALL);
    expect(n.field("guestInterruptibilityState")).toBe(BLOCKED_BY_NMI);
    // the host's NMIs are not blocked by that
    expect(n.ring0.vcpu.getNumber("nmiBlocked")).toBe(0);
  });
  it("that exit without being virtual stay blocked behind IRET", () => {
    const m = new GuestWithHandlers().on("nmiExiting").with({ guestInterruptibilityState: BLOCKED_BY_NMI });
    expect(run(m, `6A 10 54 48 83 04 24 08 9C 6A 08 E8 00 00 00 00 48 83 04 24 06 ${IRETQ} ${VMCALL}`).reason).toBe(EXIT_REASON.VMCALL);
    expect(m.field("guestInterruptibilityState")).toBe(BLOCKED_BY_NMI);
  });
  it("unblocked by an IRET that faults are told by bit 12", () => {
    for (const [controls, state] of [
      [[], BLOCKED_BY_NMI],
      [["nmiExiting", "virtualNmis"], BLOCKED_BY_NMI],
      [[], 0n],
    ] as const) {
      const m = new GuestWithHandlers().on(...controls).with({ exceptionBitmap: 1n << 13n, guestInterruptibilityState: state });
      // five zeros on the stack: a null CS is #GP(0)
      expect(run(m, `6A 00 6A 00 6A 00 6A 00 6A 00 ${IRETQ}`)).toEqual({ reason: EXIT_REASON.EXCEPTION_OR_NMI, qualification: 0n, at: 10 });
      expect(m.field("vmExitInterruptionInformation")).toBe(VALID | 0xb0dn | (state === 0n ? 0n : 1n << 12n));
      expect(m.field("guestInterruptibilityState")).toBe(0n);
    }
  });
});

describe("windows", () => {
  it("for interrupts open behind the instruction that follows STI, at once if IF is set", () => {
    const guest = () => new GuestWithHandlers().on("interruptWindowExiting");
    expect(run(guest(), `${NOP} ${STI} ${NOP} ${NOP}`)).toEqual({ reason: EXIT_REASON.INTERRUPT_WINDOW, qualification: 0n, at: 3 });
    expect(run(guest().with({ guestRflags: 2n | IF }), NOP).at).toBe(0);
  });
  it("for interrupts stay shut behind MOV SS", () => {
    const m = new GuestWithHandlers()
      .on("interruptWindowExiting")
      .with({ guestRflags: 2n | IF, guestInterruptibilityState: BLOCKED_BY_MOV_SS });
    expect(run(m, `${NOP} ${NOP}`)).toEqual({ reason: EXIT_REASON.INTERRUPT_WINDOW, qualification: 0n, at: 1 });
  });
  it("for NMIs open where virtual ones are not blocked; MOV SS keeps them shut, STI does not", () => {
    const guest = (state: bigint) =>
      new GuestWithHandlers()
        .on("nmiExiting", "virtualNmis", "nmiWindowExiting")
        .with({ guestInterruptibilityState: state, guestRflags: 2n | IF });
    for (const [state, at] of [
      [0n, 0],
      [BLOCKED_BY_STI, 0],
      [BLOCKED_BY_MOV_SS, 1],
    ] as const)
      expect(run(guest(state), `${NOP} ${NOP}`)).toEqual({ reason: EXIT_REASON.NMI_WINDOW, qualification: 0n, at });
    expect(run(guest(BLOCKED_BY_NMI), `${NOP} ${VMCALL}`).reason).toBe(EXIT_REASON.VMCALL);
  });
});

describe("an external interrupt", () => {
  const guest = (...more: readonly string[]) => new GuestWithHandlers().on("externalInterruptExiting", ...more).raiseIntr();

  it("exits whatever IF is, unacknowledged", () => {
    const m = guest();
    expect(run(m, NOP)).toEqual({ reason: EXIT_REASON.EXTERNAL_INTERRUPT, qualification: 0n, at: 0 });
    expect(m.field("vmExitInterruptionInformation") & VALID).toBe(0n);
  });
  it("is acknowledged with the exit control", () => {
    const m = guest("acknowledgeInterruptOnExit");
    expect(run(m, NOP).reason).toBe(EXIT_REASON.EXTERNAL_INTERRUPT);
    expect(m.field("vmExitInterruptionInformation")).toBe(VALID | 0xffn);
  });
  it("waits behind STI and MOV SS for one instruction", () => {
    for (const state of [BLOCKED_BY_STI, BLOCKED_BY_MOV_SS]) {
      const m = guest().with({ guestInterruptibilityState: state, guestRflags: 2n | IF });
      expect(run(m, `${NOP} ${NOP}`).at).toBe(1);
    }
  });
  it("comes through the IDT without the control, if IF is set", () => {
    const m = new GuestWithHandlers().raiseIntr().with({ guestRflags: 2n | IF });
    expect([run(m, NOP).reason, m.atHandler]).toEqual([EXIT_REASON.VMCALL, 0xff]);
    expect(run(new GuestWithHandlers().raiseIntr(), `${NOP} ${VMCALL}`).at).toBe(1);
  });
});

describe("priority", () => {
  it("MTF, debug trap, timer, NMI window, NMI, interrupt window, interrupt", () => {
    const m = new GuestWithHandlers()
      .on("nmiExiting", "virtualNmis", "nmiWindowExiting", "activatePreemptionTimer", "interruptWindowExiting", "externalInterruptExiting")
      .raiseIntr()
      .with({ exceptionBitmap: 2n, guestRflags: 2n | IF, guestPendingDebugExceptions: BS, vmEntryInterruptionInformation: VALID | 0x700n });
    const seen = [run(m, NOP).reason];
    const next = (...off: readonly string[]) => seen.push(resume(m.off(...off)).reason);
    next();
    next();
    next("activatePreemptionTimer");
    m.raiseNmi();
    next("nmiWindowExiting");
    next();
    next("interruptWindowExiting");
    const R = EXIT_REASON;
    expect(seen).toEqual([
      R.MONITOR_TRAP_FLAG,
      R.EXCEPTION_OR_NMI,
      R.PREEMPTION_TIMER,
      R.NMI_WINDOW,
      R.EXCEPTION_OR_NMI,
      R.INTERRUPT_WINDOW,
      R.EXTERNAL_INTERRUPT,
    ]);
  });
});
