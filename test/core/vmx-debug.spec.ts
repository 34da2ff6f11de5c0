/** Debug exceptions of guests. SDM Vol. 3 "Delivery of Pending Debug Exceptions after VM Entry", "Saving Non-Register State", "Exit Qualification". */
import { describe, expect, it } from "vitest";
import { STOP } from "../../src/spec/events.ts";
import { EXIT_REASON } from "../../src/spec/exits.ts";
import { DATA } from "../lib/ring0.ts";
import { GuestWithHandlers } from "../lib/vmx-guest.ts";

const NOP = "90";
const CPUID = "0F A2";
const VMCALL = "0F 01 C1";
const MOV_SS = "8E D0";
const MOV_ECX_DEBUGCTL = "B9 D9 01 00 00";
const DB = 1;
const DB_EXITS = { exceptionBitmap: 2n };
const TF = 0x100n;
const BS = 1n << 14n;
const ENABLED = 1n << 12n;
const B0 = 1n;
const B1 = 2n;
const MOV_SS_BLOCKS = 2n;
const VALID = 0x8000_0000n;
const DR6_AT_RESET = 0xffff_0ff0n;

const guest = () => new GuestWithHandlers().on("loadDebugControls", "saveDebugControls").withMsrs();
const launch = (m: GuestWithHandlers, code: string) => {
  expect(m.launch(code)).toBe(STOP.HALT);
  return m;
};
const seen = (m: GuestWithHandlers) => ({ reason: m.exit.reason, qualification: m.exit.qualification, at: m.exit.at });
const debug = (qualification: bigint, at: number) => ({ reason: EXIT_REASON.EXCEPTION_OR_NMI, qualification, at });

describe("pending debug exceptions", () => {
  it("are delivered before the first instruction if BS or the enabled-breakpoint bit is set, and DR6 says why", () => {
    for (const [pending, dr6] of [
      [BS, BS],
      [ENABLED | B0, B0],
      [ENABLED | BS | B1, BS | B1],
    ] as const) {
      const m = launch(guest().with({ guestPendingDebugExceptions: pending }), NOP);
      expect([m.exit.reason, m.atHandler]).toEqual([EXIT_REASON.VMCALL, DB]);
      expect(m.ring0.vcpu.get("dr", 6)).toBe(DR6_AT_RESET | dr6);
    }
    expect(launch(guest().with({ guestPendingDebugExceptions: B0 | B1 }), VMCALL).exit.at).toBe(0);
  });
  it("exit by the exception bitmap with the reasons as qualification, and leave DR6", () => {
    const m = launch(guest().with({ ...DB_EXITS, guestPendingDebugExceptions: ENABLED | B1 | BS }), NOP);
    expect(seen(m)).toEqual(debug(BS | B1, 0));
    expect(m.ring0.vcpu.get("dr", 6)).toBe(DR6_AT_RESET);
    expect(m.field("guestPendingDebugExceptions")).toBe(0n);
  });
  it("wait behind MOV SS for one instruction", () => {
    const m = guest().with({
      ...DB_EXITS,
      guestRflags: 2n | TF,
      guestInterruptibilityState: MOV_SS_BLOCKS,
      guestPendingDebugExceptions: ENABLED | B0 | BS,
    });
    expect(seen(launch(m, `${NOP} ${NOP}`))).toEqual(debug(BS | B0, 1));
  });
  it("are lost where an event is injected", () => {
    for (const event of [0x306n, 0x202n, 0x480n, 0x603n]) {
      const m = guest().with({
        ...DB_EXITS,
        guestPendingDebugExceptions: ENABLED | B0,
        vmEntryInterruptionInformation: VALID | event,
      });
      expect(launch(m, NOP).exit.reason).toBe(EXIT_REASON.VMCALL);
    }
  });
  it("come behind INT n that is injected in the shadow of MOV SS", () => {
    const m = guest().with({
      ...DB_EXITS,
      guestInterruptibilityState: MOV_SS_BLOCKS,
      guestPendingDebugExceptions: ENABLED | B0,
      vmEntryInterruptionInformation: VALID | 0x480n,
      vmEntryInstructionLength: 2n,
    });
    launch(m, NOP);
    expect([m.exit.reason, m.exit.qualification, m.atHandler]).toEqual([EXIT_REASON.EXCEPTION_OR_NMI, B0, 0x80]);
  });
  it("are saved by an exit in the shadow of MOV SS: breakpoints that were struck, BS if the guest steps", () => {
    const m = guest().with({ guestDr7: 0x401n | (3n << 16n), guestRflags: 2n | TF });
    m.ring0.vcpu.set("dr", BigInt(DATA), 0);
    m.ring0.write(DATA, 0x10n).set({ rbx: BigInt(DATA) });
    m.handler(DB, "F4");
    // mov ss, [rbx]; cpuid
    launch(m, `8E 13 ${CPUID}`);
    expect(seen(m)).toEqual({ reason: EXIT_REASON.CPUID, qualification: 0n, at: 2 });
    expect(m.field("guestInterruptibilityState")).toBe(MOV_SS_BLOCKS);
    expect(m.field("guestPendingDebugExceptions")).toBe(BS | ENABLED | B0);
    const n = launch(guest(), `8C D0 ${MOV_SS} ${CPUID}`);
    expect(n.field("guestPendingDebugExceptions")).toBe(0n);
  });
});

describe("a guest that steps", () => {
  it("exits behind each instruction with BS", () => {
    const m = launch(guest().with({ ...DB_EXITS, guestRflags: 2n | TF }), `${NOP} ${NOP}`);
    expect(seen(m)).toEqual(debug(BS, 1));
    expect(m.resume()).toBe(STOP.HALT);
    expect(seen(m)).toEqual(debug(BS, 2));
  });
  it("exits behind what its virtual APIC answers, and a TPR below the threshold comes first", () => {
    const VIRTUAL_APIC = 0x6_b000;
    const MOV_CR8_RAX = "44 0F 22 C0";
    const stepping = (threshold: bigint) =>
      guest()
        .on("useTprShadow")
        .with({ ...DB_EXITS, guestRflags: 2n | TF, virtualApicAddress: BigInt(VIRTUAL_APIC), tprThreshold: threshold });
    const m = stepping(0n);
    m.ring0.write(VIRTUAL_APIC + 0x80, 0n);
    expect(seen(launch(m, `${MOV_CR8_RAX} ${NOP}`))).toEqual({ reason: EXIT_REASON.EXCEPTION_OR_NMI, qualification: BS, at: 4 });
    const n = stepping(1n);
    n.ring0.write(VIRTUAL_APIC + 0x80, 0x20n).set({ rax: 0n });
    // xor eax, eax: a step of its own, whose trap the host takes
    launch(n, `31 C0 ${MOV_CR8_RAX}`);
    expect(n.resume()).toBe(STOP.HALT);
    expect(seen(n)).toEqual({ reason: EXIT_REASON.TPR_BELOW_THRESHOLD, qualification: 0n, at: 6 });
    expect(n.field("guestPendingDebugExceptions")).toBe(BS);
  });
  it("steps from branch to branch with DEBUGCTL.BTF, which #DB clears where it is delivered", () => {
    const BTF = 2n;
    const m = guest().with({ ...DB_EXITS, guestRflags: 2n | TF, guestIa32Debugctl: BTF });
    // nop; jz (not taken); jmp over a nop
    expect(seen(launch(m, `${NOP} 74 01 EB 01 ${NOP} ${NOP}`))).toEqual(debug(BS, 6));
    expect(m.field("guestIa32Debugctl")).toBe(BTF);
    const n = guest().with({ guestRflags: 2n | TF, guestIa32Debugctl: BTF });
    launch(n, `EB 01 ${NOP} ${NOP}`);
    expect([n.exit.reason, n.atHandler, n.field("guestIa32Debugctl")]).toEqual([EXIT_REASON.VMCALL, DB, 0n]);
  });
});

describe("debug registers", () => {
  it("DR7 and DEBUGCTL are loaded and saved by the controls, and have the host's values in the host", () => {
    const m = guest().with({ guestDr7: 0x402n, guestIa32Debugctl: 2n });
    launch(m, `${MOV_ECX_DEBUGCTL} 0F 32 89 C3 B8 01 00 00 00 31 D2 0F 30 ${VMCALL}`);
    expect(m.ring0.vcpu.get("rbx")).toBe(2n);
    expect([m.field("guestDr7"), m.field("guestIa32Debugctl")]).toEqual([0x402n, 1n]);
    expect([m.ring0.vcpu.get("dr", 7), m.ring0.vcpu.get("debugctl")]).toEqual([0x400n, 0n]);
    const n = guest().with({
      guestDr7: 0x402n,
      guestIa32Debugctl: 2n,
      vmEntryControls: (old) => old & ~4n,
      vmExitControls: (old) => old & ~4n,
    });
    n.ring0.set({ debugctl: 1n });
    launch(n, `${MOV_ECX_DEBUGCTL} 0F 32 89 C3 ${VMCALL}`);
    expect(n.ring0.vcpu.get("rbx")).toBe(1n);
    expect([n.field("guestDr7"), n.field("guestIa32Debugctl")]).toEqual([0x402n, 2n]);
  });
  it("a #DB by general detect that exits leaves DR7.GD and DR6", () => {
    const m = guest().with({ ...DB_EXITS, guestDr7: 0x2400n });
    // mov rax, dr7
    expect(seen(launch(m, "0F 21 F8"))).toEqual(debug(1n << 13n, 0));
    expect(m.field("guestDr7")).toBe(0x2400n);
    expect(m.ring0.vcpu.get("dr", 6)).toBe(DR6_AT_RESET);
  });
});
