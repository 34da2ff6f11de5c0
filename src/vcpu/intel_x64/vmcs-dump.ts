/** All fields of a VMCS as text, in the order of src/spec/vmcs.ts, and the names of the controls that are set. */
import { VMCS_FIELDS, type VmcsField } from "../../spec/vmcs.ts";
import { type ControlField, VMX_CONTROLS } from "../../spec/vmx-controls.ts";
import { CONTROL_WORDS } from "./capability.ts";
import type { Intrinsics } from "./intrinsics.ts";

const WORD_OF = new Map(Object.entries(CONTROL_WORDS).map(([word, { field }]) => [field, word as ControlField]));
const NAME_WIDTH = 44;

/** Of the current VMCS. */
export function dumpVmcs(cpu: Intrinsics): string[] {
  return vmcsLines(({ encoding }) => cpu.vmread(encoding));
}

/** `read` gives undefined for fields that there are not. */
export function vmcsLines(read: (field: VmcsField) => bigint | undefined): string[] {
  return VMCS_FIELDS.flatMap((field) => {
    const value = read(field);
    if (value === undefined) return [];
    const word = WORD_OF.get(field.name);
    const set = word === undefined ? "" : `  ${controlNames(word, value).join(" ")}`;
    return [`${field.name.padEnd(NAME_WIDTH)} 0x${value.toString(16)}${set}`.trimEnd()];
  });
}

/** Names of the controls that a word sets. */
export function controlNames(word: ControlField, value: bigint): string[] {
  const isSet = (bit: number) => ((value >> BigInt(bit)) & 1n) !== 0n;
  return VMX_CONTROLS.filter((c) => c.field === word && c.name !== "" && isSet(c.bit)).map((c) => c.name);
}

/** Which word of controls a field of the VMCS is, if it is one. */
export function controlWordOf(field: string): ControlField | undefined {
  return WORD_OF.get(field);
}
