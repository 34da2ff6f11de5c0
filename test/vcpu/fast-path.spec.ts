/** The exit fast path: what the policy answers, and what it leaves to the handler. A bare program of ring 0 is the OS. */
import { describe, expect, it } from "vitest";
import type { FastPath } from "../../src/core/fast-path.ts";
import { max } from "../../src/cpus/max.ts";
import { OPTION, STOP } from "../../src/spec/events.ts";
import { EXIT_REASON } from "../../src/spec/exits.ts";
import { type Fields, GatedVmm } from "../lib/gated.ts";
import { Ring0 } from "../lib/ring0.ts";

const model = { ...max, features: [...max.features, "vmx"] };
const CPUID = "0F A2";
const HLT = "F4";
const VMX_BIT = 1n << 5n;
const eax = (v: number) => `B8 ${[0, 8, 16, 24].map((s) => ((v >>> s) & 0xff).toString(16).padStart(2, "0")).join(" ")}`;
const ecx = (v: number) => `B9 ${eax(v).slice(3)}`;

function run(code: string, policy: (fast: FastPath) => void, fields: Fields = {}, host = {}) {
  const ring0 = new Ring0({ portIn: () => 0x55, ...host }, undefined, model);
  ring0.set({ options: 0 }).code(`${code} ${HLT}`);
  ring0.vcpu.refresh();
  const vmm = new GatedVmm(ring0.core, ring0.vcpu, 0x5_0000);
  policy(ring0.core.fastPath);
  if (!vmm.start(fields)) throw new Error("the launch failed");
  expect(ring0.vcpu.run(1000n)).toBe(STOP.HALT);
  const stats = Object.fromEntries(ring0.core.exitStats().map(({ name, count, fast }) => [name, [count, fast]]));
  return { vcpu: ring0.vcpu, exits: vmm.exits, stats, vmm, core: ring0.core };
}

describe("CPUID", () => {
  it("is answered without the handler, and counted", () => {
    const { vcpu, exits, stats } = run(`${eax(0)} ${CPUID} ${CPUID}`, (fast) => fast.answer("cpuid"));
    expect([exits, stats]).toEqual([[], { CPUID: [2, 2] }]);
    expect(vcpu.get("rax") & 0xffff_ffffn).not.toBe(0n);
  });

  it("without a policy goes to the handler", () => {
    const { exits, stats } = run(CPUID, () => {});
    expect([exits, stats]).toEqual([[EXIT_REASON.CPUID], { CPUID: [1, 0] }]);
  });

  it("does not tell of VMX in the plain policy", () => {
    const told = (policy: (fast: FastPath) => void) => run(`${eax(1)} ${CPUID}`, policy).vcpu.get("rcx") & VMX_BIT;
    expect(told((fast) => fast.answer("cpuid"))).toBe(VMX_BIT);
    expect(told((fast) => fast.passPlain())).toBe(0n);
  });

  it("is masked by leaf, subleaf and register", () => {
    const mask = (fast: FastPath) => {
      fast.answer("cpuid");
      fast.maskCpuid({ leaf: 7, subleaf: 0, register: "ebx", clear: 0xffff_ffff, set: 0x1234 });
      fast.maskCpuid({ leaf: 0x4000_0000, register: "edx", set: 0x8000_0000 });
    };
    expect(run(`${eax(7)} ${ecx(0)} ${CPUID}`, mask).vcpu.get("rbx")).toBe(0x1234n);
    expect(run(`${eax(7)} ${ecx(1)} ${CPUID}`, mask).vcpu.get("rbx")).not.toBe(0x1234n);
    expect(run(`${eax(0x4000_0000)} ${CPUID}`, mask).vcpu.get("rdx") >> 31n).toBe(1n);
    const { fastPath } = run("90", mask).core;
    expect(fastPath.masked(7, 0, "ebx", 0xff00_ff00)).toBe(0x1234);
    expect(fastPath.masked(7, 1, "ebx", 0xff00_ff00)).toBe(0xff00_ff00);
    expect(fastPath.masked(0x4000_0000, 9, "edx", 1)).toBe(0x8000_0001);
  });

  it("leaves chosen leaves to the handler", () => {
    const code = `${eax(2)} ${CPUID} ${eax(1)} ${CPUID}`;
    const { exits, stats } = run(code, (fast) => {
      fast.answer("cpuid");
      fast.askCpuid(1);
    });
    expect([exits, stats]).toEqual([[EXIT_REASON.CPUID], { CPUID: [2, 1] }]);
    const undone = run(code, (fast) => {
      fast.answer("cpuid");
      fast.maskCpuid({ leaf: 1, register: "ecx", clear: 0xffff_ffff, set: 7 });
      fast.askCpuid(1);
      fast.answerCpuid(1);
    });
    expect([undone.exits, undone.vcpu.get("rcx")]).toEqual([[], 7n]);
  });

  it("in a VM that is not the gate's is not answered", () => {
    const ring0 = new Ring0(undefined, undefined, model);
    ring0.set({ options: 0 }).code(CPUID).code(HLT, 0x1_c000);
    ring0.vcpu.refresh();
    ring0.core.fastPath.clear();
    ring0.core.fastPath.passPlain();
    const vmm = new GatedVmm(ring0.core, ring0.vcpu, 0x5_0000);
    vmm.start({ hostRip: 0x1_c000n });
    expect(ring0.vcpu.run(10n)).toBe(STOP.HALT);
    expect(vmm.vmx.vmread("exitReason")).toBe(BigInt(EXIT_REASON.CPUID));
    ring0.core.fastPath.clear();
  });
});

describe("MSRs", () => {
  const RDMSR = "0F 32";
  const WRMSR = "0F 30";

  it("in the policy are read and written as without a VM", () => {
    // IA32_LSTAR = 0x1234; read back
    const code = `${ecx(0xc000_0082)} ${eax(0x1234)} BA 00 00 00 00 ${WRMSR} ${eax(0)} ${RDMSR}`;
    const { vcpu, exits, stats } = run(code, (fast) => fast.passPlain());
    expect([exits, stats, vcpu.get("rax")]).toEqual([[], { RDMSR: [1, 1], WRMSR: [1, 1] }, 0x1234n]);
  });

  it("are let through by number and direction", () => {
    const code = `${ecx(0x174)} ${eax(8)} BA 00 00 00 00 ${WRMSR} ${RDMSR}`;
    expect(run(code, (fast) => fast.passMsrs(0x174, 0x176, "r")).exits).toEqual([EXIT_REASON.WRMSR]);
    expect(run(code, (fast) => fast.passMsrs(0x174, 0x176, "w")).exits).toEqual([EXIT_REASON.RDMSR]);
    const taken = (fast: FastPath) => {
      fast.passPlain();
      fast.askMsrs(0x174, 0x174, "rw");
    };
    expect(run(code, taken).exits).toEqual([EXIT_REASON.WRMSR, EXIT_REASON.RDMSR]);
    expect(run(code, (fast) => fast.passPlain()).exits).toEqual([]);
  });

  it("of VMX, and those that do not exist, are not plain", () => {
    const plain = (number: number) => run(`${ecx(number)} ${RDMSR}`, (fast) => fast.passPlain()).exits;
    expect([0x480, 0x3a, 0x1234, 0x4000_0000].map(plain)).toEqual(Array.from({ length: 4 }, () => [EXIT_REASON.RDMSR]));
  });
});

describe("control registers", () => {
  const OWN_TSD = { cr4GuestHostMask: 0x2004n };
  // mov rax, cr4; or al, 4; mov cr4, rax; mov rbx, cr4
  const SET_TSD = "0F 20 E0 0C 04 0F 22 E0 0F 20 E3";

  it("bits that are written through change for the guest, and not in the register", () => {
    const { vcpu, exits, stats } = run(
      SET_TSD,
      (fast) => {
        fast.answer("cr");
        fast.writeThrough(0n, 4n);
      },
      OWN_TSD,
    );
    expect([exits, stats]).toEqual([[], { "CR ACCESS": [1, 1] }]);
    expect([vcpu.get("rbx") & 4n, vcpu.get("cr4") & 4n]).toEqual([4n, 0n]);
  });

  it("other bits of the host go to the handler", () => {
    expect(run(SET_TSD, (fast) => fast.answer("cr"), OWN_TSD).exits).toEqual([EXIT_REASON.CR_ACCESS]);
  });

  it("loads and stores of CR3 and CR8 are answered", () => {
    const controls = 0x0401_e172n | (3n << 15n) | (3n << 19n);
    // mov rax, cr3; mov cr3, rax; mov rax, cr8; mov cr8, rax
    const code = "0F 20 D8 0F 22 D8 44 0F 20 C0 44 0F 22 C0";
    const fields = { primaryProcessorBasedVmExecutionControls: controls };
    expect(run(code, () => {}, fields).exits).toEqual(Array.from({ length: 4 }, () => EXIT_REASON.CR_ACCESS));
    expect(run(code, (fast) => fast.answer("cr"), fields).exits).toEqual([]);
  });

  it("CLTS and LMSW follow the read shadow where TS is written through", () => {
    const fields = { cr0GuestHostMask: 8n, cr0ReadShadow: 8n };
    const through = (fast: FastPath) => {
      fast.answer("cr");
      fast.writeThrough(8n, 0n);
    };
    // clts; smsw rbx
    const clts = run("0F 06 48 0F 01 E3", through, fields);
    expect([clts.exits, clts.vcpu.get("rbx") & 8n]).toEqual([[], 0n]);
    // mov eax, 0x3b; lmsw ax; smsw rbx: TS set for the guest only
    const lmsw = run(`${eax(0x3b)} 0F 01 F0 48 0F 01 E3`, through, { cr0GuestHostMask: 8n, cr0ReadShadow: 0n });
    expect([lmsw.exits, lmsw.vcpu.get("rbx") & 8n, lmsw.vcpu.get("cr0") & 8n]).toEqual([[], 8n, 0n]);
  });
});

describe("other instructions", () => {
  it("INVD does what WBINVD does", () => {
    const { exits, stats } = run("0F 08", (fast) => fast.answer("invd"));
    expect([exits, stats]).toEqual([[], { INVD: [1, 1] }]);
    expect(run("0F 08", (fast) => fast.answer("cpuid")).exits).toEqual([EXIT_REASON.INVD]);
  });

  it("XSETBV sets the guest's XCR0", () => {
    // CR4.OSXSAVE set; ecx = 0, edx:eax = 3
    const code = `0F 20 E0 0D 00 00 04 00 0F 22 E0 ${ecx(0)} ${eax(3)} BA 00 00 00 00 0F 01 D1`;
    const { vcpu, exits, stats } = run(code, (fast) => fast.answer("xsetbv"));
    expect([exits, stats, vcpu.get("xcr0")]).toEqual([[], { XSETBV: [1, 1] }, 3n]);
    expect(run(code, () => {}).exits).toEqual([EXIT_REASON.XSETBV]);
  });

  it("ports reach their devices, and are counted by range", () => {
    const outs: unknown[] = [];
    const host = { portOut: (port: number, size: number, value: number) => outs.push([port, size, value]) };
    const fields = { primaryProcessorBasedVmExecutionControls: 0x0401_e172n | (1n << 24n) };
    // in al, 0x70; out 0x71, al; in eax, 0x71 goes beyond 0x71
    const { exits, stats, core } = run("E4 70 E6 71 E5 71", (fast) => fast.passPorts(0x70, 0x71), fields, host);
    expect([exits, stats]).toEqual([[EXIT_REASON.IO_INSTRUCTION], { "IO INSTRUCTION": [3, 2] }]);
    expect(outs).toEqual([[0x71, 1, 0x55]]);
    expect(core.fastPath.portAccesses()).toEqual([{ first: 0x70, last: 0x71, count: 2 }]);
  });
});

describe("the trace of exits", () => {
  it("tells of each when the guest goes on, with reason, qualification, RIP and cost", () => {
    const told: unknown[] = [];
    const ring0 = new Ring0({ exited: (...args) => told.push(args) }, undefined, model);
    // in al, 0x70; cpuid
    ring0.set({ options: OPTION.TRACE_EXITS }).code(`E4 70 ${CPUID} ${HLT}`);
    ring0.vcpu.refresh();
    ring0.core.fastPath.answer("cpuid");
    const vmm = new GatedVmm(ring0.core, ring0.vcpu, 0x5_0000);
    vmm.start({ primaryProcessorBasedVmExecutionControls: 0x0401_e172n | (1n << 24n) });
    ring0.vcpu.run(100n);
    // qualification: 8-bit IN, immediate, port 0x70; the instruction that the VMM has emulated is one cycle
    expect(told).toEqual([
      [EXIT_REASON.IO_INSTRUCTION, 0x70_0048n, 0x1_0000n, 1, false],
      [EXIT_REASON.CPUID, 0n, 0x1_0002n, 0, true],
    ]);
  });
});

describe("counts", () => {
  it("see entries that fail, too", () => {
    const ring0 = new Ring0({}, undefined, model);
    ring0.set({ options: 0 }).code(HLT);
    ring0.vcpu.refresh();
    expect(new GatedVmm(ring0.core, ring0.vcpu, 0x5_0000).start({ guestRflags: 0n })).toBe(false);
    expect(ring0.core.exitStats()).toEqual([{ reason: 33, name: "INVALID GUEST STATE", count: 1, fast: 0 }]);
  });
});
