/**
 * The rules of VM entry one by one: a VMCS that violates only one fails in its way and is explained by exactly that rule, and the nearest one
 * that does not violate it enters. SDM Vol. 3 chapter "VM Entries"; rows: vmx/rule-rows.ts, vmx/guest-rule-rows.ts.
 */
import { describe, expect, it } from "vitest";
import { STOP, VMX } from "../../src/spec/events.ts";
import { EXIT_REASON, VM_INSTRUCTION_ERROR } from "../../src/spec/exits.ts";
import { fieldOffset } from "../../src/spec/print/vmx.ts";
import { type RuleGroup, VMX_RULES, type VmxRule } from "../../src/spec/vmx-rules.ts";
import { VmxMachine } from "../lib/vmx.ts";
import { change, fieldsOf, missingControls, qualificationOf } from "../lib/vmx-changes.ts";
import { GUEST_ROWS, MSR_ROWS } from "./vmx/guest-rule-rows.ts";
import { CONTROL_ROWS, HOST_ROWS } from "./vmx/rule-rows.ts";

interface Row {
  readonly rule: VmxRule;
  /** field that the explanation names */
  readonly field: string;
  readonly base: string;
  readonly bad: string;
  readonly good: string;
}

/** macro @msrs in test/lib/vmx-changes.ts */
const MSR_AREA = 0x6_7000;
const CPUID = "0F A2";
const RFLAGS_FAILURE = 0x41;
const ZF = 0x40;
const FAILED_ENTRY = 0x8000_0000n;

const rows = `${CONTROL_ROWS}${HOST_ROWS}${GUEST_ROWS}${MSR_ROWS}`
  .split("\n")
  .filter((line) => line.trim() !== "")
  .flatMap(rowsOf);

function rowsOf(line: string): readonly Row[] {
  const braces = /\s*\{([^}]*)\}/.exec(line);
  const plain = braces === null ? line : line.replace(braces[0], "");
  const segments = braces === null ? [""] : braces[1].split(" ");
  return segments.map((segment) => {
    const cells = plain
      .replaceAll("SEG", segment)
      .trim()
      .split(/\s{2,}/);
    const [name, base, bad, good] = cells;
    const rule = VMX_RULES.find((r) => r.name === name);
    if (rule === undefined || cells.length !== 4) throw new Error(`a row is wrong: ${line}`);
    const pdpte = fieldsOf(`${base} ${bad}`).find((f) => f.startsWith("guestPdpte"));
    const field =
      segment !== "" ? rule.field.replace(/^guest../, `guest${segment}`) : rule.field === "guestPdpte0" ? (pdpte ?? "") : rule.field;
    return { rule, field, base, bad, good };
  });
}

function launched(words: string): { readonly machine: VmxMachine; readonly stop: number } {
  const machine = change(new VmxMachine(), words);
  return { machine, stop: machine.launch(CPUID) };
}

/** Names of the rules that the entry violated, with the fields at fault. */
function violationsOf(machine: VmxMachine): readonly string[] {
  return machine.ring0.core.violations.map((v) => {
    const rule = VMX_RULES[v.rule - 1];
    const known = [rule.field, ...fieldNames].find((name) => fieldOffset(name) === v.offset);
    return `${rule.name}: ${known}`;
  });
}

const fieldNames = [...new Set(rows.map((r) => r.field))];

/** How an entry that violates a rule of the group fails. */
const FAILS: Readonly<Record<RuleGroup, (machine: VmxMachine, row: Row) => void>> = {
  controls: (machine) => expectError(machine, VM_INSTRUCTION_ERROR.ENTRY_INVALID_CONTROLS),
  host: (machine) => expectError(machine, VM_INSTRUCTION_ERROR.ENTRY_INVALID_HOST_STATE),
  guest: (machine, row) => expectExit(machine, EXIT_REASON.INVALID_GUEST_STATE, qualificationBy(row.rule)),
  msr: (machine, row) => expectExit(machine, EXIT_REASON.MSR_LOADING, qualificationOf(row.bad) ?? 0n),
};

/** The MSR that the entry at fault names. */
function msrOf(machine: VmxMachine, row: Row): bigint {
  const entry = Number(qualificationOf(row.bad) ?? 0n);
  return machine.ring0.read(MSR_AREA + 16 * (entry - 1)) & 0xffff_ffffn;
}

/** SDM Vol. 3 "VM-Entry Failures During or After Loading Guest State" */
function qualificationBy(rule: VmxRule): bigint {
  if (rule.section === "Checks on Guest Page-Directory-Pointer-Table Entries") return 2n;
  return rule.field === "vmcsLinkPointer" ? 4n : 0n;
}

function expectError(machine: VmxMachine, error: number): void {
  expect(machine.ring0.vcpu.rflags & RFLAGS_FAILURE).toBe(ZF);
  expect(machine.field("vmInstructionError")).toBe(BigInt(error));
  expect(machine.ring0.vcpu.getNumber("vmx")).toBe(VMX.ROOT);
}

function expectExit(machine: VmxMachine, reason: number, qualification: bigint): void {
  expect(machine.field("exitReason")).toBe(FAILED_ENTRY | BigInt(reason));
  expect(machine.field("exitQualification")).toBe(qualification);
}

describe.each(["controls", "host", "guest", "msr"] as const)("rules of group %s:", (group) => {
  for (const row of rows.filter((r) => r.rule.group === group)) {
    const { rule, field, base, bad, good } = row;
    const title = `${rule.name} ${field === rule.field ? "" : `(${field}) `}`;
    const missing = missingControls(`${base} ${bad}`);
    // a control that is not offered cannot be set: the row says so in its title instead of vanishing
    if (missing.length > 0) it.skip(`${title}cannot be violated: ${missing} is not offered`, () => {});
    else
      it(`${title}is violated by ${bad === "-" ? base : bad}`, () => {
        const { machine } = launched(`${base} ${bad}`);
        expect(violationsOf(machine)).toEqual([`${rule.name}: ${field}`]);
        expect(machine.ring0.core.violations[0].value).toBe(
          field === "vmEntryMsrLoadAddress" && group === "msr" ? msrOf(machine, row) : machine.field(field),
        );
        FAILS[group](machine, row);
      });
    const right = good === "-" ? base : `${base} ${good}`;
    const lacking = missingControls(right);
    // likewise
    if (lacking.length > 0) it.skip(`${title}cannot be kept: ${lacking} is not offered`, () => {});
    else
      it(`${title}is kept by ${right}`, () => {
        const { machine, stop } = launched(right);
        expect(violationsOf(machine)).toEqual([]);
        expect(stop).not.toBe(STOP.EXCEPTION);
        expect(machine.field("vmInstructionError")).toBe(0n);
        expect(machine.field("exitReason") & FAILED_ENTRY).toBe(0n);
      });
  }
});

describe("the rules", () => {
  it("have a row each", () => {
    const tested = new Set(rows.map((r) => r.rule.name));
    expect(VMX_RULES.filter((r) => !tested.has(r.name)).map((r) => r.name)).toEqual([]);
  });
});

describe("behind an entry that succeeded", () => {
  it.each([
    ["virtualProcessorIdentifier", 0n, "vpidNotZero"],
    ["cr3TargetCount", 5n, "cr3TargetCountAtMost4"],
    ["vmExitMsrLoadCount", 0xffff_ffffn, "exitMsrLoadAreaValid"],
    ["hostGsSelector", 1n, "hostGsSelectorPlain"],
    ["hostIa32Efer", 0xd03n, "hostEferReservedBitsClear"],
    ["hostRip", 1n << 60n, "hostRipCanonical"],
    ["guestTrSelector", 0x44n, "guestTrSelectorGlobal"],
    ["guestTrLimit", 0x10_0fffn, "guestTrBigLimitHasPages"],
    ["guestTrAccessRights", 0x9bn, "guestTrIsSystem"],
    ["guestTrBase", 1n << 60n, "guestTrBaseCanonical"],
    ["guestRflags", 0n, "guestRflagsReservedBits"],
  ])("%s that becomes wrong is found by VMRESUME", (field, value, rule) => {
    const words = "+enableVpid virtualProcessorIdentifier=1 vmExitMsrLoadAddress=fffffff000";
    const { machine } = launched(words);
    machine.setField(field, value);
    machine.resume();
    expect(violationsOf(machine).map((v) => v.split(":")[0])).toEqual([rule]);
  });
});
