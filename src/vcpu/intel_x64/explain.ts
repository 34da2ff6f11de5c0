/**
 * Why the last VM entry failed: every rule that its VMCS violates, with the field, its value and what is expected, or what else was wrong.
 * The core has noted the rules' numbers (assembly/vmx/check.ts); here they become sentences. SDM Vol. 3 chapter "VM Entries".
 */
import type { Core, Vcpu } from "../../core/core.ts";
import { VMX_FAILURE } from "../../spec/events.ts";
import { EXIT_REASON, VM_INSTRUCTION_ERROR } from "../../spec/exits.ts";
import { fieldOffset } from "../../spec/print/vmx.ts";
import { VMCS_FIELDS } from "../../spec/vmcs.ts";
import { capability, VMX_CONTROLS } from "../../spec/vmx-controls.ts";
import { VMX_RULES } from "../../spec/vmx-rules.ts";
import { controlWordOf } from "./vmcs-dump.ts";

/** One violated rule. */
export interface Violation {
  /** name in src/spec/vmx-rules.ts */
  readonly rule: string;
  readonly field: string;
  readonly encoding: number;
  readonly value: bigint;
  /** what the rule says of the field */
  readonly expected: string;
  /** title of the SDM section */
  readonly section: string;
  /** of control words: the bits that are wrong, by name */
  readonly detail?: string;
}

export interface EntryExplanation {
  /** `none`: the last VM entry succeeded, or there was none; `invalid`: VMfailInvalid; `error`: VMfailValid; `exit`: a VM exit with bit 31 of its reason */
  readonly outcome: "none" | "invalid" | "error" | "exit";
  /** the VM-instruction error or the basic exit reason */
  readonly number?: number;
  readonly summary: string;
  /** in the order in which a CPU checks; the first has decided how the entry failed */
  readonly violations: readonly Violation[];
}

const FAILED_ENTRY = 0x8000_0000;

/** SDM Vol. 3 "VM Instruction Error Numbers": those of VM entries, and what to do about them. */
const ERRORS: Readonly<Record<number, string>> = {
  [VM_INSTRUCTION_ERROR.VMLAUNCH_NOT_CLEAR]:
    "VMLAUNCH of a VMCS that has been launched: VMRESUME goes on with it, VMCLEAR makes its launch state clear",
  [VM_INSTRUCTION_ERROR.VMRESUME_NOT_LAUNCHED]: "VMRESUME of a VMCS that has not been launched since it was cleared: VMLAUNCH comes first",
  [VM_INSTRUCTION_ERROR.ENTRY_INVALID_CONTROLS]: "VM entry with an invalid control field",
  [VM_INSTRUCTION_ERROR.ENTRY_INVALID_HOST_STATE]: "VM entry with an invalid host-state field",
  [VM_INSTRUCTION_ERROR.ENTRY_EVENTS_BLOCKED_BY_MOV_SS]: "VM entry right behind MOV SS or POP SS, which block events for one instruction",
};
const FAILURES: Readonly<Record<number, string>> = {
  [VMX_FAILURE.NO_VMCS]: "there is no current VMCS: VMPTRLD makes one current, VMCLEAR and VMXON leave none",
  [VMX_FAILURE.SHADOW_VMCS]: "the current VMCS is a shadow VMCS (bit 31 of its revision identifier), which cannot be entered",
};
const EXITS: Readonly<Record<number, string>> = {
  [EXIT_REASON.INVALID_GUEST_STATE]: "invalid guest state",
  [EXIT_REASON.MSR_LOADING]: "an MSR of the VM-entry MSR-load area cannot be loaded",
};

const FIELD_AT = new Map(VMCS_FIELDS.map((field) => [fieldOffset(field.name), field]));

export function explainEntry(core: Core, vcpu: Vcpu): EntryExplanation {
  const failure = vcpu.getNumber("vmxFailure");
  const violations = core.violations.map(violationOf);
  if (failure === 0) return { outcome: "none", summary: "no VM entry has failed, or the last one did not", violations: [] };
  if (failure in FAILURES) return { outcome: "invalid", summary: `VM entry: VMfailInvalid, ${FAILURES[failure]}`, violations };
  if (failure < FAILED_ENTRY)
    return { outcome: "error", number: failure, summary: `VM-instruction error ${failure}: ${ERRORS[failure]}`, violations };
  const reason = failure - FAILED_ENTRY;
  return { outcome: "exit", number: reason, summary: `VM entry failed with exit reason ${reason}: ${EXITS[reason]}`, violations };
}

function violationOf({ rule: id, offset, value }: Core["violations"][number]): Violation {
  const { name, rule: expected, section } = VMX_RULES[id - 1];
  const field = FIELD_AT.get(offset);
  if (field === undefined) throw new Error(`rule ${name} names no field of a VMCS`);
  const detail = wrongControls(name, field.name, value);
  const known = { rule: name, field: field.name, encoding: field.encoding, value, expected, section };
  return detail === undefined ? known : { ...known, detail };
}

/** Which bits of a word of controls are not as the capability MSR allows. */
function wrongControls(rule: string, field: string, value: bigint): string | undefined {
  const word = controlWordOf(field);
  if (word === undefined || !rule.endsWith("ControlsAllowed")) return undefined;
  const allowed = capability(word, false);
  const bits = Array.from({ length: 32 }, (_, bit) => BigInt(bit));
  const isSet = (v: bigint, bit: bigint) => ((v >> bit) & 1n) !== 0n;
  const text = (bit: bigint) => {
    const name = VMX_CONTROLS.find((c) => c.field === word && c.bit === Number(bit))?.name ?? "";
    return name === "" ? `${bit}` : `${bit} ${name}`;
  };
  const low = bits.filter((bit) => isSet(allowed, bit) && !isSet(value, bit)).map((bit) => `bit ${text(bit)} must be 1`);
  const high = bits.filter((bit) => !isSet(allowed >> 32n, bit) && isSet(value, bit)).map((bit) => `bit ${text(bit)} must be 0`);
  return [...low, ...high].join(", ");
}

/** As a monitor shows it. */
export function explanationText(explanation: EntryExplanation): string {
  const lines = explanation.violations.flatMap(({ rule, field, encoding, value, expected, section, detail }) => [
    `${field} (${encoding.toString(16).toUpperCase().padStart(4, "0")}H) = 0x${value.toString(16)}: ${expected}`,
    ...(detail === undefined ? [] : [`  ${detail}`]),
    `  rule ${rule}, SDM Vol. 3 "${section}"`,
  ]);
  return [explanation.summary, ...lines].join("\n");
}
