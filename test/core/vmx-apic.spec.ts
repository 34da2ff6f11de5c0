/**
 * The virtual APIC. SDM Vol. 3 "APIC Virtualization and Virtual Interrupts". The guest's accesses go to a virtual-APIC page at VAPIC; a page
 * at ACCESS is the one at which it believes its local APIC.
 */
import { describe, expect, it } from "vitest";
import { STOP } from "../../src/spec/events.ts";
import { EXIT_REASON } from "../../src/spec/exits.ts";
import { IDT } from "../lib/ring0.ts";
import { GUEST, VmxMachine } from "../lib/vmx.ts";

const VAPIC = 0x6_0000;
const ACCESS = 0x6_1000;
const BITMAPS = 0x6_2000;
const DESCRIPTOR = 0x6_3000;
const HANDLER = 0x1_a000;

const PIN = { interruptExiting: 1n << 0n, postedInterrupts: 1n << 7n };
const PRIMARY = { interruptWindow: 1n << 2n, tprShadow: 1n << 21n, msrBitmaps: 1n << 28n, secondary: 1n << 31n };
const SECONDARY = { accesses: 1n << 0n, x2apic: 1n << 4n, registers: 1n << 8n, delivery: 1n << 9n };
const ACKNOWLEDGE = 1n << 15n;
const VMCALL = "0F 01 C1";

/** A guest with a TPR shadow and these secondary controls. */
function machine(secondary = 0n, threshold = 0n): VmxMachine {
  const delivery = (secondary & SECONDARY.delivery) !== 0n;
  const m = new VmxMachine().with({
    primaryProcessorBasedVmExecutionControls: (old) => old | PRIMARY.tprShadow | PRIMARY.msrBitmaps | PRIMARY.secondary,
    secondaryProcessorBasedVmExecutionControls: secondary,
    addressOfMsrBitmaps: BigInt(BITMAPS),
    virtualApicAddress: BigInt(VAPIC),
    tprThreshold: threshold,
    ...((secondary & SECONDARY.accesses) !== 0n ? { apicAccessAddress: BigInt(ACCESS) } : {}),
    ...(delivery ? { pinBasedVmExecutionControls: (old: bigint) => old | PIN.interruptExiting } : {}),
  });
  m.ring0.gate(0x41, 8, HANDLER).gate(0x52, 8, HANDLER);
  m.ring0.code(VMCALL, HANDLER);
  return m.with({ guestIdtrBase: BigInt(IDT), guestIdtrLimit: 0xfffn });
}

const tpr = (m: VmxMachine) => m.ring0.read32(VAPIC + 0x80);

describe("CR8 with a TPR shadow", () => {
  it("is bits 7-4 of VTPR", () => {
    const m = machine();
    m.ring0.write32(VAPIC + 0x80, 0x35);
    // mov rbx, cr8; mov eax, 9; mov cr8, rax
    expect(m.launch(`44 0F 20 C3 B8 09 00 00 00 44 0F 22 C0 ${VMCALL}`)).toBe(STOP.HALT);
    expect(m.exit).toEqual({ reason: EXIT_REASON.VMCALL, qualification: 0n, at: 13 });
    expect([m.ring0.vcpu.get("rbx"), tpr(m)]).toEqual([3n, 0x90]);
    // the processor's own priority is another one
    expect(m.ring0.vcpu.getNumber("apicTpr")).toBe(0);
  });

  it("exits behind the instruction when it falls below the threshold", () => {
    const m = machine(0n, 5n);
    m.ring0.write32(VAPIC + 0x80, 0x70);
    // xor eax, eax; mov al, 5; mov cr8, rax; mov al, 4; mov cr8, rax
    expect(m.launch("31 C0 B0 05 44 0F 22 C0 B0 04 44 0F 22 C0 0F 0B")).toBe(STOP.HALT);
    expect(m.exit).toEqual({ reason: EXIT_REASON.TPR_BELOW_THRESHOLD, qualification: 0n, at: 14 });
    expect(tpr(m)).toBe(0x40);
  });

  it("raises #GP for more than four bits", () => {
    const m = machine().with({ exceptionBitmap: 1n << 13n });
    expect(m.launch("B8 10 00 00 00 44 0F 22 C0")).toBe(STOP.HALT);
    expect(m.exit).toEqual({ reason: EXIT_REASON.EXCEPTION_OR_NMI, qualification: 0n, at: 5 });
  });
});

/** mov eax, [ACCESS + offset], or mov [ACCESS + offset], eax */
const load = (offset: number) => `8B 04 25 ${address(offset)}`;
const save = (offset: number) => `89 04 25 ${address(offset)}`;
function address(offset: number): string {
  const a = ACCESS + offset;
  return [a, a >> 8, a >> 16, a >> 24].map((b) => (b & 0xff).toString(16).padStart(2, "0")).join(" ");
}

describe("the APIC-access page", () => {
  it("is the virtual TPR at 80H; reads and writes elsewhere exit with offset and type", () => {
    const m = machine(SECONDARY.accesses);
    m.ring0.write32(VAPIC + 0x80, 0x61);
    expect(m.launch(`${load(0x80)} ${save(0x80)} ${load(0x30)}`)).toBe(STOP.HALT);
    expect(m.exit).toEqual({ reason: EXIT_REASON.APIC_ACCESS, qualification: 0x30n, at: 14 });
    expect(m.ring0.vcpu.get("rax")).toBe(0x61n);
    const w = machine(SECONDARY.accesses);
    expect(w.launch(save(0xb0))).toBe(STOP.HALT);
    expect(w.exit).toEqual({ reason: EXIT_REASON.APIC_ACCESS, qualification: 0x10b0n, at: 0 });
  });

  it("exits on reads that are too wide or not within the first four bytes", () => {
    // mov rax, [80H]; mov al, [84H]
    for (const [hex, offset] of [
      [`48 ${load(0x80)}`, 0x80n],
      [`8A 04 25 ${address(0x84)}`, 0x84n],
    ] as const) {
      const m = machine(SECONDARY.accesses);
      expect(m.launch(hex)).toBe(STOP.HALT);
      expect(m.exit).toEqual({ reason: EXIT_REASON.APIC_ACCESS, qualification: offset, at: 0 });
    }
  });

  it("exits on a fetch", () => {
    const m = machine(SECONDARY.accesses);
    // mov eax, ACCESS + 0x10; jmp rax
    expect(m.launch(`B8 ${address(0x10)} FF E0`)).toBe(STOP.HALT);
    expect(m.exit).toEqual({ reason: EXIT_REASON.APIC_ACCESS, qualification: 0x2010n, at: ACCESS + 0x10 - GUEST });
  });

  it("exits when an event is delivered to a stack in it, which is then told", () => {
    const m = machine(SECONDARY.accesses).with({ guestRsp: BigInt(ACCESS + 0x200) });
    m.ring0.gate(6, 8, HANDLER);
    expect(m.launch("0F 0B")).toBe(STOP.HALT);
    expect(m.exit).toEqual({ reason: EXIT_REASON.APIC_ACCESS, qualification: 0x31f8n, at: 0 });
    expect(m.field("idtVectoringInformation")).toBe(0x8000_0306n);
  });

  it("has all registers with APIC-register virtualization; most writes exit behind the instruction", () => {
    const m = machine(SECONDARY.accesses | SECONDARY.registers);
    m.ring0.write32(VAPIC + 0x30, 0x5_0014).write32(VAPIC + 0x20, 0x0700_0000);
    // what follows the write in the same block must not run
    expect(m.launch(`${load(0x30)} 89 C3 ${load(0x20)} ${save(0xf0)} BB 00 00 00 00`)).toBe(STOP.HALT);
    expect(m.exit).toEqual({ reason: EXIT_REASON.APIC_WRITE, qualification: 0xf0n, at: 23 });
    expect([m.ring0.vcpu.get("rbx"), m.ring0.read32(VAPIC + 0xf0)]).toEqual([0x5_0014n, 0x0700_0000]);
  });

  it("drops below the threshold right after the entry", () => {
    const m = machine(SECONDARY.accesses, 3n);
    m.ring0.write32(VAPIC + 0x80, 0x20);
    expect(m.launch("90")).toBe(STOP.HALT);
    expect(m.exit).toEqual({ reason: EXIT_REASON.TPR_BELOW_THRESHOLD, qualification: 0n, at: 0 });
  });

  it("is left alone by the host", () => {
    const m = machine(SECONDARY.accesses);
    expect(m.launch(VMCALL)).toBe(STOP.HALT);
    m.ring0.write32(ACCESS + 0x80, 0x77).write32(VAPIC + 0x80, 0x11);
    m.ring0.core.flushTlb();
    expect(m.run(load(0x80))).toBe(STOP.HALT);
    expect(m.ring0.vcpu.get("rax")).toBe(0x77n);
  });
});

/** RDMSR; WRMSR of EAX = value */
const rdmsr = (msr: number) => `B9 ${word(msr)} 0F 32`;
const wrmsr = (msr: number, value: number) => `B9 ${word(msr)} B8 ${word(value)} 31 D2 0F 30`;
const word = (v: number) => [v, v >> 8, v >> 16, v >> 24].map((b) => (b & 0xff).toString(16).padStart(2, "0")).join(" ");

describe("virtualize x2APIC mode", () => {
  it("reads and writes the task priority; other registers are the local APIC's", () => {
    const m = machine(SECONDARY.x2apic).with({ exceptionBitmap: 1n << 13n });
    m.ring0.write32(VAPIC + 0x80, 0x42);
    expect(m.launch(`${rdmsr(0x808)} 89 C3 ${wrmsr(0x808, 0x93)} ${rdmsr(0x80f)}`)).toBe(STOP.HALT);
    // the local APIC is not in x2APIC mode
    expect(m.exit).toMatchObject({ reason: EXIT_REASON.EXCEPTION_OR_NMI, at: 28 });
    expect([m.ring0.vcpu.get("rbx"), tpr(m)]).toEqual([0x42n, 0x93]);
  });

  it("reads all of them from the page with APIC-register virtualization", () => {
    const m = machine(SECONDARY.x2apic | SECONDARY.registers);
    m.ring0.write(VAPIC + 0x300, 0x0000_0007_0000_00d1n);
    expect(m.launch(`${rdmsr(0x830)} ${VMCALL}`)).toBe(STOP.HALT);
    expect([m.ring0.vcpu.get("rax"), m.ring0.vcpu.get("rdx")]).toEqual([0xd1n, 7n]);
  });

  it.each([
    ["a task priority of nine bits", 0x808, 0x100],
    ["an EOI that is not 0", 0x80b, 1],
    ["a self-IPI of nine bits", 0x83f, 0x141],
  ])("%s is #GP", (_, msr, value) => {
    const m = machine(SECONDARY.x2apic | SECONDARY.delivery).with({ exceptionBitmap: 1n << 13n });
    expect(m.launch(wrmsr(msr, value))).toBe(STOP.HALT);
    expect(m.exit).toMatchObject({ reason: EXIT_REASON.EXCEPTION_OR_NMI, at: 12 });
  });
});

const status = (rvi: number, svi: number) => BigInt((svi << 8) | rvi);
const sti = "FB 90 90 90";

describe("virtual-interrupt delivery", () => {
  const X2APIC = SECONDARY.x2apic | SECONDARY.delivery | SECONDARY.registers;

  it("delivers what is requested at entry once IF is set, and moves it into service", () => {
    const m = machine(X2APIC).with({ guestInterruptStatus: status(0x41, 0) });
    m.ring0.write32(VAPIC + 0x200 + 0x20, 1 << 1);
    // sti; nop: the shadow ends behind the nop
    expect(m.launch(sti)).toBe(STOP.HALT);
    expect(m.exit).toEqual({ reason: EXIT_REASON.VMCALL, qualification: 0n, at: HANDLER - GUEST });
    expect(m.field("guestInterruptStatus")).toBe(status(0, 0x41));
    expect([m.ring0.read32(VAPIC + 0x220), m.ring0.read32(VAPIC + 0x120), m.ring0.read32(VAPIC + 0xa0)]).toEqual([0, 2, 0x40]);
    // the frame returns behind the instruction in the shadow
    expect(m.ring0.read(Number(m.field("guestRsp")))).toBe(BigInt(GUEST + 2));
  });

  it("holds back what is not above the priority, until EOI", () => {
    const m = machine(X2APIC).with({ guestInterruptStatus: status(0x41, 0x52) });
    m.ring0.write32(VAPIC + 0x220, 1 << 1).write32(VAPIC + 0x120, 1 << 18);
    expect(m.launch(`${sti} ${wrmsr(0x80b, 0)}`)).toBe(STOP.HALT);
    expect(m.exit).toEqual({ reason: EXIT_REASON.VMCALL, qualification: 0n, at: HANDLER - GUEST });
    expect(m.field("guestInterruptStatus")).toBe(status(0, 0x41));
    expect(m.ring0.read(Number(m.field("guestRsp")))).toBe(BigInt(GUEST + 4 + 14));
  });

  it("EOI exits for vectors of the EOI-exit bitmap, behind the instruction", () => {
    const m = machine(X2APIC).with({ guestInterruptStatus: status(0, 0x52), eoiExitBitmap1: 1n << 18n });
    m.ring0.write32(VAPIC + 0x120, 1 << 18);
    expect(m.launch(wrmsr(0x80b, 0))).toBe(STOP.HALT);
    expect(m.exit).toEqual({ reason: EXIT_REASON.VIRTUALIZED_EOI, qualification: 0x52n, at: 14 });
    expect(m.field("guestInterruptStatus")).toBe(0n);
  });

  it("a self-IPI is delivered behind the WRMSR; vectors below 16 exit", () => {
    const m = machine(X2APIC).with({ guestRflags: 0x202n });
    expect(m.launch(`${wrmsr(0x83f, 0x52)} 90`)).toBe(STOP.HALT);
    expect(m.exit).toEqual({ reason: EXIT_REASON.VMCALL, qualification: 0n, at: HANDLER - GUEST });
    expect(m.field("guestInterruptStatus")).toBe(status(0, 0x52));
    const low = machine(X2APIC);
    expect(low.launch(wrmsr(0x83f, 0x0f))).toBe(STOP.HALT);
    expect(low.exit).toEqual({ reason: EXIT_REASON.APIC_WRITE, qualification: 0x3f0n, at: 14 });
  });

  it("a self-IPI by the APIC-access page's ICR", () => {
    const m = machine(SECONDARY.accesses | SECONDARY.delivery).with({ guestRflags: 0x202n });
    // mov eax, 0x40041: shorthand self, fixed, vector 41H
    expect(m.launch(`B8 41 00 04 00 ${save(0x300)} 90 90`)).toBe(STOP.HALT);
    expect(m.exit).toEqual({ reason: EXIT_REASON.VMCALL, qualification: 0n, at: HANDLER - GUEST });
    expect(m.ring0.read(Number(m.field("guestRsp")))).toBe(BigInt(GUEST + 12));
  });

  it("other commands exit behind the instruction", () => {
    const m = machine(SECONDARY.accesses | SECONDARY.delivery);
    expect(m.launch(`B8 41 00 0c 00 ${save(0x300)} 90 90`)).toBe(STOP.HALT);
    expect(m.exit).toEqual({ reason: EXIT_REASON.APIC_WRITE, qualification: 0x300n, at: 12 });
  });

  it("wakes a guest from HLT", () => {
    const m = machine(X2APIC).with({ guestInterruptStatus: status(0x41, 0), guestRflags: 0x202n, guestActivityState: 1n });
    m.ring0.write32(VAPIC + 0x220, 1 << 1);
    expect(m.launch("0F 0B")).toBe(STOP.HALT);
    expect(m.exit).toEqual({ reason: EXIT_REASON.VMCALL, qualification: 0n, at: HANDLER - GUEST });
  });

  it("waits while interrupt-window exiting is on", () => {
    const m = machine(X2APIC).with({
      guestInterruptStatus: status(0x41, 0),
      guestRflags: 0x202n,
      primaryProcessorBasedVmExecutionControls: (old) => old | PRIMARY.interruptWindow,
    });
    m.ring0.write32(VAPIC + 0x220, 1 << 1);
    expect(m.launch("90")).toBe(STOP.HALT);
    expect(m.exit).toEqual({ reason: EXIT_REASON.INTERRUPT_WINDOW, qualification: 0n, at: 0 });
    expect(m.field("guestInterruptStatus")).toBe(status(0x41, 0));
  });
});

describe("posted interrupts", () => {
  const NOTIFICATION = 0xf2;
  const posting = (): VmxMachine =>
    machine(SECONDARY.x2apic | SECONDARY.delivery).with({
      pinBasedVmExecutionControls: (old) => old | PIN.postedInterrupts,
      vmExitControls: (old) => old | ACKNOWLEDGE,
      postedInterruptNotificationVector: BigInt(NOTIFICATION),
      postedInterruptDescriptorAddress: BigInt(DESCRIPTOR),
      guestRflags: 0x202n,
    });
  /** an interrupt that the local APIC has before the guest is entered: spurious vector register on, self-IPI by xAPIC is out of reach, so a message */
  const interrupt = (m: VmxMachine, vector: number): void => {
    m.ring0.set({ apicSvr: 0x1ff, apicBase: 0xfee0_0900n });
    m.ring0.core.message(0xfee0_0000, vector);
  };

  it("the notification vector does not exit: what is posted becomes virtual interrupts", () => {
    const m = posting();
    // requests of vector 52H, and ON
    m.ring0.write32(DESCRIPTOR + 8, 1 << 18).write32(DESCRIPTOR + 32, 1);
    interrupt(m, NOTIFICATION);
    expect(m.launch("90 90")).toBe(STOP.HALT);
    expect(m.exit).toEqual({ reason: EXIT_REASON.VMCALL, qualification: 0n, at: HANDLER - GUEST });
    expect(m.field("guestInterruptStatus")).toBe(status(0, 0x52));
    expect([m.ring0.read32(DESCRIPTOR + 8), m.ring0.read32(DESCRIPTOR + 32)]).toEqual([0, 0]);
    // the local APIC has been told the end of it
    expect([...Array(8).keys()].map((i) => Number(m.ring0.vcpu.getNumber("apicIsr", i)))).toEqual(Array(8).fill(0));
  });

  it("other vectors exit, acknowledged", () => {
    const m = posting();
    interrupt(m, 0x71);
    expect(m.launch("90 90")).toBe(STOP.HALT);
    expect(m.exit).toEqual({ reason: EXIT_REASON.EXTERNAL_INTERRUPT, qualification: 0n, at: 0 });
    expect(m.field("vmExitInterruptionInformation")).toBe(0x8000_0071n);
  });
});
