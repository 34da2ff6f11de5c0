/** SDM Vol. 3 "Guest Non-Register State": activity states, and what wakes each; INIT and start-up IPIs. */
import { describe, expect, it } from "vitest";
import { PENDING, STOP, VMX } from "../../src/spec/events.ts";
import { EXIT_REASON } from "../../src/spec/exits.ts";
import { GuestWithHandlers } from "../lib/vmx-guest.ts";

const NOP = "90";
const HLT = "F4";
const IF = 0x200n;
const VALID = 0x8000_0000n;
const ACTIVITY = { active: 0n, hlt: 1n, shutdown: 2n, waitForSipi: 3n };
const LOCAL_APIC = 0xfee0_0000;
const INIT = 0x500;
const STARTUP = 0x600;
const NMI = 2;
const CR0_PE = 1n;
const EXITING = ["nmiExiting", "externalInterruptExiting", "activatePreemptionTimer"] as const;

/** A guest that waits; the timer is far away. */
const waiting = (activity: bigint, ...controls: readonly string[]) => {
  const m = new GuestWithHandlers().on(...controls).with({ guestActivityState: activity, vmxPreemptionTimerValue: 100_000n });
  expect(m.launch(NOP)).toBe(STOP.HALT);
  expect(m.ring0.vcpu.getNumber("vmx")).toBe(VMX.NON_ROOT);
  return m;
};
type Wake = (m: GuestWithHandlers) => void;
const wakes: Readonly<Record<string, Wake>> = {
  NMI: (m) => m.ring0.vcpu.raiseNmi(),
  interrupt: (m) => m.raiseIntr(),
  timer: (m) => m.ring0.vcpu.skip(100_000),
  INIT: (m) => m.ring0.core.message(LOCAL_APIC, INIT),
  SIPI: (m) => m.ring0.core.message(LOCAL_APIC, STARTUP | 0x9a),
};
const REASON: Readonly<Record<string, number>> = {
  NMI: EXIT_REASON.EXCEPTION_OR_NMI,
  interrupt: EXIT_REASON.EXTERNAL_INTERRUPT,
  timer: EXIT_REASON.PREEMPTION_TIMER,
  INIT: EXIT_REASON.INIT_SIGNAL,
  SIPI: EXIT_REASON.STARTUP_IPI,
};

describe("activity", () => {
  const rows: readonly (readonly [keyof typeof ACTIVITY, readonly string[]])[] = [
    ["hlt", ["NMI", "interrupt", "timer", "INIT"]],
    ["shutdown", ["NMI", "timer", "INIT"]],
    ["waitForSipi", ["SIPI"]],
  ];
  for (const [state, woken] of rows)
    for (const [what, wake] of Object.entries(wakes))
      it(`${state}: ${what} ${woken.includes(what) ? "exits, and the state is saved" : "does nothing"}`, () => {
        const m = waiting(ACTIVITY[state], ...EXITING);
        wake(m);
        expect(m.ring0.vcpu.run(1000n)).toBe(STOP.HALT);
        expect(m.ring0.vcpu.getNumber("vmx")).toBe(woken.includes(what) ? VMX.ROOT : VMX.NON_ROOT);
        if (!woken.includes(what)) return;
        expect(m.exit).toEqual({ reason: REASON[what], qualification: what === "SIPI" ? 0x9an : 0n, at: 0 });
        expect(m.field("guestActivityState")).toBe(ACTIVITY[state]);
      });
  it("of a guest that has executed HLT is HLT, behind the instruction", () => {
    const m = new GuestWithHandlers().on("externalInterruptExiting");
    expect(m.launch(`${NOP} ${HLT}`)).toBe(STOP.HALT);
    m.raiseIntr().ring0.vcpu.run(1000n);
    expect([m.exit.at, m.field("guestActivityState")]).toEqual([2, ACTIVITY.hlt]);
  });
  it("ends where an event is injected, or delivered", () => {
    const m = new GuestWithHandlers().with({ guestActivityState: ACTIVITY.hlt, vmEntryInterruptionInformation: VALID | 0x202n });
    expect(m.launch(NOP)).toBe(STOP.HALT);
    expect([m.exit.reason, m.atHandler, m.field("guestActivityState")]).toEqual([EXIT_REASON.VMCALL, NMI, 0n]);
    const n = waiting(ACTIVITY.shutdown);
    n.ring0.vcpu.raiseNmi();
    n.ring0.vcpu.run(1000n);
    expect([n.exit.reason, n.atHandler]).toEqual([EXIT_REASON.VMCALL, NMI]);
    const o = new GuestWithHandlers().with({ guestActivityState: ACTIVITY.hlt, guestRflags: 2n | IF });
    expect(o.launch(NOP)).toBe(STOP.HALT);
    o.raiseIntr().ring0.vcpu.run(1000n);
    expect([o.exit.reason, o.atHandler]).toEqual([EXIT_REASON.VMCALL, 0xff]);
  });
  it("HLT ends by the windows' exits; shutdown by that for NMIs only", () => {
    for (const [state, control, exits] of [
      ["hlt", "interruptWindowExiting", true],
      ["hlt", "nmiWindowExiting", true],
      ["shutdown", "interruptWindowExiting", false],
      ["shutdown", "nmiWindowExiting", true],
      ["waitForSipi", "nmiWindowExiting", false],
    ] as const) {
      const m = new GuestWithHandlers().on("nmiExiting", "virtualNmis", control);
      expect(m.with({ guestActivityState: ACTIVITY[state], guestRflags: 2n | IF }).launch(NOP)).toBe(STOP.HALT);
      expect(m.ring0.vcpu.getNumber("vmx")).toBe(exits ? VMX.ROOT : VMX.NON_ROOT);
    }
  });
  it("HLT with an MTF injected exits at once and stays HLT", () => {
    const m = new GuestWithHandlers().with({ guestActivityState: ACTIVITY.hlt, vmEntryInterruptionInformation: VALID | 0x700n });
    expect(m.launch(NOP)).toBe(STOP.HALT);
    expect([m.exit.reason, m.field("guestActivityState")]).toEqual([EXIT_REASON.MONITOR_TRAP_FLAG, ACTIVITY.hlt]);
  });
});

describe("INIT", () => {
  it("takes a running guest out, with nothing reset", () => {
    const m = new GuestWithHandlers();
    expect(m.launch("0F A2")).toBe(STOP.HALT);
    m.ring0.set({ rbx: 77n });
    m.ring0.core.message(LOCAL_APIC, INIT);
    expect(m.resume()).toBe(STOP.HALT);
    expect(m.exit).toEqual({ reason: EXIT_REASON.INIT_SIGNAL, qualification: 0n, at: 0 });
    expect(m.ring0.vcpu.get("rbx")).toBe(77n);
  });
  it("waits in VMX root operation for VMXOFF", () => {
    const m = new GuestWithHandlers();
    expect(m.launch("0F A2")).toBe(STOP.HALT);
    m.ring0.core.message(LOCAL_APIC, INIT);
    m.run("BB 05 00 00 00");
    expect(m.ring0.vcpu.get("rbx")).toBe(5n);
    expect(m.ring0.vcpu.getNumber("pending") & PENDING.INIT).toBe(PENDING.INIT);
    m.run("0F 01 C4 EB 00");
    expect(m.ring0.vcpu.getNumber("pending")).toBe(0);
    expect([m.ring0.vcpu.getNumber("vmx"), m.ring0.vcpu.get("cr0") & CR0_PE]).toEqual([VMX.OFF, 0n]);
  });
});
