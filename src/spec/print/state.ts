/** Prints the vCPU state's layout and the architectural constants for the core. */
import { ACCESS_FLAGS } from "../access.ts";

import { COUNTERS } from "../counters.ts";
import { ADDRESS_BITS, CRYSTAL_HZ, TSC_HZ, XSAVE_AREA, XSTATE } from "../cpuid.ts";
import { DELIVERING, EVENT, HALTED, OPTION, PENDING, PF, STOP, UNIMPLEMENTED, VECTOR, VMX, VMX_FAILURE, VMX_TRAP } from "../events.ts";
import { FEATURES } from "../features.ts";

import { CR0, CR4, DR6, DR7, EFER, PTE, RFLAGS } from "../registers.ts";
import { layout, STATE } from "../state.ts";
import { OPERAND_CODES, ROW_ATTRIBUTES } from "./tables.ts";

export const BANNER = "// Generated from src/spec by `npm run build`; do not edit.\n";

export function printState(): string {
  const { fields, size } = layout(STATE);
  const lines = fields.flatMap((f) =>
    f.count === undefined
      ? [`  /** ${f.doc} */\n  ${f.name}: ${f.type};`]
      : Array.from({ length: f.count }, (_, i) => `  ${f.name}${i}: ${f.type};`),
  );
  return `${BANNER}\nexport const STATE_SIZE: usize = ${size};\n\n@unmanaged\nexport class State {\n${lines.join("\n")}\n}\n`;
}

export function printConstants(): string {
  const groups: Readonly<Record<string, Readonly<Record<string, number>>>> = {
    STOP,
    OPTION,
    PENDING,
    HALTED,
    TIME: { CRYSTAL_CYCLES: TSC_HZ / CRYSTAL_HZ },
    VECTOR,
    UNIMPLEMENTED,
    VMX,
    VMX_FAILURE,
    VMX_TRAP,
    FEATURE: { VMX: FEATURES.indexOf("vmx") },
    EVENT,
    DELIVERING,
    PF,
    DR6,
    DR7,
    RFLAGS,
    CR0,
    CR4,
    EFER,
    PTE,
    ADDRESS_BITS,
    XSTATE,
    XSAVE_AREA,
    COUNTER: COUNTERS,
    OPERAND: OPERAND_CODES,
    ATTR: ROW_ATTRIBUTES,
    ACCESS: ACCESS_FLAGS,
  };
  const lines = Object.entries(groups).flatMap(([prefix, group]) =>
    Object.entries(group).map(([name, value]) => `export const ${prefix}_${name}: u32 = ${value};`),
  );
  return `${BANNER}\n${lines.join("\n")}\n`;
}
