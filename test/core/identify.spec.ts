/**
 * Who, when and random numbers: CPUID, time-stamp counter, RDPID, XGETBV, RDRAND, MONITOR. SDM Vol. 2 under the mnemonics. What they answer is
 * no matter of another CPU, so the manual's rules are tested.
 */
import { describe, expect, it } from "vitest";
import { max } from "../../src/cpus/max.ts";
import { RFLAGS } from "../../src/spec/registers.ts";
import { Ring0 } from "../lib/ring0.ts";

const RAN = { errorCode: 0 };
const GP = { vector: "#GP", errorCode: 0 };
const UD = { vector: "#UD", errorCode: 0 };

const CPUID = "0F A2";
const RDTSC = "0F 31";
const RDTSCP = "0F 01 F9";
const RDPID_RBX = "F3 0F C7 FB";
const RDPMC = "0F 33";
const XGETBV = "0F 01 D0";
const MONITOR = "0F 01 C8";
const MWAIT = "0F 01 C9";
const VMCALL = "0F 01 C1";
const OSXSAVE = 1n << 18n;
const TSD = 4n;

const cpuid = (leaf: number, subleaf = 0, registers: Readonly<Record<string, bigint>> = {}) => {
  const m = new Ring0().set({ ...registers, rax: BigInt(leaf), rcx: BigInt(subleaf) });
  expect(m.run(CPUID)).toEqual(RAN);
  return ["rax", "rbx", "rcx", "rdx"].map((name) => Number(m.vcpu.get(name)));
};

describe("CPUID", () => {
  it("leaf 0 names the vendor and the highest leaf", () => {
    const [highest, ebx, ecx, edx] = cpuid(0);
    expect(Buffer.from(Uint32Array.of(ebx, edx, ecx).buffer).toString()).toBe(max.vendor);
    expect(highest).toBeGreaterThanOrEqual(0xd);
  });

  it("answers a basic leaf that does not exist as the highest one", () => {
    const [highest] = cpuid(0);
    expect(cpuid(highest + 1)).toEqual(cpuid(highest));
    expect(cpuid(0x4000_0000)).toEqual(cpuid(highest));
    expect(cpuid(0x8fff_ffff)).toEqual(cpuid(highest));
  });

  it("clears the upper halves of its registers", () => {
    const [eax] = cpuid(0, 0, { rbx: -1n, rdx: -1n });
    expect(eax).toBeLessThan(2 ** 32);
    const m = new Ring0().set({ rax: 0xffff_ffff_0000_0000n, rbx: -1n, rcx: 0n, rdx: -1n });
    m.run(CPUID);
    for (const name of ["rax", "rbx", "rcx", "rdx"]) expect(m.vcpu.get(name) >> 32n).toBe(0n);
  });

  it("OSXSAVE shows CR4", () => {
    const bit = 1 << 27;
    expect(cpuid(1)[2] & bit).toBe(0);
    expect(cpuid(1, 0, { cr4: 0x620n | OSXSAVE })[2] & bit).toBe(bit);
  });

  it("runs in ring 3", () => {
    expect(new Ring0().inRing3().set({ rax: 0n, rcx: 0n }).run(CPUID)).toEqual(RAN);
  });
});

describe("time-stamp counter", () => {
  it("counts, in EDX:EAX with the upper halves cleared", () => {
    const m = new Ring0().set({ rax: -1n, rdx: -1n, tscOffset: 0x5_ffff_f000n });
    expect(m.run(`${RDTSC} 48 89 C6 48 89 D7 90 ${RDTSC}`)).toEqual(RAN);
    expect([m.vcpu.get("rdi"), m.vcpu.get("rdx")]).toEqual([5n, 5n]);
    expect(m.vcpu.get("rax")).toBeGreaterThan(m.vcpu.get("rsi"));
  });

  it("RDTSCP and RDPID read IA32_TSC_AUX", () => {
    const m = new Ring0().set({ rcx: -1n, rbx: -1n, tscAux: 0x1234_5678n });
    expect(m.run(`${RDTSCP} ${RDPID_RBX}`)).toEqual(RAN);
    expect([m.vcpu.get("rcx"), m.vcpu.get("rbx")]).toEqual([0x1234_5678n, 0x1234_5678n]);
  });

  it("CR4.TSD keeps it for ring 0", () => {
    for (const code of [RDTSC, RDTSCP]) {
      expect(new Ring0().inRing3().set({ cr4: 0x620n }).run(code)).toEqual(RAN);
      expect(
        new Ring0()
          .inRing3()
          .set({ cr4: 0x620n | TSD })
          .run(code),
      ).toEqual(GP);
      expect(new Ring0().set({ cr4: 0x620n | TSD }).run(code)).toEqual(RAN);
    }
  });

  it("RDPMC knows no counter", () => {
    expect(new Ring0().set({ rcx: 0n }).run(RDPMC)).toEqual(GP);
  });
});

describe("XGETBV", () => {
  it("reads XCR0, and with ECX 1 what of it is in use", () => {
    const m = new Ring0().set({ cr4: 0x620n | OSXSAVE, xcr0: 3n, rcx: 0n, rax: -1n, rdx: -1n, fcw: 0x37f, mxcsr: 0x1f80 });
    expect(m.run(XGETBV)).toEqual(RAN);
    expect([m.vcpu.get("rax"), m.vcpu.get("rdx")]).toEqual([3n, 0n]);
    // fld1: the x87 state is not the initial one
    const used = new Ring0().set({ cr4: 0x620n | OSXSAVE, xcr0: 3n, rcx: 1n, fcw: 0x37f, mxcsr: 0x1f80 });
    expect(used.run(`D9 E8 ${XGETBV}`)).toEqual(RAN);
    expect(used.vcpu.get("rax") & ~2n).toBe(1n);
  });

  it("is #UD without CR4.OSXSAVE and #GP for other registers", () => {
    expect(new Ring0().set({ xcr0: 3n, rcx: 0n }).run(XGETBV)).toEqual(UD);
    expect(new Ring0().set({ cr4: 0x620n | OSXSAVE, xcr0: 3n, rcx: 2n }).run(XGETBV)).toEqual(GP);
  });
});

describe("RDRAND and RDSEED", () => {
  const forms: readonly (readonly [name: string, code: string, bits: bigint])[] = [
    ["rdrand ax", "66 0F C7 F0", 16n],
    ["rdrand eax", "0F C7 F0", 32n],
    ["rdrand rax", "48 0F C7 F0", 64n],
    ["rdseed ax", "66 0F C7 F8", 16n],
    ["rdseed eax", "0F C7 F8", 32n],
    ["rdseed rax", "48 0F C7 F8", 64n],
  ];
  for (const [name, code, bits] of forms)
    it(`${name} sets CF, clears the other flags and writes its operand only`, () => {
      const draw = (random: bigint) => {
        const m = new Ring0().set({ rax: -1n, random });
        m.vcpu.rflags = 0x8d7;
        expect(m.run(code)).toEqual(RAN);
        expect(m.vcpu.rflags & 0x8d5).toBe(RFLAGS.CF);
        return BigInt.asUintN(64, m.vcpu.get("rax"));
      };
      const values = [1n, 2n, 3n, 4n].map(draw);
      expect(new Set(values).size).toBe(4);
      expect(draw(1n)).toBe(values[0]);
      for (const v of values) expect(v >> bits).toBe(bits === 16n ? 0xffff_ffff_ffffn : 0n);
    });

  it("every bit comes up", () => {
    const m = new Ring0().set({ random: 7n });
    let ones = 0n;
    let zeros = 0n;
    for (let i = 0; i < 64; i++) {
      m.set({ rip: 0x10000n }).run("48 0F C7 F0");
      ones |= m.vcpu.get("rax");
      zeros |= ~m.vcpu.get("rax");
    }
    expect([BigInt.asUintN(64, ones), BigInt.asUintN(64, zeros)]).toEqual([0xffff_ffff_ffff_ffffn, 0xffff_ffff_ffff_ffffn]);
  });
});

describe("MONITOR and MWAIT", () => {
  it("MONITOR takes any readable address, and no extensions", () => {
    expect(new Ring0().set({ rax: 0x3_0000n, rcx: 0n }).run(MONITOR)).toEqual(RAN);
    expect(new Ring0().set({ rax: 0x3_0000n, rcx: 1n }).run(MONITOR)).toEqual(GP);
    expect(new Ring0().set({ rax: 0x40_0000n, rcx: 0n }).run(MONITOR)).toEqual({ vector: "#PF", errorCode: 0 });
  });

  it("are #UD outside ring 0", () => {
    for (const code of [MONITOR, MWAIT]) expect(new Ring0().inRing3().set({ rax: 0x3_0000n, rcx: 0n }).run(code)).toEqual(UD);
  });

  it("MWAIT knows the break on masked interrupts and no other extension", () => {
    expect(new Ring0().set({ rax: 0n, rcx: 2n }).run(MWAIT)).toEqual(GP);
  });
});

it("VMCALL is #UD outside VMX operation", () => {
  expect(new Ring0().run(VMCALL)).toEqual(UD);
  expect(new Ring0().inRing3().run(VMCALL)).toEqual(UD);
});
