/** All fields of the current VMCS as text, in the order of src/spec/vmcs.ts, and the names of the controls that are set. */
import { VMCS_FIELDS } from "../../spec/vmcs.ts";
import { type ControlField, VMX_CONTROLS } from "../../spec/vmx-controls.ts";
import { CONTROL_WORDS } from "./capability.ts";
import type { Intrinsics } from "./intrinsics.ts";

const WORD_OF = new Map(Object.entries(CONTROL_WORDS).map(([word, { field }]) => [field, word as ControlField]));
const NAME_WIDTH = 44;

export function dumpVmcs(cpu: Intrinsics): string[] {
  return VMCS_FIELDS.flatMap(({ name, encoding }) => {
    const value = cpu.vmread(encoding);
    if (value === undefined) return [];
    const word = WORD_OF.get(name);
    const set = word === undefined ? "" : `  ${controlNames(word, value).join(" ")}`;
    return [`${name.padEnd(NAME_WIDTH)} 0x${value.toString(16)}${set}`.trimEnd()];
  });
}

function controlNames(word: ControlField, value: bigint): string[] {
  const isSet = (bit: number) => ((value >> BigInt(bit)) & 1n) !== 0n;
  return VMX_CONTROLS.filter((c) => c.field === word && c.name !== "" && isSet(c.bit)).map((c) => c.name);
}
