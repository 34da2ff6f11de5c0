/** Model-specific registers. SDM Vol. 4 "IA-32 Architectural MSRs"; Vol. 3 "MTRR Feature Identification" and the sections behind it. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Core } from "../../src/core/core.ts";
import { cpuModel } from "../../src/cpus/models.ts";
import { rdmsr, wrmsr } from "../lib/apic.ts";
import { Ring0 } from "../lib/ring0.ts";

const RAN = { errorCode: 0 };
const GP = { vector: "#GP", errorCode: 0 };
const HIGH = 0xffff_ffff_ffff_ffffn;

const rows: readonly (readonly [name: string, msr: number, afterReset: bigint, right: readonly bigint[], wrong: readonly bigint[]])[] = [
  ["IA32_P5_MC_ADDR", 0, 0n, [], [0n]],
  ["IA32_P5_MC_TYPE", 1, 0n, [], [0n]],
  ["IA32_PLATFORM_ID", 0x17, 0n, [], [0n]],
  ["IA32_APIC_BASE", 0x1b, 0xfee0_0900n, [0xfee0_0900n, 0xfe00_0900n], [0xfee0_0901n, 0x100_fee0_0900n]],
  ["IA32_FEATURE_CONTROL, locked with VMX on", 0x3a, 5n, [], [1n, 5n]],
  ["IA32_TSC_ADJUST", 0x3b, 0n, [5n, HIGH], []],
  ["IA32_SPEC_CTRL", 0x48, 0n, [1n, 7n, 0x407n], [8n, 1n << 32n]],
  ["IA32_MTRRCAP: 8 variable, fixed, write-combining", 0xfe, 0x508n, [], [0x508n]],
  ["IA32_MCG_CAP", 0x179, 0n, [], [0n]],
  ["IA32_SYSENTER_CS", 0x174, 0n, [0xffff_ffffn], [1n << 32n]],
  ["IA32_SYSENTER_EIP", 0x176, 0n, [0xffff_8000_0000_0000n], [1n << 62n]],
  ["IA32_DEBUGCTL: last-branch recording, single-stepping of branches", 0x1d9, 0n, [1n, 2n, 3n], [4n, 0x40n, 1n << 15n]],
  ["IA32_MISC_ENABLE", 0x1a0, 0x4_1801n, [0x4_1800n, 0x4_00c5_1809n], [0n, 0x4_1803n]],
  ["IA32_MTRR_PHYSBASE0", 0x200, 0n, [0xc000_0006n, 0xff_ffff_f001n], [2n, 7n, 0x106n, 1n << 40n]],
  ["IA32_MTRR_PHYSMASK7", 0x20f, 0n, [0xff_c000_0800n], [0x400n, 1n << 40n]],
  ["IA32_MTRR_FIX64K_00000", 0x250, 0n, [0x0606_0606_0606_0606n], [0x0606_0606_0606_0602n, 0x0700_0000_0000_0000n]],
  ["IA32_MTRR_FIX4K_F8000", 0x26f, 0n, [0x0504_0100_0000_0000n], [3n]],
  ["IA32_PAT", 0x277, 0x0007_0406_0007_0406n, [0x0007_0406_0007_0106n], [2n, 8n]],
  ["IA32_MTRR_DEF_TYPE", 0x2ff, 0n, [0xc06n, 0x800n], [0xc02n, 0x1000n, 0x106n]],
  ["IA32_TSC_DEADLINE", 0x6e0, 0n, [], []],
  ["IA32_EFER", 0xc000_0080, 0xd01n, [0xd00n], [0xd03n, 0xc01n]],
  ["IA32_FMASK", 0xc000_0084, 0n, [0xffff_ffffn], [1n << 32n]],
  ["IA32_TSC_AUX", 0xc000_0103, 0n, [7n], [1n << 32n]],
];

describe("model-specific registers", () => {
  for (const [name, msr, afterReset, right, wrong] of rows)
    it(`${msr.toString(16)} ${name}`, () => {
      const m = new Ring0();
      expect(m.run(rdmsr(msr))).toEqual(RAN);
      expect(m.vcpu.get("rax")).toBe(afterReset);
      for (const value of right) {
        const after = new Ring0();
        expect([value, after.run(wrmsr(msr, value) + rdmsr(msr))]).toEqual([value, RAN]);
        expect(after.vcpu.get("rax")).toBe(value);
      }
      for (const value of wrong) expect([value, new Ring0().run(wrmsr(msr, value))]).toEqual([value, GP]);
    });

  it("those of ring 3 are none", () => {
    expect(new Ring0().inRing3().run(rdmsr(0x10))).toEqual(GP);
    expect(new Ring0().inRing3().run(wrmsr(0x10, 0))).toEqual(GP);
  });

  it("CPUID loads the microcode's revision, after zero was written to it", () => {
    const m = new Ring0();
    expect(m.run(`${wrmsr(0x8b, 0)} B801000000 0FA2 ${rdmsr(0x8b)}`)).toEqual(RAN);
    expect(m.vcpu.get("rax") >> 32n).toBe(0xf0n);
  });

  it("are there if the CPU model has their feature", () => {
    const module = new WebAssembly.Module(readFileSync("build/core.wasm"));
    const present = (model: string) => {
      const core = new Core(module, 1, cpuModel(model));
      // rdmsr of 6E0 in real-address mode, then HLT; #GP would go to 0:0, where HLT stands too
      core.ram.set([0x66, 0xb9, 0xe0, 0x06, 0x00, 0x00, 0x0f, 0x32, 0xf4], 0x7000);
      core.ram.set([0xf4], 0);
      const vcpu = core.vcpu(0);
      vcpu.reset();
      vcpu.setNumber("cs", 0);
      vcpu.set("csBase", 0n);
      vcpu.set("rip", 0x7000n);
      vcpu.set("rsp", 0x8000n);
      vcpu.refresh();
      vcpu.run(100n);
      return vcpu.get("rip") === 0x7009n;
    };
    expect([present("max"), present("max,-tscDeadline"), present("x86-64-v2")]).toEqual([true, false, false]);
  });
});

describe("IA32_MISC_ENABLE", () => {
  const cpuid = (leaf: number) => `B8${Buffer.from(new Uint32Array([leaf]).buffer).toString("hex")} 31C9 0FA2`;
  it("limits CPUID, hides MONITOR and the execute-disable bit", () => {
    const m = new Ring0();
    m.run(wrmsr(0x1a0, 0x40_1801) + cpuid(0));
    expect(m.vcpu.get("rax")).toBe(2n);
    const n = new Ring0();
    n.run(wrmsr(0x1a0, 0x1801) + cpuid(1));
    expect(n.vcpu.get("rcx") & 8n).toBe(0n);
    const x = new Ring0();
    x.run(wrmsr(0x1a0, 0x4_0004_1801n) + cpuid(0x8000_0001));
    expect(x.vcpu.get("rdx") & 0x10_0000n).toBe(0n);
  });
});
