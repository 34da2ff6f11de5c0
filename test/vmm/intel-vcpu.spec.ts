/** The Intel vCPU: its parts, and what running and halting it does in which order. */
import { describe, expect, it } from "vitest";
import { VcpuFactory } from "../../src/vcpu/factory.ts";
import { IntelVcpu, makeIntelVcpu } from "../../src/vcpu/intel_x64/vcpu.ts";
import { BadAlloc, ContractViolation, LogicError, RuntimeError } from "../../src/vmm/errors.ts";
import { failing } from "./parts.ts";
import { EXIT_ENTRY, rig } from "./rig.ts";

const VMXE = 0x2000n;
const makeRing = () => ({ write() {} });

function set(faults?: ReturnType<typeof failing>, id = 0n) {
  const r = rig(faults);
  return { ...r, vcpu: new IntelVcpu(id, makeRing, r.platform) };
}
const verbs = (calls: readonly string[]) => calls.map((call) => call.split(" ")[0]);

describe("init", () => {
  it("VC-1 the factory makes an Intel vCPU", () => {
    const { platform } = rig();
    const vcpu = new VcpuFactory().register("intel_x64", makeIntelVcpu(platform, makeRing)).makeVcpu(3n);
    expect([vcpu instanceof IntelVcpu, vcpu?.id]).toEqual([true, 3n]);
  });

  it("VC-9 makes the parts: state-save page with the vCPU's id, GDT, IDT and TSS; fini gives all of it back", () => {
    const { vcpu, parts, used } = set(undefined, 2n);
    vcpu.init();
    expect(vcpu.isInitialized).toBe(true);
    const { virt, phys } = vcpu.stateSave;
    expect(parts.manager.virtToPhys(virt)).toBe(phys);
    expect(parts.memory.read64(phys + 0x88n)).toBe(2n);
    expect(used()).toBe(4n * 0x1000n);
    vcpu.fini();
    expect([vcpu.isInitialized, used()]).toEqual([false, 0n]);
  });

  it.each([1, 2, 3, 4])("VC-9 allocation %i fails: BadAlloc, fini is called, nothing stays", (n) => {
    const { vcpu, used } = set(failing(/^alloc/, n));
    expect(() => vcpu.init()).toThrow(BadAlloc);
    expect([vcpu.isInitialized, used()]).toEqual([false, 0n]);
  });
});

describe("run", () => {
  it("VC-10 not initialised is a ContractViolation", () => {
    const { vcpu, cpu } = set();
    expect(() => vcpu.run()).toThrow(ContractViolation);
    expect([vcpu.isRunning, cpu.calls]).toEqual([false, []]);
  });

  it("VC-10 the first run turns VMX on and launches; the state-save page names VMCS and entry; later ones load and resume", () => {
    const { vcpu, cpu, exits, parts } = set();
    vcpu.init();
    vcpu.run();
    expect(verbs(cpu.calls)).toEqual(["vmxon", "vmclear", "vmptrld", "setGate", "vmlaunchDemote"]);
    expect([vcpu.isRunning, vcpu.isLaunched, cpu.cr4 & VMXE, exits.length]).toEqual([true, true, VMXE, 1]);
    const vmcs = BigInt(/vmptrld (0x[0-9a-f]+)/.exec(cpu.calls.join())?.[1] ?? 0);
    expect([0x98n, 0xa0n].map((at) => parts.memory.read64(vcpu.stateSave.phys + at))).toEqual([vmcs, EXIT_ENTRY]);
    cpu.calls.length = 0;
    vcpu.run();
    expect(verbs(cpu.calls)).toEqual(["vmptrld", "vmresume"]);
  });

  it("VC-10 a guest's vCPU does not turn VMX on", () => {
    const { vcpu, cpu } = set(undefined, 0x1_0000n);
    vcpu.init();
    vcpu.run();
    expect(verbs(cpu.calls)).not.toContain("vmxon");
    vcpu.hlt();
    expect(verbs(cpu.calls)).not.toContain("vmxoff");
  });

  it.each([
    ["vmxon", RuntimeError],
    ["vmptrld", RuntimeError],
    ["vmwrite hostRip", RuntimeError],
    ["vmlaunchDemote", RuntimeError],
  ] as const)("VC-10 %s fails: undone in reverse, and the vCPU is as before it ran", (step, kind) => {
    const { vcpu, cpu, used, exits } = set();
    vcpu.init();
    const [before, cr4] = [used(), cpu.cr4];
    cpu.failing.add(step);
    expect(() => vcpu.run()).toThrow(kind);
    expect([vcpu.isRunning, vcpu.isLaunched, used(), cpu.cr4, exits.length]).toEqual([false, false, before, cr4, 0]);
    if (step !== "vmxon") expect(cpu.calls.at(-1)).toBe("vmxoff");
    cpu.failing.clear();
    vcpu.run();
    expect(vcpu.isLaunched).toBe(true);
  });

  it("VC-10 VMX that cannot be turned on: nothing has happened", () => {
    const { vcpu, cpu } = set();
    vcpu.init();
    cpu.cr4 |= VMXE;
    expect(() => vcpu.run()).toThrow(LogicError);
    expect([vcpu.isRunning, vcpu.isLaunched, cpu.calls]).toEqual([false, false, []]);
  });
});

describe("hlt", () => {
  it("VC-11 not initialised: nothing", () => {
    const { vcpu, cpu } = set();
    vcpu.hlt();
    expect(cpu.calls).toEqual([]);
  });

  it("VC-11 launched: VMX is turned off, and it can run again", () => {
    const { vcpu, cpu, exits } = set();
    vcpu.init();
    vcpu.run();
    vcpu.hlt();
    expect([cpu.calls.at(-1), cpu.cr4 & VMXE, vcpu.isRunning, vcpu.isLaunched, exits.length]).toEqual(["vmxoff", 0n, false, false, 0]);
    cpu.calls.length = 0;
    vcpu.hlt();
    expect(cpu.calls).toEqual([]);
    vcpu.run();
    expect(verbs(cpu.calls)).toContain("vmlaunchDemote");
  });

  it("VC-11 a failing VMXOFF goes on, and it stays launched", () => {
    const { vcpu, cpu } = set();
    vcpu.init();
    vcpu.run();
    cpu.failing.add("vmxoff");
    expect(() => vcpu.hlt()).toThrow(RuntimeError);
    expect([vcpu.isLaunched, vcpu.isRunning]).toEqual([true, true]);
  });

  it("VC-8 fini halts what runs, and gives all memory back, however often it ran", () => {
    const { vcpu, used } = set();
    vcpu.init();
    for (let n = 0; n < 3; n++) {
      vcpu.run();
      vcpu.hlt();
    }
    vcpu.run();
    vcpu.fini();
    expect([vcpu.isRunning, vcpu.isInitialized, used()]).toEqual([false, false, 0n]);
  });
});
