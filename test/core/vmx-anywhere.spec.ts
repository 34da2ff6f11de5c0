/**
 * A guest that is taken out and put back, wherever that happens, ends as if it had not been. Expected values are those of the same program
 * that runs undisturbed. SDM Vol. 3 "Saving Guest State", "Loading Guest State".
 */
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { STOP } from "../../src/spec/events.ts";
import { EXIT_REASON } from "../../src/spec/exits.ts";
import { GPR_NAMES } from "../../src/spec/state.ts";
import { DATA } from "../lib/ring0.ts";
import { GuestWithHandlers } from "../lib/vmx-guest.ts";

const VMCALL = "0F 01 C1";
const UD = 6;
const SERVICE = 0x80;
const DB = 1;
/** fewer than the instructions and iterations that the program takes */
const STEPS = 60;
/** data, and what the stack has below STACK */
const TOUCHED = [DATA, 0x1_f000] as const;

/** string instructions, a loop, an interrupt, a fault, both shadows, flags that must survive */
const PROGRAM = [
  "BF 00 00 03 00", // mov edi, DATA
  "B8 41 00 00 00 B9 09 00 00 00 F3 AA", // nine bytes of 41H
  "BE 00 00 03 00 B9 05 00 00 00 FD 66 F3 A5 FC", // five words downwards
  "BB 06 00 00 00 69 D3 01 01 00 00 01 D0 FF CB 75 F4", // six turns of a loop
  "F9 CD 80 11 D0", // stc; int 80H; adc eax, edx
  "0F 0B", // ud2, which the handler passes over
  "FB 90 FA", // sti; nop; cli
  "8C D1 8E D1 89 C6", // mov ecx, ss; mov ss, ecx; mov esi, eax
  "9C 5A 48 0F B6 C0 F8", // pushf; pop rdx; movzx rax, al; clc
  VMCALL,
].join(" ");

const machine = () => {
  const m = new GuestWithHandlers();
  // pop rcx; push rcx; iretq · add qword [rsp], 2; iretq
  m.handler(SERVICE, "59 51 48 CF").handler(UD, "48 83 04 24 02 48 CF");
  return m.handler(DB, "48 CF");
};
const outcome = (m: GuestWithHandlers) => {
  expect(m.exit.reason).toBe(EXIT_REASON.VMCALL);
  const hash = createHash("sha256");
  for (const at of TOUCHED) hash.update(m.ring0.core.ram.subarray(at, at + 0x1000));
  const registers = GPR_NAMES.filter((name) => name !== "rsp").map((name) => m.ring0.vcpu.get(name));
  const fields = ["guestRip", "guestRsp", "guestRflags", "guestInterruptibilityState", "guestPendingDebugExceptions", "guestCsSelector"];
  return { registers, fields: fields.map((name) => m.field(name)), memory: hash.digest("hex") };
};
const launch = (m: GuestWithHandlers) => {
  // the host's own registers stay the same from run to run
  m.ring0.set({ rax: 0n, rbx: 0n, rcx: 0n, rdx: 0n });
  expect(m.launch(PROGRAM)).toBe(STOP.HALT);
  return m;
};
const undisturbed = outcome(launch(machine()));

describe("a guest that is taken out", () => {
  it("is not touched by what the test itself does", () => {
    expect(outcome(launch(machine()))).toEqual(undisturbed);
  });
  it("after any time, by the preemption timer", () => {
    for (let cycles = 0; cycles < STEPS; cycles++) {
      const m = launch(
        machine()
          .on("activatePreemptionTimer")
          .with({ vmxPreemptionTimerValue: BigInt(cycles) }),
      );
      if (m.exit.reason === EXIT_REASON.PREEMPTION_TIMER) {
        m.off("activatePreemptionTimer");
        expect(m.resume()).toBe(STOP.HALT);
      }
      expect([cycles, outcome(m)]).toEqual([cycles, undisturbed]);
    }
  });
  it("again and again, by a timer that is always short", () => {
    const m = launch(machine().on("activatePreemptionTimer").with({ vmxPreemptionTimerValue: 1n }));
    let exits = 0;
    for (; m.exit.reason === EXIT_REASON.PREEMPTION_TIMER; exits++) expect(m.resume()).toBe(STOP.HALT);
    expect(exits).toBeGreaterThan(10);
    expect(outcome(m)).toEqual(undisturbed);
  });
  it("behind every instruction, iteration and delivery, by the monitor trap flag", () => {
    const m = launch(machine().on("monitorTrapFlag"));
    const seen: bigint[] = [];
    for (; m.exit.reason === EXIT_REASON.MONITOR_TRAP_FLAG; ) {
      seen.push(m.field("guestRip"));
      expect(m.resume()).toBe(STOP.HALT);
    }
    expect(seen.length).toBeGreaterThan(STEPS);
    // nine iterations of STOSB: eight times it starts again
    expect(seen.filter((rip) => rip === seen[2]).length).toBe(9);
    expect(outcome(m)).toEqual(undisturbed);
  });
  it("by interrupts that come between any two instructions", () => {
    const m = machine().on("monitorTrapFlag", "externalInterruptExiting", "acknowledgeInterruptOnExit");
    launch(m);
    for (let n = 0; m.exit.reason !== EXIT_REASON.VMCALL; n++) {
      const { vcpu } = m.ring0;
      if (n % 2 === 0) m.ring0.set({ apicBase: 0n }).vcpu.setIntr(true);
      expect(m.resume()).toBe(STOP.HALT);
      vcpu.setIntr(false);
    }
    expect(outcome(m)).toEqual(undisturbed);
  });
});
