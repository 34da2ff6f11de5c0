/**
 * The capability MSRs against the manual's rules, as RDMSR in the guest gives them, and every bit of the five words of controls against
 * them. SDM Vol. 3 appendix "VMX Capability Reporting Facility".
 */
import { describe, expect, it } from "vitest";
import { VM_INSTRUCTION_ERROR } from "../../src/spec/exits.ts";
import type { ControlField } from "../../src/spec/vmx-controls.ts";
import { VMX_RULES } from "../../src/spec/vmx-rules.ts";
import { VmxMachine } from "../lib/vmx.ts";
import { VmxRoot } from "../lib/vmx-root.ts";

const RDMSR = "0F 32";
const BITS = Array.from({ length: 32 }, (_, bit) => bit);

function rdmsr(number: number): bigint {
  const m = new VmxRoot();
  m.ring0.set({ rcx: BigInt(number) });
  expect(m.code(RDMSR).vector).toBe(undefined);
  return (m.ring0.vcpu.get("rdx") << 32n) | m.ring0.vcpu.get("rax");
}

const isSet = (value: bigint, bit: number) => ((value >> BigInt(bit)) & 1n) !== 0n;

interface Word {
  readonly msr: number;
  readonly field: string;
  /** the MSR that has the default-1 class as must be 1, and bits of that class */
  readonly plain?: number;
  readonly default1?: readonly number[];
  readonly rule: string;
}

/** SDM appendix "Pin-Based VM-Execution Controls" and the sections behind it: the default-1 classes */
const WORDS: Readonly<Record<ControlField, Word>> = {
  pin: { msr: 0x48d, plain: 0x481, field: "pinBasedVmExecutionControls", default1: [1, 2, 4], rule: "pinBasedControlsAllowed" },
  primary: {
    msr: 0x48e,
    plain: 0x482,
    field: "primaryProcessorBasedVmExecutionControls",
    default1: [1, 4, 5, 6, 8, 13, 14, 15, 16, 26],
    rule: "primaryControlsAllowed",
  },
  secondary: { msr: 0x48b, field: "secondaryProcessorBasedVmExecutionControls", rule: "secondaryControlsAllowed" },
  exit: {
    msr: 0x48f,
    plain: 0x483,
    field: "vmExitControls",
    default1: [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 13, 14, 16, 17],
    rule: "exitControlsAllowed",
  },
  entry: { msr: 0x490, plain: 0x484, field: "vmEntryControls", default1: [0, 1, 2, 3, 4, 5, 6, 7, 8, 12], rule: "entryControlsAllowed" },
};
/** of the default-1 class, those that software may clear where TRUE MSRs say so */
const CLEARABLE: Readonly<Partial<Record<ControlField, readonly number[]>>> = { primary: [15, 16], exit: [2], entry: [2] };

describe.each(Object.entries(WORDS))("capability of the %s controls", (word, { msr, plain, default1 = [] }) => {
  it("allows 1 wherever it demands it", () => {
    for (const number of plain === undefined ? [msr] : [msr, plain]) {
      const value = rdmsr(number);
      expect(value & 0xffff_ffffn & ~(value >> 32n)).toBe(0n);
    }
  });

  it("differs in the TRUE MSR just in what may be 0 of the default-1 class", () => {
    if (plain === undefined) return expect(word).toBe("secondary");
    const [exact, usual] = [rdmsr(msr), rdmsr(plain)];
    expect(exact >> 32n).toBe(usual >> 32n);
    const required = BITS.filter((bit) => isSet(usual, bit));
    expect(required).toEqual(default1);
    const clearable = CLEARABLE[word as ControlField] ?? [];
    expect(BITS.filter((bit) => isSet(usual & ~exact, bit))).toEqual(clearable);
  });

  it("demands nothing of the secondary controls", () => {
    if (word === "secondary") expect(rdmsr(msr) & 0xffff_ffffn).toBe(0n);
  });
});

/** Outcome of an entry with one bit of a word of controls set or cleared. */
function enter(word: ControlField, bit: number, value: 0 | 1): { readonly error: number; readonly rules: readonly string[] } {
  const mask = 1n << BigInt(bit);
  const machine = new VmxMachine();
  if (word === "secondary") machine.secondary(0n);
  // an NMI-window exit wants virtual NMIs, a saved timer its control and so on: other rules, whose violations are not counted here
  machine.with({ [WORDS[word].field]: (old) => (value === 1 ? old | mask : old & ~mask) });
  machine.launch("0F A2");
  const rules = machine.ring0.core.violations.map((v) => VMX_RULES[v.rule - 1].name);
  return { error: Number(machine.field("vmInstructionError")), rules };
}

describe.each(Object.entries(WORDS) as [ControlField, Word][])("bits of the %s controls:", (word, { msr, rule }) => {
  it.each(BITS)("bit %d as the capability MSR says", (bit) => {
    const capability = rdmsr(msr);
    const set = enter(word, bit, 1);
    if (isSet(capability >> 32n, bit)) expect(set.rules).not.toContain(rule);
    else {
      expect(set.rules).toEqual([rule]);
      expect(set.error).toBe(VM_INSTRUCTION_ERROR.ENTRY_INVALID_CONTROLS);
    }
    const cleared = enter(word, bit, 0);
    if (!isSet(capability, bit)) expect(cleared.rules).not.toContain(rule);
    else {
      expect(cleared.rules).toEqual([rule]);
      expect(cleared.error).toBe(VM_INSTRUCTION_ERROR.ENTRY_INVALID_CONTROLS);
    }
  });
});

describe("IA32_VMX_BASIC", () => {
  const basic = rdmsr(0x480);

  it("names a revision of 31 bits", () => {
    expect(basic & 0x8000_0000n).toBe(0n);
    expect(basic & 0x7fff_ffffn).not.toBe(0n);
  });

  it("has a region of at most 4096 bytes in write-back memory, anywhere", () => {
    const bytes = (basic >> 32n) & 0x1fffn;
    expect(bytes > 0n && bytes <= 4096n).toBe(true);
    expect([(basic >> 48n) & 1n, (basic >> 50n) & 0xfn]).toEqual([0n, 6n]);
  });

  it("tells of TRUE MSRs and information for INS and OUTS; reserved bits are 0", () => {
    expect([(basic >> 54n) & 1n, (basic >> 55n) & 1n]).toEqual([1n, 1n]);
    expect([(basic >> 31n) & 1n, (basic >> 45n) & 7n, basic >> 57n]).toEqual([0n, 0n, 0n]);
  });
});

/** SDM appendix "VMX-Fixed Bits in CR0", "VMX-Fixed Bits in CR4": a bit is fixed to 0, fixed to 1 or flexible; never 1 in FIXED0 and 0 in FIXED1 */
describe("fixed bits", () => {
  it("of CR0: PE, NE and PG are 1, the others of 32 bits are flexible", () => {
    expect([rdmsr(0x486), rdmsr(0x487)]).toEqual([0x8000_0021n, 0xffff_ffffn]);
  });

  it("of CR4: VMXE is 1, others may be 1 as CPUID says", () => {
    const [fixed0, fixed1] = [rdmsr(0x488), rdmsr(0x489)];
    expect(fixed0).toBe(0x2000n);
    expect(fixed0 & ~fixed1).toBe(0n);
    const m = new VmxRoot();
    for (let bit = 0; bit < 64; bit++) {
      m.ring0.set({ cr4: 0x2620n, rax: 0x2620n | (1n << BigInt(bit)) });
      // LA57 cannot be changed in IA-32e mode; with SMEP the next instruction is a page fault
      if (bit !== 12) expect([bit, m.code("0F 22 E0").vector === "#GP"]).toEqual([bit, !isSet(fixed1, bit)]);
    }
  });
});

describe("IA32_VMX_MISC", () => {
  const misc = rdmsr(0x485);

  it("IA-32e mode guest is stored where unrestricted guests are", () => {
    const unrestricted = isSet(rdmsr(0x48b) >> 32n, 7);
    if (unrestricted) expect(isSet(misc, 5)).toBe(true);
  });

  it("has at most 4 CR3 targets, as rule cr3TargetCountAtMost4 says", () => {
    expect((misc >> 16n) & 0x1ffn).toBe(4n);
  });

  it("reserved bits are 0", () => {
    expect(misc & ((0x1fn << 9n) | (1n << 31n))).toBe(0n);
  });
});

describe("capability MSRs", () => {
  it.each(Array.from({ length: 17 }, (_, n) => 0x480 + n))("%d cannot be written", (number) => {
    const m = new VmxRoot();
    m.ring0.set({ rcx: BigInt(number) });
    m.code(RDMSR);
    expect(m.told(m.code("0F 30"))).toBe("#GP(0)");
  });

  it("IA32_VMX_VMFUNC tells of EPTP switching just where VM functions are offered", () => {
    const offered = isSet(rdmsr(0x48b) >> 32n, 13);
    const m = new VmxRoot();
    m.ring0.set({ rcx: 0x491n });
    const { vector } = m.code(RDMSR);
    expect(vector === undefined && m.ring0.vcpu.get("rax") === 1n).toBe(offered);
  });

  it("IA32_VMX_EPT_VPID_CAP tells of EPT and VPID just where they are offered; its reserved bits are 0", () => {
    const may = rdmsr(0x48b) >> 32n;
    if (!isSet(may, 1) && !isSet(may, 5)) return;
    const cap = rdmsr(0x48c);
    // 4 levels; INVVPID
    expect([isSet(cap, 6), isSet(cap, 32)]).toEqual([isSet(may, 1), isSet(may, 5)]);
    const reserved = [
      1, 2, 3, 4, 5, 9, 10, 11, 12, 13, 15, 18, 19, 24, 27, 28, 29, 30, 31, 33, 34, 35, 36, 37, 38, 39, 44, 45, 46, 47, 54, 63,
    ];
    expect(reserved.filter((bit) => isSet(cap, bit))).toEqual([]);
  });
});
