/** SDM Vol. 3 "VMX-Preemption Timer", "VM-Exit Controls"; the TSC of guests; PAUSE-loop exiting. Time is one cycle an instruction. */
import { describe, expect, it } from "vitest";
import { STOP } from "../../src/spec/events.ts";
import { EXIT_REASON } from "../../src/spec/exits.ts";
import { GuestWithHandlers } from "../lib/vmx-guest.ts";

const NOP = "90";
const HLT = "F4";
const VMCALL = "0F 01 C1";
const CPUID = "0F A2";
const JMP_SELF = "EB FE";
const RDTSC = "0F 31";
const PAUSE = "F3 90";
const MISC = 5;
const MOV_ECX_IA32_TSC = "B9 10 00 00 00";

describe("the VMX-preemption timer", () => {
  const guest = (value: bigint, ...more: readonly string[]) =>
    new GuestWithHandlers().on("activatePreemptionTimer", ...more).with({ vmxPreemptionTimerValue: value });

  it("exits before the first instruction if it is 0", () => {
    const m = guest(0n);
    expect(m.launch(NOP)).toBe(STOP.HALT);
    expect(m.exit).toEqual({ reason: EXIT_REASON.PREEMPTION_TIMER, qualification: 0n, at: 0 });
  });
  it("exits behind an event that is injected, if it is 0", () => {
    const m = guest(0n).with({ vmEntryInterruptionInformation: 0x8000_0306n });
    expect(m.launch(NOP)).toBe(STOP.HALT);
    expect([m.exit.reason, m.atHandler]).toEqual([EXIT_REASON.PREEMPTION_TIMER, 6]);
  });
  it("counts down once in 2^IA32_VMX_MISC[4:0] cycles", () => {
    expect(guest(20n).ring0.vcpu.get("vmxCapability", MISC) & 31n).toBe(0n);
    // jumps, since an interruption waits for the end of a straight run of instructions
    const n = guest(20n);
    expect(n.launch(`${"EB 00 ".repeat(40)}`)).toBe(STOP.HALT);
    expect(n.exit).toEqual({ reason: EXIT_REASON.PREEMPTION_TIMER, qualification: 0n, at: 40 });
  });
  it("keeps its value in the VMCS unless the exit control saves what is left", () => {
    const m = guest(1000n);
    expect(m.launch(`${NOP} ${NOP} ${CPUID}`)).toBe(STOP.HALT);
    expect(m.field("vmxPreemptionTimerValue")).toBe(1000n);
    const n = guest(1000n, "saveVmxPreemptionTimerValue");
    expect(n.launch(`${NOP} ${NOP} ${CPUID}`)).toBe(STOP.HALT);
    expect(n.field("vmxPreemptionTimerValue")).toBe(998n);
    const o = guest(3n, "saveVmxPreemptionTimerValue");
    expect(o.launch(JMP_SELF)).toBe(STOP.HALT);
    expect(o.field("vmxPreemptionTimerValue")).toBe(0n);
  });
  it("wakes the guest from HLT, and who skips idle time knows when", () => {
    const m = guest(5000n);
    expect(m.launch(HLT)).toBe(STOP.HALT);
    const { vcpu } = m.ring0;
    expect(vcpu.getNumber("vmx")).toBe(2);
    expect(vcpu.isDeaf).toBe(false);
    vcpu.skip(vcpu.nextTimer - vcpu.now);
    expect(vcpu.run(100n)).toBe(STOP.HALT);
    expect(m.exit).toEqual({ reason: EXIT_REASON.PREEMPTION_TIMER, qualification: 0n, at: 1 });
    expect(m.field("guestActivityState")).toBe(1n);
    expect(vcpu.nextTimer).toBe(Number.POSITIVE_INFINITY);
  });
  it("does not run without the control", () => {
    const m = new GuestWithHandlers().with({ vmxPreemptionTimerValue: 3n });
    expect(m.launch(`${NOP.repeat(20)} ${VMCALL}`)).toBe(STOP.HALT);
    expect(m.exit.reason).toBe(EXIT_REASON.VMCALL);
  });
});

describe("the time-stamp counter of a guest", () => {
  const counter = (code: string, m: GuestWithHandlers) => {
    m.ring0.set({ tscOffset: 1_000_000n - m.ring0.vcpu.get("instructions") - m.ring0.vcpu.get("idle") });
    const host = m.ring0.vcpu.get("tscOffset");
    expect(m.launch(`${code} ${VMCALL}`)).toBe(STOP.HALT);
    expect(m.ring0.vcpu.get("tscOffset")).toBe(host);
    const { vcpu } = m.ring0;
    // the time when the instruction read it: it and the host's HLT have retired since
    const now = BigInt(vcpu.now) + host - 2n;
    return { read: (vcpu.get("rdx") << 32n) | (vcpu.get("rax") & 0xffff_ffffn), now };
  };
  const RDTSCP = "0F 01 F9";
  const RDMSR = "0F 32";

  it("is shifted for RDTSC, RDTSCP and RDMSR", () => {
    for (const code of [RDTSC, RDTSCP, RDMSR]) {
      const m = new GuestWithHandlers().withMsrs().on("useTscOffsetting", "enableRdtscp").with({ tscOffset: 0x10_0000_0000n });
      const { read, now } = counter(`${MOV_ECX_IA32_TSC} ${code}`, m);
      expect(read - now).toBe(0x10_0000_0000n);
    }
  });
  it("is multiplied by a 64-bit fixed-point number of 48 fraction bits, then shifted", () => {
    for (const multiplier of [3n << 47n, 1n << 48n, 5n << 50n, 1n << 40n]) {
      const m = new GuestWithHandlers().on("useTscOffsetting", "useTscScaling").with({ tscOffset: 77n, tscMultiplier: multiplier });
      const { read, now } = counter(RDTSC, m);
      expect(read).toBe(((now * multiplier) >> 48n) + 77n);
    }
  });
  it("is not scaled where offsetting is off", () => {
    const m = new GuestWithHandlers().on("useTscScaling").with({ tscOffset: 77n, tscMultiplier: 5n << 50n });
    const { read, now } = counter(RDTSC, m);
    expect(read).toBe(now);
  });
});

describe("PAUSE-loop exiting", () => {
  const LOOP = `B9 00 10 00 00 ${PAUSE} ${NOP} ${NOP} FF C9 75 F8 ${VMCALL}`;
  const ITERATION = 5n;
  const guest = (gap: bigint, window: bigint) => new GuestWithHandlers().on("pauseLoopExiting").with({ pleGap: gap, pleWindow: window });

  it("exits when PAUSE comes again within the gap for longer than the window", () => {
    const m = guest(ITERATION, ITERATION * 10n);
    expect(m.launch(LOOP)).toBe(STOP.HALT);
    expect(m.exit).toEqual({ reason: EXIT_REASON.PAUSE, qualification: 0n, at: 5 });
    // the first PAUSE starts the loop; ten iterations later the window is not exceeded yet
    expect(m.ring0.vcpu.get("rcx")).toBe(0x1000n - 11n);
  });
  it("does not exit if the intervals are longer than the gap", () => {
    const m = guest(ITERATION - 1n, 1n);
    m.launch(LOOP);
    for (let i = 0; i < 40 && m.ring0.vcpu.getNumber("vmx") === 2; i++) m.ring0.vcpu.run(1000n);
    expect(m.exit.reason).toBe(EXIT_REASON.VMCALL);
  });
});
