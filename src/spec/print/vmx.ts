/** Prints the VMX tables for the core: where each field of a VMCS stands, controls, capabilities, exit reasons, rules. */
import { EXIT_CAUSES, EXIT_REASON, VM_INSTRUCTION_ERROR } from "../exits.ts";
import { VMCS_FIELDS, type VmcsType, type VmcsWidth } from "../vmcs.ts";
import { capability, VMX_CONTROLS } from "../vmx-controls.ts";
import { VMX_RULES } from "../vmx-rules.ts";
import { BANNER } from "./state.ts";
import { lines } from "./tables.ts";

/** A VMCS region begins with revision, abort indicator and launch state; the fields follow, 8 bytes each. */
const FIRST_FIELD = 64;
const WIDTH_BYTES: Readonly<Record<VmcsWidth, number>> = { 16: 2, 32: 4, 64: 8, natural: 8 };
const TYPES: readonly VmcsType[] = ["control", "information", "guest", "host"];
const INDEXES = 32;

/** guestCr0 → GUEST_CR0 */
export const constantName = (name: string): string => name.replace(/(?<=[a-z0-9])([A-Z])/g, "_$1").toUpperCase();

/** bytes from the start of a region to a field */
export const fieldOffset = (name: string): number => {
  const index = VMCS_FIELDS.findIndex((f) => f.name === name);
  if (index < 0) throw new Error(`vmx-rules.ts or a handler names the VMCS field ${name}, which there is not`);
  return FIRST_FIELD + 8 * index;
};

export function printVmx(): string {
  const fields = VMCS_FIELDS.map((f) => `export const ${constantName(f.name)}: u32 = ${fieldOffset(f.name)};`);
  const table = new Array<number>(4 * 4 * INDEXES).fill(0);
  const offered = new Set(VMX_CONTROLS.filter((c) => c.setting !== "never").map((c) => c.name));
  let highest = 0;
  for (const f of VMCS_FIELDS) {
    if (f.needs !== undefined && !offered.has(f.needs)) continue;
    const index = (f.encoding >> 1) & 0x1ff;
    highest = Math.max(highest, index);
    if (index >= INDEXES) throw new Error(`vmcs.ts: ${f.name} has index ${index}, ${INDEXES - 1} at most`);
    const cell = (((f.encoding >> 13) & 3) * 4 + ((f.encoding >> 10) & 3)) * INDEXES + index;
    if (table[cell] !== 0) throw new Error(`vmcs.ts: ${f.name} has the encoding of another field`);
    table[cell] = fieldOffset(f.name) | (Math.log2(WIDTH_BYTES[f.width]) << 12) | (TYPES.indexOf(f.type) << 14);
  }
  const named = VMX_CONTROLS.filter((c) => c.name !== "");
  const controls = named.map((c) => `export const ${c.field.toUpperCase()}_${constantName(c.name)}: u32 = 1 << ${c.bit};`);
  const capabilities = (["pin", "primary", "secondary", "exit", "entry"] as const).flatMap((field) =>
    [true, false].map((plain) => {
      const value = capability(field, plain);
      return `export const ${plain ? "" : "TRUE_"}${field.toUpperCase()}_CONTROLS: u64 = 0x${value.toString(16)};`;
    }),
  );
  const group = (prefix: string, values: Readonly<Record<string, number>>) =>
    Object.entries(values).map(([name, value]) => `export const ${prefix}_${name}: u32 = ${value};`);
  return [
    BANNER,
    "// offsets in a VMCS region",
    ...fields,
    "/** by width << 7 | type << 5 | index: offset, log2 of the bytes << 12, type << 14; 0 where there is no field */",
    `export const VMCS_TABLE: usize = memory.data<u16>([\n${lines(table)}\n]);`,
    "/** IA32_VMX_VMCS_ENUM: the highest index of a field that there is, from bit 1 on */",
    `export const VMCS_ENUM: u64 = ${highest << 1};`,
    "// controls",
    ...controls,
    "// capability MSRs: bits 31-0 must be 1, bits 63-32 may be",
    ...capabilities,
    ...group("EXIT_REASON", EXIT_REASON),
    ...group("VM_ERROR", VM_INSTRUCTION_ERROR),
    "// causes of exits: immediates of intercept records",
    ...EXIT_CAUSES.map((cause, i) => `export const CAUSE_${cause.replaceAll("-", "_").toUpperCase()}: u32 = ${i + 1};`),
    "// rules of VM entry, src/spec/vmx-rules.ts",
    ...VMX_RULES.map((r) => `export const RULE_${constantName(r.name)}: u32 = ${r.id} | (${fieldOffset(r.field)} << 16);`),
    "",
  ].join("\n");
}
