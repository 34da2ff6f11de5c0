/**
 * The VMM's checks of a VMCS before it is entered. Each rule is looked at with the rows of test/core/vmx-rules.spec.ts, right before VMLAUNCH:
 * the checks say what the CPU says afterwards. Random VMCSs compare the two once more, which share nothing but the rules' names.
 */
import { describe, expect, it } from "vitest";
import type { Memory } from "../../src/bus/device.ts";
import { fieldOffset } from "../../src/spec/print/vmx.ts";
import { VMCS_FIELDS } from "../../src/spec/vmcs.ts";
import { VMX_RULES, type VmxRule } from "../../src/spec/vmx-rules.ts";
import { CHECKS, CheckFailed, Checks } from "../../src/vcpu/intel_x64/checks.ts";
import { CoreIntrinsics } from "../../src/vcpu/intel_x64/core-intrinsics.ts";
import { LogicError } from "../../src/vmm/errors.ts";
import { GUEST_ROWS, MSR_ROWS } from "../core/vmx/guest-rule-rows.ts";
import { CONTROL_ROWS, HOST_ROWS } from "../core/vmx/rule-rows.ts";
import { MockIntrinsics, MockMemory } from "../lib/mock-intrinsics.ts";
import { Random } from "../lib/random.ts";
import { VmxMachine } from "../lib/vmx.ts";
import { change, fieldsOf, missingControls } from "../lib/vmx-changes.ts";

const VMLAUNCH = "0F 01 C2";
const CPUID = "0F A2";
const SEGMENTS = ["Es", "Cs", "Ss", "Ds", "Fs", "Gs"];

/** Makes the checks before VMLAUNCH. */
class CheckedMachine extends VmxMachine {
  checked: readonly CheckFailed[] = [];
  readonly checks = new Checks(new CoreIntrinsics(this.ring0.core, this.ring0.vcpu), this.#memory());

  override run(hex: string): ReturnType<VmxMachine["run"]> {
    if (hex === VMLAUNCH) this.checked = this.checks.violations();
    return super.run(hex);
  }

  /** Rules and fields that the CPU has found at fault. */
  get found(): readonly string[] {
    return this.ring0.core.violations.map(({ rule, offset }) => `${VMX_RULES[rule - 1].name} ${NAMES.get(offset)}`);
  }

  #memory(): Pick<Memory, "view"> {
    const { core } = this.ring0;
    return { view: (gpa, length) => (gpa + length <= core.ramBytes ? core.ram.subarray(gpa, gpa + length) : undefined) };
  }
}

const NAMES = new Map(VMCS_FIELDS.map(({ name }) => [fieldOffset(name), name]));
const textOf = (failed: readonly CheckFailed[]) => failed.map(({ rule, field }) => `${rule.name} ${field}`);

interface Row {
  readonly rule: VmxRule;
  readonly bad: string;
  readonly good: string;
}

/** A line of the tables: rule, base, what violates it, what does not; {segments} stand for SEG. */
function rowsOf(line: string): readonly Row[] {
  const braces = /\s*\{([^}]*)\}/.exec(line);
  const plain = braces === null ? line : line.replace(braces[0], "");
  return (braces === null ? [""] : braces[1].split(" ")).map((segment) => {
    const [name, base, bad, good] = plain
      .replaceAll("SEG", segment)
      .trim()
      .split(/\s{2,}/);
    return {
      rule: VMX_RULES.find((rule) => rule.name === name) as VmxRule,
      bad: `${base} ${bad}`,
      good: good === "-" ? base : `${base} ${good}`,
    };
  });
}

const rows = `${CONTROL_ROWS}${HOST_ROWS}${GUEST_ROWS}${MSR_ROWS}`
  .split("\n")
  .filter((line) => line.trim() !== "")
  .flatMap(rowsOf);

/** families of the statements, by rules */
const FAMILIES: readonly (readonly [string, (rule: VmxRule) => boolean])[] = [
  ["CHK-C execution controls", ({ section }) => section === "VM-Execution Control Fields"],
  ["CHK-X exit controls", ({ section }) => section === "VM-Exit Control Fields"],
  [
    "CHK-N entry controls, and the MSRs that an entry loads",
    ({ section, group }) => section === "VM-Entry Control Fields" || group === "msr",
  ],
  ["CHK-H host state", ({ group }) => group === "host"],
  ["CHK-G guest registers", ({ section }) => section.startsWith("Checks on Guest Control Registers")],
  ["CHK-S guest segments", ({ section }) => section === "Checks on Guest Segment Registers"],
  ["CHK-D descriptor tables, RIP and RFLAGS", ({ section }) => /Descriptor-Table|RIP, RFLAGS/.test(section) && !section.includes("Host")],
  [
    "CHK-A activity, interruptibility, pending debug exceptions",
    ({ section, field }) => section === "Checks on Guest Non-Register State" && field !== "vmcsLinkPointer",
  ],
  ["CHK-L the link pointer", ({ field }) => field === "vmcsLinkPointer"],
  ["CHK-P PDPTEs", ({ section }) => section.startsWith("Checks on Guest Page-Directory-Pointer-Table")],
];

/** Which registers are written, and with which values, only WRMSR knows; the checks do not write. */
const isAboutWriting = ({ rule, bad }: Row) => rule.name === "entryMsrWritable" && /=(480|c0000082) /.test(bad);

describe.each(FAMILIES)("%s:", (_family, isOfFamily) => {
  const own = rows.filter(({ rule }) => isOfFamily(rule));

  it("every rule has a check", () => {
    expect(own.length).toBeGreaterThan(0);
    const without = VMX_RULES.filter(
      (rule) => isOfFamily(rule) && (CHECKS[rule.name] === undefined || !own.some((row) => row.rule === rule)),
    );
    expect(without.map((rule) => rule.name)).toEqual([]);
  });

  for (const row of own.filter((r) => missingControls(r.bad).length === 0 && !isAboutWriting(r)))
    it(`${row.rule.name} is found to be violated by ${row.bad}`, () => {
      const machine = change(new CheckedMachine(), row.bad) as CheckedMachine;
      machine.launch(CPUID);
      expect(textOf(machine.checked)).toEqual(machine.found);
      expect(textOf(machine.checked).length).toBe(1);
      expect(machine.checked[0].rule).toBe(row.rule);
    });

  for (const words of new Set(own.map((r) => r.good)))
    if (missingControls(words).length === 0)
      it(`nothing is found with ${words}`, () => {
        const machine = change(new CheckedMachine(), words) as CheckedMachine;
        machine.launch(CPUID);
        expect([textOf(machine.checked), machine.found]).toEqual([[], []]);
      });
});

describe("the checks", () => {
  it("are those of the rules, and no others", () => {
    expect(Object.keys(CHECKS).sort()).toEqual(VMX_RULES.map(({ name }) => name).sort());
  });

  it("agree with the CPU on random VMCSs", { timeout: 120_000 }, () => {
    const random = new Random(0x6d31);
    const fields = VMCS_FIELDS.filter(
      ({ type, needs, name }) =>
        type !== "information" && needs === undefined && !/msr\w+Count|LoadCount|StoreCount|MsrLoad|MsrStore|linkPointer/i.test(name),
    );
    const word = () => (BigInt(random.bits() >>> 0) << 32n) | BigInt(random.bits() >>> 0);
    const bit = () => 1n << BigInt(random.below(64));
    const interesting = (old: bigint) => random.pick([old ^ bit(), 0n, bit(), old | 0x1_0000n, old ^ 3n, word()]);
    let refused = 0;
    for (let n = 0; n < 1500; n++) {
      const machine = new CheckedMachine();
      const changed: Record<string, (old: bigint) => bigint> = {};
      for (let k = random.between(1, 3); k > 0; k--) changed[random.pick(fields).name] = interesting;
      machine.with(changed);
      machine.launch(CPUID);
      const { found } = machine;
      expect(textOf(machine.checked).sort(), `case ${n}: ${Object.keys(changed).join(" ")}`).toEqual([...found].sort());
      if (found.length > 0) refused++;
    }
    expect(refused).toBeGreaterThan(300);
  });

  it("CHK-C CHK-H CHK-G: all() is controls, then host, then guest; the first failure is thrown, a LogicError that says everything", () => {
    const cpu = new MockIntrinsics();
    const checks = new Checks(cpu, new MockMemory());
    const thrown = () => {
      try {
        checks.all();
      } catch (error) {
        return error;
      }
      return undefined;
    };
    // an empty VMCS breaks rules of every group
    expect((thrown() as CheckFailed).rule.group).toBe("controls");
    expect(() => checks.hostState()).toThrow(
      /^host: hostCr0FixedBits: hostCr0 = 0x0, but: bits are as IA32_VMX_CR0_FIXED0 .* \(SDM "Checks on Host/,
    );
    expect(() => checks.guestState()).toThrow(LogicError);
    for (const [word, msr] of [
      ["pinBasedVmExecutionControls", 0x48d],
      ["primaryProcessorBasedVmExecutionControls", 0x48e],
      ["vmExitControls", 0x48f],
      ["vmEntryControls", 0x490],
    ] as const)
      cpu.setField(word, (cpu.msrs.get(msr) as bigint) & 0xffff_ffffn);
    expect(() => checks.controls()).not.toThrow();
    expect((thrown() as CheckFailed).rule.group).toBe("host");
    expect(thrown()).toBeInstanceOf(CheckFailed);
  });

  it("CHK-N an injected event of type 7 needs the monitor trap flag; a length of 0 needs IA32_VMX_MISC bit 30", () => {
    const names = (cpu: MockIntrinsics) => new Checks(cpu, new MockMemory()).violations(["controls"]).map(({ rule }) => rule.name);
    const cpu = new MockIntrinsics().setField("vmEntryInterruptionInformation", 0x8000_0700n);
    expect(names(cpu)).not.toContain("injectionTypeNotReserved");
    cpu.msrs.set(0x48e, (cpu.msrs.get(0x48e) as bigint) & ~(1n << 59n));
    expect(names(cpu)).toContain("injectionTypeNotReserved");
    const soft = new MockIntrinsics().setField("vmEntryInterruptionInformation", 0x8000_0403n);
    expect(names(soft)).not.toContain("injectionLengthAtMost15");
    soft.msrs.set(0x485, 0x1e5n);
    expect(names(soft)).toContain("injectionLengthAtMost15");
  });

  it("CHK-S the field at fault is named, also where the rule is about several segments", () => {
    for (const segment of SEGMENTS) {
      const machine = new CheckedMachine().with({ [`guest${segment}AccessRights`]: (old: bigint) => old | 0x2_0000n }) as CheckedMachine;
      machine.launch(CPUID);
      expect(textOf(machine.checked)).toEqual([`guestRightsReservedBitsClear guest${segment}AccessRights`]);
    }
    expect(fieldsOf("pin=1")).toEqual(["pinBasedVmExecutionControls"]);
  });
});
