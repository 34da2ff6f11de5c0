/** VMX: instructions, entries and exits. SDM Vol. 3 "VMX Instruction Reference", "VM Entries", "VM Exits". */
import { describe, expect, it } from "vitest";
import { STOP } from "../../src/spec/events.ts";
import { EXIT_REASON, VM_INSTRUCTION_ERROR } from "../../src/spec/exits.ts";
import { HOST, HOST_STACK, VmxMachine } from "../lib/vmx.ts";

describe("a guest", () => {
  it("runs, and CPUID takes it out", () => {
    const m = new VmxMachine();
    // mov ebx, 7; cpuid
    expect(m.launch("BB 07 00 00 00 0F A2")).toBe(STOP.HALT);
    const { vcpu } = m.ring0;
    expect(m.exit).toEqual({ reason: EXIT_REASON.CPUID, qualification: 0n, at: 5 });
    expect(m.field("vmExitInstructionLength")).toBe(2n);
    expect([vcpu.get("rbx"), vcpu.get("rip"), vcpu.get("rsp")]).toEqual([7n, BigInt(HOST) + 1n, BigInt(HOST_STACK)]);
  });

  it("is resumed behind the instruction", () => {
    const m = new VmxMachine();
    expect(m.launch("0F A2 BB 09 00 00 00 0F 01 C1")).toBe(STOP.HALT);
    m.setField("guestRip", m.field("guestRip") + 2n);
    expect(m.resume()).toBe(STOP.HALT);
    expect(m.exit).toEqual({ reason: EXIT_REASON.VMCALL, qualification: 0n, at: 7 });
    expect(m.ring0.vcpu.get("rbx")).toBe(9n);
  });

  it("exits by an exception that the bitmap names", () => {
    const m = new VmxMachine().with({ exceptionBitmap: 1n << 6n });
    expect(m.launch("0F 0B")).toBe(STOP.HALT);
    expect(m.exit).toEqual({ reason: EXIT_REASON.EXCEPTION_OR_NMI, qualification: 0n, at: 0 });
    expect(m.field("vmExitInterruptionInformation")).toBe(0x8000_0306n);
  });

  it("page faults exit with their address, and leave CR2", () => {
    const m = new VmxMachine().with({ exceptionBitmap: 1n << 14n });
    // mov [0x400000], al
    expect(m.launch("88 04 25 00 00 40 00")).toBe(STOP.HALT);
    expect(m.exit).toEqual({ reason: EXIT_REASON.EXCEPTION_OR_NMI, qualification: 0x40_0000n, at: 0 });
    expect([m.field("vmExitInterruptionInformation"), m.field("vmExitInterruptionErrorCode")]).toEqual([0x8000_0b0en, 2n]);
    expect(m.ring0.vcpu.get("cr2")).toBe(0n);
  });

  it("without a usable IDT ends by a triple fault", () => {
    const m = new VmxMachine();
    expect(m.launch("0F 0B")).toBe(STOP.HALT);
    expect(m.exit).toEqual({ reason: EXIT_REASON.TRIPLE_FAULT, qualification: 0n, at: 0 });
  });
});

describe("an entry fails", () => {
  it("with VM-instruction error 7 over a control", () => {
    const m = new VmxMachine().with({ cr3TargetCount: 5n });
    expect(m.launch("0F A2")).toBe(STOP.HALT);
    expect(m.ring0.vcpu.rflags & 0x41).toBe(0x40);
    expect(m.field("vmInstructionError")).toBe(BigInt(VM_INSTRUCTION_ERROR.ENTRY_INVALID_CONTROLS));
  });

  it("with VM-instruction error 8 over the host's state", () => {
    const m = new VmxMachine().with({ hostTrSelector: 0n });
    expect(m.launch("0F A2")).toBe(STOP.HALT);
    expect(m.field("vmInstructionError")).toBe(BigInt(VM_INSTRUCTION_ERROR.ENTRY_INVALID_HOST_STATE));
  });

  it("with a qualification of 4 over the VMCS link pointer", () => {
    const m = new VmxMachine().with({ vmcsLinkPointer: 0x123n });
    expect(m.launch("0F A2")).toBe(STOP.HALT);
    expect(m.field("exitReason")).toBe(0x8000_0000n | BigInt(EXIT_REASON.INVALID_GUEST_STATE));
    expect(m.field("exitQualification")).toBe(4n);
  });

  it("with VM-instruction error 7 over a control that is not offered", () => {
    // tertiary controls
    const m = new VmxMachine().with({ primaryProcessorBasedVmExecutionControls: (old) => old | (1n << 17n) });
    expect(m.launch("0F A2")).toBe(STOP.HALT);
    expect(m.field("vmInstructionError")).toBe(BigInt(VM_INSTRUCTION_ERROR.ENTRY_INVALID_CONTROLS));
  });

  it("with a VM exit over the guest's state", () => {
    const m = new VmxMachine().with({ guestRflags: 0n });
    expect(m.launch("0F A2")).toBe(STOP.HALT);
    expect(m.field("exitReason")).toBe(0x8000_0000n | BigInt(EXIT_REASON.INVALID_GUEST_STATE));
    expect(m.ring0.vcpu.get("rip")).toBe(BigInt(HOST) + 1n);
  });
});
