/** The intrinsics over the core, and the gate that VM exits arrive at. A bare program of ring 0 is the OS. */
import { describe, expect, it } from "vitest";
import { max } from "../../src/cpus/max.ts";
import { STOP } from "../../src/spec/events.ts";
import { EXIT_REASON } from "../../src/spec/exits.ts";
import { CpuFault, isAddressCanonical, isPhysicalAddressValid } from "../../src/vcpu/intel_x64/intrinsics.ts";
import { STATE_SAVE } from "../../src/vcpu/intel_x64/state-save.ts";
import { Vmx } from "../../src/vcpu/intel_x64/vmx.ts";
import { ContractViolation, LogicError, RuntimeError } from "../../src/vmm/errors.ts";
import { GATE_RIP, GatedVmm } from "../lib/gated.ts";
import { CODE, Ring0 } from "../lib/ring0.ts";

const model = { ...max };
const AT = 0x5_0000;
const MOV_EBX_7 = "BB 07 00 00 00";
const CPUID = "0F A2";
const VMCALL = "0F 01 C1";
const STI = "FB";
const HLT = "F4";

function machine(code: string): { ring0: Ring0; vmm: GatedVmm } {
  const ring0 = new Ring0(undefined, undefined, model);
  ring0.set({ options: 0 }).code(code);
  ring0.vcpu.refresh();
  return { ring0, vmm: new GatedVmm(ring0.core, ring0.vcpu, AT) };
}

/** what the program may notice of its processor: everything but VMX and the account of time */
function registers(ring0: Ring0): Record<string, bigint> {
  const names = ["rax", "rbx", "rcx", "rdx", "rsp", "rbp", "rsi", "rdi", "r8", "r15", "rip", "cr0", "cr3", "cr4", "efer", "pat"];
  names.push("csBase", "ssBase", "trBase", "ldtrBase", "gdtrBase", "idtrBase", "sysenterEip", "star");
  const numbers = [
    "cs",
    "csRights",
    "csLimit",
    "ss",
    "ssRights",
    "ds",
    "dsRights",
    "tr",
    "trRights",
    "trLimit",
    "ldtrRights",
    "cpl",
    "mode",
  ];
  return Object.fromEntries([
    ...names.map((name) => [name, ring0.vcpu.get(name)]),
    ...numbers.map((name) => [name, BigInt(ring0.vcpu.getNumber(name))]),
    ["rflags", BigInt(ring0.vcpu.rflags)],
    ["halted", BigInt(ring0.vcpu.getNumber("halted"))],
  ]);
}

describe("the gate", () => {
  it("hands CPUID's exit over with the registers in the state-save page", () => {
    const { ring0, vmm } = machine(`${MOV_EBX_7} B8 01 00 00 00 ${CPUID} 89 C6 ${HLT}`);
    expect(vmm.start()).toBe(true);
    vmm.onExit = (reason) => {
      expect(reason).toBe(EXIT_REASON.CPUID);
      expect([vmm.save.get("rax"), vmm.save.get("rbx"), vmm.save.get("rip")]).toEqual([1n, 7n, BigInt(CODE + 10)]);
      vmm.save.setLow(STATE_SAVE.rax, 0xffff_fffe);
      vmm.cpu.advanceRip();
      vmm.vmx.vmresume();
    };
    expect(ring0.vcpu.run(1000n)).toBe(STOP.HALT);
    expect(vmm.exits).toEqual([EXIT_REASON.CPUID]);
    expect([ring0.vcpu.get("rsi"), ring0.vcpu.get("rbx")]).toEqual([0xffff_fffen, 7n]);
  });

  it("leaves XMM registers in the page and takes them from there", () => {
    // movq xmm5, rbx; cpuid; movq rsi, xmm5
    const { ring0, vmm } = machine(`${MOV_EBX_7} 66 48 0F 6E EB ${CPUID} 66 48 0F 7E EE ${HLT}`);
    vmm.start();
    const ymm5 = AT + 0x2000 + 0xc0 + 5 * 32;
    vmm.onExit = () => {
      expect(ring0.read(ymm5)).toBe(7n);
      ring0.write(ymm5, 9n);
      vmm.cpu.advanceRip();
      vmm.vmx.vmresume();
    };
    ring0.vcpu.run(1000n);
    expect(ring0.vcpu.get("rsi")).toBe(9n);
  });

  it("an instruction that the VMM answers counts as one instruction", () => {
    const run = (vmm: boolean) => {
      const m = machine(`${MOV_EBX_7} ${CPUID} ${CPUID} ${CPUID} ${HLT}`);
      if (vmm) m.vmm.start();
      m.ring0.vcpu.run(1000n);
      return m.ring0.vcpu.get("instructions");
    };
    expect(run(true)).toBe(run(false));
  });

  it("a loop of exits ends with the budget", () => {
    const { ring0, vmm } = machine(`${CPUID} EB FC`);
    vmm.start();
    expect(ring0.vcpu.run(1000n)).toBe(STOP.BUDGET);
    expect(vmm.exits.length).toBe(500);
  });

  it("exits that lead nowhere give the event loop its turn, and the exit waits", () => {
    const { ring0, vmm } = machine(`${CPUID} ${HLT}`);
    vmm.start();
    vmm.onExit = () => vmm.vmx.vmresume();
    expect(ring0.vcpu.run(1000n)).toBe(STOP.EXCEPTION);
    vmm.onExit = () => {
      vmm.cpu.advanceRip();
      vmm.vmx.vmresume();
    };
    expect(ring0.vcpu.run(1000n)).toBe(STOP.HALT);
  });

  it("without a handler is a reason to stop", () => {
    const { ring0, vmm } = machine(`${CPUID} ${HLT}`);
    vmm.start();
    const handler = ring0.vcpu.onVmExit;
    ring0.vcpu.onVmExit = undefined;
    expect(ring0.vcpu.run(1000n)).toBe(STOP.VM_EXIT);
    expect(ring0.vcpu.run(1000n)).toBe(STOP.VM_EXIT);
    ring0.vcpu.onVmExit = handler;
    expect(ring0.vcpu.run(1000n)).toBe(STOP.HALT);
  });

  it("a handler that decides nothing is told so", () => {
    const { ring0, vmm } = machine(CPUID);
    vmm.start();
    vmm.onExit = () => {};
    expect(() => ring0.vcpu.run(1000n)).toThrow("neither resumed nor promoted");
  });

  it("the CPU can be stopped for ever", () => {
    const { ring0, vmm } = machine(CPUID);
    vmm.start();
    vmm.onExit = () => vmm.cpu.stop();
    expect(ring0.vcpu.run(1000n)).toBe(STOP.SHUTDOWN);
    expect(ring0.vcpu.vmx.halted).toBe(true);
  });

  it("an entry that fails over the guest's state arrives there too", () => {
    const { ring0, vmm } = machine(`${CPUID} ${HLT}`);
    vmm.start();
    vmm.onExit = (reason) => {
      if (reason === EXIT_REASON.CPUID) vmm.vmx.vmwrite("guestRflags", 0n);
      else {
        expect(reason).toBe(0x8000_0000 + EXIT_REASON.INVALID_GUEST_STATE);
        vmm.vmx.vmwrite("guestRflags", 2n);
        vmm.save.set("rip", vmm.save.get("rip") + 2n);
      }
      vmm.vmx.vmresume();
    };
    expect(ring0.vcpu.run(1000n)).toBe(STOP.HALT);
    expect(vmm.exits).toEqual([EXIT_REASON.CPUID, EXIT_REASON.INVALID_GUEST_STATE]);
  });

  it("exits of other VMCSs are none of its business", () => {
    const { ring0, vmm } = machine(`${CPUID}`);
    ring0.code(HLT, 0x1_c000);
    vmm.start({ hostRip: 0x1_c000n });
    expect(ring0.vcpu.run(1000n)).toBe(STOP.HALT);
    expect([vmm.exits, ring0.vcpu.get("rip")]).toEqual([[], 0x1_c001n]);
  });
});

describe("advanceRip", () => {
  it("ends the shadow of STI", () => {
    const { ring0, vmm } = machine(`${STI} ${CPUID} ${HLT}`);
    vmm.start();
    let blocking = [-1n, -1n];
    vmm.onExit = () => {
      blocking = [vmm.vmx.vmread("guestInterruptibilityState"), 0n];
      vmm.cpu.advanceRip();
      blocking[1] = vmm.vmx.vmread("guestInterruptibilityState");
      vmm.vmx.vmresume();
    };
    ring0.vcpu.run(1000n);
    expect(blocking).toEqual([1n, 0n]);
  });

  it("makes a single-step trap due under the trap flag", () => {
    // pushfq; or dword [rsp], 0x100; popfq; cpuid
    const { ring0, vmm } = machine(`9C 81 0C 24 00 01 00 00 9D ${CPUID} ${HLT}`);
    vmm.start();
    let pending = -1n;
    vmm.onExit = () => {
      vmm.cpu.advanceRip();
      pending = vmm.vmx.vmread("guestPendingDebugExceptions");
      vmm.cpu.stop();
    };
    ring0.vcpu.run(1000n);
    expect(pending).toBe(1n << 14n);
  });
});

describe("demote and promote", () => {
  it("leave the program's processor as it was", () => {
    const { ring0, vmm } = machine(`${MOV_EBX_7} ${MOV_EBX_7} ${HLT}`);
    ring0.vcpu.run(1n);
    const before = registers(ring0);
    expect(vmm.start()).toBe(true);
    vmm.stop();
    expect(registers(ring0)).toEqual(before);
    expect(ring0.vcpu.getNumber("vmx")).toBe(0);
  });

  it("keep the shadow of STI", () => {
    const { ring0, vmm } = machine(`${STI} ${MOV_EBX_7} ${HLT}`);
    ring0.set({ options: 4 });
    ring0.vcpu.refresh();
    ring0.vcpu.run(1n);
    expect(vmm.cpu.interruptibility).toBe(1);
    vmm.start();
    vmm.stop();
    expect(vmm.cpu.interruptibility).toBe(1);
  });

  it("keep a processor that waits in HLT", () => {
    const { ring0, vmm } = machine(`${STI} ${HLT}`);
    expect(ring0.vcpu.run(10n)).toBe(STOP.HALT);
    expect(vmm.cpu.activity).toBe(1);
    vmm.start();
    expect(ring0.vcpu.run(10n)).toBe(STOP.HALT);
    vmm.stop();
    expect(ring0.vcpu.run(10n)).toBe(STOP.HALT);
  });

  it("in ring 3 go by the processor, not by the program's rights", () => {
    const { ring0, vmm } = machine(`${MOV_EBX_7} ${CPUID} ${MOV_EBX_7}`);
    ring0.inRing3();
    ring0.vcpu.refresh();
    const before = registers(ring0);
    expect(vmm.start()).toBe(true);
    expect(ring0.vcpu.getNumber("cpl")).toBe(3);
    ring0.vcpu.run(2n);
    expect(vmm.exits).toEqual([EXIT_REASON.CPUID]);
    vmm.stop();
    expect(registers(ring0)).toEqual({ ...before, rip: BigInt(CODE + 7), rbx: ring0.vcpu.get("rbx") });
  });

  it("INT-4 a launch that fails returns false with the processor as it was", () => {
    const controls = machine(MOV_EBX_7);
    let before = registers(controls.ring0);
    expect(controls.vmm.start({ cr3TargetCount: 5n })).toBe(false);
    expect(registers(controls.ring0)).toEqual({ ...before, cr4: before.cr4 | 0x2000n });
    expect(controls.vmm.vmx.vmread("vmInstructionError")).toBe(7n);

    const guest = machine(MOV_EBX_7);
    before = registers(guest.ring0);
    expect(guest.vmm.start({ guestRflags: 0n })).toBe(false);
    expect(registers(guest.ring0)).toEqual({ ...before, cr4: before.cr4 | 0x2000n });
    expect(guest.vmm.vmx.vmread("exitReason")).toBe(0x8000_0021n);
    expect(guest.vmm.exits).toEqual([]);
  });

  it("INT-4 a launch that succeeds goes on at the same RIP and RSP, in the guest", () => {
    const { ring0, vmm } = machine(`${MOV_EBX_7} ${VMCALL} ${HLT}`);
    const { rip, rsp } = registers(ring0);
    expect(vmm.start()).toBe(true);
    expect(ring0.vcpu.getNumber("vmx")).toBe(2);
    expect([ring0.vcpu.get("rip"), ring0.vcpu.get("rsp")]).toEqual([rip, rsp]);
    ring0.vcpu.run(1000n);
    expect(vmm.exits).toEqual([EXIT_REASON.VMCALL]);
  });
});

describe("VM exits that the driver causes", () => {
  it("VMCALL exchanges registers and leaves the program's alone", () => {
    const { ring0, vmm } = machine(`${MOV_EBX_7} ${HLT}`);
    vmm.start();
    ring0.vcpu.run(1n);
    const before = registers(ring0);
    vmm.onExit = (reason) => {
      expect(reason).toBe(EXIT_REASON.VMCALL);
      expect(vmm.vmx.vmread("vmExitInstructionLength")).toBe(0n);
      const names = ["rax", "rdx", "rcx", "rbx", "rsi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"] as const;
      expect(names.map((name) => vmm.save.get(name))).toEqual(names.map((_, n) => BigInt(n + 100)));
      vmm.save.set("rdx", 55n);
      vmm.cpu.advanceRip();
      vmm.vmx.vmresume();
    };
    const r = Array.from({ length: 16 }, (_, n) => BigInt(n + 100));
    expect(vmm.cpu.vmcall(r)).toBe(true);
    expect(r).toEqual([100n, 55n, ...Array.from({ length: 14 }, (_, n) => BigInt(n + 102))]);
    expect(registers(ring0)).toEqual(before);
  });

  it("without a VM there is none", () => {
    const { vmm } = machine(HLT);
    expect(vmm.cpu.vmcall([])).toBe(false);
    expect(vmm.exits).toEqual([]);
  });

  it("work in root operation, from outside of exits", () => {
    const { ring0, vmm } = machine(`${CPUID} ${HLT}`);
    vmm.start();
    expect(() => vmm.vmx.vmread("guestRip")).toThrow(CpuFault);
    let rip = 0n;
    vmm.cpu.inRoot(() => {
      rip = vmm.vmx.vmread("guestRip");
    });
    expect([rip, vmm.exits]).toEqual([BigInt(CODE), []]);
    expect(ring0.vcpu.run(1000n)).toBe(STOP.HALT);
  });
});

describe("registers", () => {
  it("INT-1 MSRs that do not exist, and values that they do not take, are #GP", () => {
    const { vmm } = machine(HLT);
    expect(() => vmm.cpu.rdmsr(0x1234)).toThrow(CpuFault);
    expect(() => vmm.cpu.wrmsr(0x175, 1n << 63n)).toThrow(CpuFault);
    vmm.cpu.wrmsr(0x175, 0x1234n);
    expect(vmm.cpu.rdmsr(0x175)).toBe(0x1234n);
  });

  it("INT-1 control registers read back, or refuse", () => {
    const { ring0, vmm } = machine(HLT);
    expect(() => {
      vmm.cpu.cr0 = 1n << 40n;
    }).toThrow(CpuFault);
    expect(ring0.vcpu.getNumber("stop")).toBe(STOP.BUDGET);
    vmm.cpu.cr4 |= 4n;
    vmm.cpu.cr2 = 5n;
    vmm.cpu.cr8 = 6n;
    expect([vmm.cpu.cr4 & 4n, vmm.cpu.cr2, vmm.cpu.cr8]).toEqual([4n, 5n, 6n]);
    vmm.cpu.cr3 = 0x1000n;
    vmm.cpu.dr7 = 0x400n;
    vmm.cpu.rflags = 0x246n;
    expect([vmm.cpu.cr3, vmm.cpu.dr7, vmm.cpu.rflags]).toEqual([0x1000n, 0x400n, 0x246n]);
  });

  it("INT-1 CPUID answers like the instruction", () => {
    const { ring0, vmm } = machine(`${CPUID} ${HLT}`);
    ring0.set({ rax: 7n, rcx: 0n });
    const { eax, ebx, ecx, edx } = vmm.cpu.cpuid(7, 0);
    ring0.vcpu.run(10n);
    expect([eax, ebx, ecx, edx].map(BigInt)).toEqual(["rax", "rbx", "rcx", "rdx"].map((name) => ring0.vcpu.get(name)));
  });

  it("INT-1 LTR makes the task busy and refuses a busy one", () => {
    const { ring0, vmm } = machine(HLT);
    vmm.cpu.ltr(0x40);
    expect(ring0.vcpu.getNumber("trRights") & 0xf).toBe(11);
    expect(() => vmm.cpu.ltr(0x40)).toThrow(CpuFault);
    vmm.cpu.lldt(0x50);
    expect(vmm.cpu.segment("ldtr")).toEqual({ selector: 0x50, base: 0x5000n, limit: 0xff, accessRights: 0x82 });
  });

  it("INT-1 ports go to the devices, strings element by element", () => {
    const log: unknown[] = [];
    const ring0 = new Ring0(
      {
        portIn: (port, size) => log.push(["in", port, size]),
        portOut: (port, size, value) => log.push(["out", port, size, value]),
      },
      undefined,
      model,
    );
    const { cpu } = new GatedVmm(ring0.core, ring0.vcpu, AT);
    expect([cpu.in8(0x60), cpu.in16(0x61), cpu.in32(0x62)]).toEqual([1, 2, 3]);
    cpu.out8(1, 0x1ff);
    cpu.out16(2, 0x1_ffff);
    cpu.out32(3, 0xffff_ffff);
    cpu.outs8(4, new Uint8Array([5, 6]));
    const into = new Uint16Array(2);
    cpu.ins16(7, into);
    expect(log.slice(3)).toEqual([
      ["out", 1, 1, 0xff],
      ["out", 2, 2, 0xffff],
      ["out", 3, 4, 0xffff_ffff],
      ["out", 4, 1, 5],
      ["out", 4, 1, 6],
      ["in", 7, 2],
      ["in", 7, 2],
    ]);
    expect([...into]).toEqual([9, 10]);
  });

  it("INT-1 segments, GDTR and IDTR have visible and hidden parts", () => {
    const { vmm } = machine(HLT);
    expect(vmm.cpu.segment("cs")).toEqual({ selector: 8, base: 0n, limit: 0xffff_ffff, accessRights: 0xa09b });
    vmm.cpu.setSegment("fs", { selector: 0, base: 0x1234n, limit: 0, accessRights: 0x1_0000 });
    expect(vmm.cpu.segment("fs")).toEqual({ selector: 0, base: 0x1234n, limit: 0, accessRights: 0x1_0000 });
    vmm.cpu.gdtr = { base: 0x4000n, limit: 0x7f };
    vmm.cpu.idtr = { base: 0x6000n, limit: 0xff };
    expect([vmm.cpu.gdtr, vmm.cpu.idtr]).toEqual([
      { base: 0x4000n, limit: 0x7f },
      { base: 0x6000n, limit: 0xff },
    ]);
  });

  it("INT-5 canonical addresses have 48 bits", () => {
    expect([0x7fff_ffff_ffffn, 0xffff_8000_0000_0000n, 0n].map(isAddressCanonical)).toEqual([true, true, true]);
    expect([0x8000_0000_0000n, 0xffff_7fff_ffff_ffffn].map(isAddressCanonical)).toEqual([false, false]);
  });

  it("INT-6 physical addresses have as many bits as CPUID says", () => {
    const { vmm } = machine(HLT);
    const bits = BigInt(vmm.cpu.cpuid(0x8000_0008).eax & 0xff);
    expect([(1n << bits) - 1n, 1n << bits].map((a) => isPhysicalAddressValid(vmm.cpu, a))).toEqual([true, false]);
  });
});

describe("VMX instructions", () => {
  it("outside of VMX operation are undefined; VMXON without CR4.VMXE too", () => {
    const { vmm } = machine(HLT);
    expect(() => vmm.cpu.vmclear(0n)).toThrow(CpuFault);
    expect(() => vmm.cpu.vmptrst()).toThrow(CpuFault);
    expect(() => vmm.cpu.vmxon(BigInt(AT))).toThrow(CpuFault);
  });

  it("INT-2 that fail throw a RuntimeError with the VM-instruction error; VMREAD and VMWRITE name the field, and log", () => {
    const { ring0, vmm } = machine(HLT);
    const log: string[] = [];
    const vmx = new Vmx(vmm.cpu, (text) => log.push(text));
    ring0.write(AT, 1n).write(AT + 0x1000, 1n);
    vmm.cpu.cr4 |= 0x2000n;
    expect(() => vmx.vmxon(0x123n)).toThrow(RuntimeError);
    vmx.vmxon(BigInt(AT));
    expect(() => vmx.vmread("guestRip")).toThrow("vmread of guestRip failed: there is no current VMCS to say why");
    vmx.vmptrld(BigInt(AT + 0x1000));
    expect(vmx.vmptrst()).toBe(BigInt(AT + 0x1000));
    expect(() => vmx.vmptrld(BigInt(AT))).toThrow("VM-instruction error 10, vmptrld vmxon pointer");
    expect(() => vmx.vmclear(1n)).toThrow("VM-instruction error 2");
    expect(() => vmx.vmresume()).toThrow("VM-instruction error 5");
    expect(() => vmx.invept(1, ~0n)).toThrow("VM-instruction error 28");
    expect(() => vmx.invvpid(0, 0, 0n)).toThrow("VM-instruction error 28");
    expect(log).toEqual(["vmread of guestRip failed: there is no current VMCS to say why"]);
    expect(RuntimeError.prototype).not.toBeInstanceOf(LogicError);
    expect(RuntimeError.prototype).not.toBeInstanceOf(ContractViolation);
  });

  it("INT-3 INVEPT and INVVPID know their types", () => {
    const { ring0, vmm } = machine(HLT);
    ring0.write(AT, 1n).write(AT + 0x1000, 1n);
    vmm.cpu.cr4 |= 0x2000n;
    vmm.vmx.vmxon(BigInt(AT));
    vmm.vmx.vmptrld(BigInt(AT + 0x1000));
    // 4-level, write-back
    expect([1, 2].map((type) => vmm.cpu.invept(type as 1 | 2, 0x10_001en))).toEqual([true, true]);
    expect([0, 1, 2, 3].map((type) => vmm.cpu.invvpid(type as 0 | 1 | 2 | 3, 1, 0n))).toEqual([true, true, true, true]);
    expect(vmm.cpu.invvpid(0, 1, 0x8000_0000_0000n)).toBe(false);
  });

  it("every step that can fail asks first", () => {
    const steps: string[] = [];
    const ring0 = new Ring0(undefined, undefined, model);
    ring0.set({ options: 0 }).code(HLT);
    const vmm = new GatedVmm(ring0.core, ring0.vcpu, AT, {
      fails: (step) => {
        steps.push(step);
        return step === "vmwrite guestRip";
      },
    });
    expect(() => vmm.start()).toThrow("vmwrite of 0x10000 to guestRip failed");
    expect(steps.filter((step) => !step.startsWith("vmwrite"))).toEqual([
      "write cr4",
      "vmxon",
      "vmclear",
      "vmptrld",
      ...["rdmsr 0xc0000080", "rdmsr 0x277", "rdmsr 0x277", "rdmsr 0x174", "rdmsr 0x175", "rdmsr 0x176"],
    ]);
  });

  it("the state-save page has to be a page of RAM", () => {
    const { vmm } = machine(HLT);
    expect(() => vmm.cpu.setGate(GATE_RIP, 0xf_0000_0000n)).toThrow(RuntimeError);
    expect(() => vmm.cpu.setGate(GATE_RIP, 0x123n)).toThrow(RuntimeError);
  });
});

describe("a VMCS that was found right", () => {
  it("is checked again when RIP in the state-save page is not where it can be", () => {
    const { ring0, vmm } = machine(`${CPUID} ${CPUID} ${HLT}`);
    vmm.start();
    vmm.onExit = (reason) => {
      if (reason === EXIT_REASON.CPUID && vmm.exits.length === 2) vmm.save.set("rip", 0x4000_0000_0000_0000n);
      else if (reason === EXIT_REASON.CPUID) vmm.cpu.advanceRip();
      else vmm.cpu.stop();
      if (reason === EXIT_REASON.CPUID) vmm.vmx.vmresume();
    };
    expect(ring0.vcpu.run(1000n)).toBe(STOP.SHUTDOWN);
    expect(vmm.exits).toEqual([EXIT_REASON.CPUID, EXIT_REASON.CPUID, EXIT_REASON.INVALID_GUEST_STATE]);
  });

  it("is checked again when a field was written", () => {
    const { ring0, vmm } = machine(`${CPUID} ${CPUID} ${HLT}`);
    vmm.start();
    let failed = true;
    vmm.onExit = () => {
      vmm.cpu.advanceRip();
      if (vmm.exits.length === 2) {
        vmm.vmx.vmwrite("hostTrSelector", 0n);
        failed = !vmm.cpu.vmresume();
        vmm.vmx.vmwrite("hostTrSelector", 40n);
      }
      vmm.vmx.vmresume();
    };
    expect(ring0.vcpu.run(1000n)).toBe(STOP.HALT);
    expect(failed).toBe(true);
  });
});
