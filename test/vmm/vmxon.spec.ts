/** Turning VMX operation on and off. SDM Vol. 3 "Enabling and Entering VMX Operation". */
import { describe, expect, it } from "vitest";
import { Vmxon } from "../../src/vcpu/intel_x64/vmxon.ts";
import { BadAlloc, LogicError, RuntimeError } from "../../src/vmm/errors.ts";
import { MOCK_REVISION, type MockIntrinsics } from "../lib/mock-intrinsics.ts";
import { failing } from "./parts.ts";
import { rig } from "./rig.ts";

const VMXE = 0x2000n;
const BASIC = 0x480;
const FEATURE_CONTROL = 0x3a;

function set(faults?: ReturnType<typeof failing>) {
  const r = rig(faults);
  return { ...r, vmxon: new Vmxon(r.cpu, r.own, (text) => r.log.push(text)) };
}
const change = (cpu: MockIntrinsics, msr: number, f: (old: bigint) => bigint) => cpu.msrs.set(msr, f(cpu.msrs.get(msr) as bigint));

describe("start", () => {
  /** what is wrong, and a word of what is told about it; the order is that in which they are looked at */
  const WRONG: readonly (readonly [string, (cpu: MockIntrinsics) => void, RegExp])[] = [
    ["CR4.VMXE is set already", (cpu) => (cpu.cr4 |= VMXE), /VMXE is set already/],
    ["no VMX in CPUID", (cpu) => cpu.leaves.set(1, { eax: 0, ebx: 0, ecx: 0, edx: 0 }), /CPUID\.1:ECX/],
    ["regions below 4 GiB", (cpu) => change(cpu, BASIC, (v) => v | (1n << 48n)), /bit 48/],
    ["memory type not write-back", (cpu) => change(cpu, BASIC, (v) => v & ~(15n << 50n)), /53-50/],
    ["no TRUE controls", (cpu) => change(cpu, BASIC, (v) => v & ~(1n << 55n)), /bit 55/],
    ["CR0.NE clear, which must be set", (cpu) => (cpu.cr0 &= ~0x20n), /CR0 is 0x80010013.*needs 0x20 set/],
    ["a bit of CR0 that must be clear", (cpu) => cpu.msrs.set(0x487, 0x8001_0031n), /CR0 is.*needs 0x2 clear/],
    ["virtual-8086 mode", (cpu) => (cpu.rflags |= 1n << 17n), /virtual-8086/],
  ];
  it.each(WRONG)("VMXON-1 refuses: %s", (_what, spoil, message) => {
    const { cpu, vmxon, used } = set();
    spoil(cpu);
    const { cr4 } = cpu;
    expect(() => vmxon.start()).toThrow(LogicError);
    expect(() => vmxon.start()).toThrow(message);
    expect([cpu.cr4, cpu.calls, used(), vmxon.isEnabled]).toEqual([cr4, [], 0n, false]);
  });

  it("VMXON-1 looks in that order: each trouble hides those behind it", () => {
    for (let from = 0; from < WRONG.length; from++) {
      const { cpu, vmxon } = set();
      for (const [, spoil] of WRONG.slice(from).reverse()) spoil(cpu);
      expect(() => vmxon.start()).toThrow(WRONG[from][2]);
    }
  });

  it("VMXON-1 sets CR4.VMXE and looks whether it stays; then CR4 against its fixed bits; then VMXON", () => {
    const stuck = set();
    stuck.cpu.stuckVmxe = false;
    expect(() => stuck.vmxon.start()).toThrow(/VMXE does not stay set/);
    const fixed = set();
    fixed.cpu.msrs.set(0x488, 0x2040n);
    expect(() => fixed.vmxon.start()).toThrow(/CR4 is 0x2620.*needs 0x40 set/);
    const other = set();
    other.cpu.msrs.set(0x489, 0x2420n);
    expect(() => other.vmxon.start()).toThrow(/CR4 is 0x2620.*needs 0x200 clear/);
    for (const { cpu, used } of [stuck, fixed, other]) expect([cpu.cr4 & VMXE, used(), cpu.calls]).toEqual([0n, 0n, []]);
    const good = set();
    good.vmxon.start();
    expect([good.cpu.cr4 & VMXE, good.vmxon.isEnabled]).toEqual([VMXE, true]);
    expect(good.cpu.calls.map((call) => call.split(" ")[0])).toEqual(["vmxon"]);
  });

  it("VMXON-2 feature control: a locked one is accepted as it is, an unlocked one gets VMX outside SMX, and the lock", () => {
    for (const [before, after] of [
      [1n, 1n],
      [5n, 5n],
      [0n, 5n],
      [2n, 7n],
    ]) {
      const { cpu, vmxon } = set();
      cpu.msrs.set(FEATURE_CONTROL, before);
      vmxon.start();
      expect(cpu.msrs.get(FEATURE_CONTROL)).toBe(after);
      expect(cpu.calls.filter((call) => call.startsWith("wrmsr")).length).toBe(before & 1n ? 0 : 1);
    }
  });

  it("VMXON-3 the region is a page whose first dword is the revision, handed over by physical address; no memory is passed on", () => {
    const { cpu, vmxon, parts } = set();
    change(cpu, BASIC, (v) => v | 0x8000_0000n);
    vmxon.start();
    const region = BigInt(/vmxon (0x[0-9a-f]+)/.exec(cpu.calls.join())?.[1] ?? 0);
    expect(region % 0x1000n).toBe(0n);
    const page = parts.memory.read(region, 0x1000);
    expect(new DataView(page.buffer).getUint32(0, true)).toBe(Number(MOCK_REVISION));
    expect(page.subarray(4).every((byte) => byte === 0)).toBe(true);
    expect(parts.manager.size(parts.manager.physToVirt(region))).toBe(0x1000n);
    const none = set(failing(/alloc page pool/));
    expect(() => none.vmxon.start()).toThrow(BadAlloc);
    expect([none.cpu.cr4 & VMXE, none.vmxon.isEnabled]).toEqual([0n, false]);
  });

  it("VMXON-4 a failing VMXON is a RuntimeError; VMXE is cleared again, the region given back, nothing is enabled", () => {
    const { cpu, vmxon, used } = set();
    cpu.failing.add("vmxon");
    expect(() => vmxon.start()).toThrow(RuntimeError);
    expect([cpu.cr4 & VMXE, used(), vmxon.isEnabled]).toEqual([0n, 0n, false]);
  });

  it("VMXON-4 start twice is a LogicError, and VMX operation stays on", () => {
    const { cpu, vmxon, used } = set();
    vmxon.start();
    expect(() => vmxon.start()).toThrow(LogicError);
    expect([vmxon.isEnabled, cpu.cr4 & VMXE, used()]).toEqual([true, VMXE, 0x1000n]);
  });
});

describe("stop", () => {
  it("VMXON-5 executes VMXOFF if VMX is on, clears CR4.VMXE, gives the region back; twice is harmless, with a warning", () => {
    const { cpu, vmxon, used, log } = set();
    vmxon.start();
    vmxon.stop();
    expect([cpu.calls.at(-1), cpu.cr4 & VMXE, used(), vmxon.isEnabled, log.length]).toEqual(["vmxoff", 0n, 0n, false, 0]);
    vmxon.stop();
    expect([cpu.calls.filter((call) => call === "vmxoff").length, log.length]).toEqual([1, 1]);
    vmxon.start();
    expect(vmxon.isEnabled).toBe(true);
  });

  it("VMXON-5 a failing VMXOFF is a RuntimeError; VMXE that stays set a LogicError", () => {
    const { cpu, vmxon } = set();
    vmxon.start();
    cpu.failing.add("vmxoff");
    expect(() => vmxon.stop()).toThrow(RuntimeError);
    expect(vmxon.isEnabled).toBe(true);
    cpu.failing.clear();
    cpu.stuckVmxe = true;
    expect(() => vmxon.stop()).toThrow(LogicError);
  });
});
