/** Prints the table of model-specific registers for the core. */
import { MSRS } from "../msrs.ts";
import { layout, STATE } from "../state.ts";
import { BANNER } from "./state.ts";
import { lines } from "./tables.ts";

/** checks by number, for assembly/semantics/msr.ts */
const CHECKS = { RESERVED: 0, CANONICAL: 1, TYPES: 2, READ_ONLY: 3, OWN: 4 } as const;

const CHECK_NAMES = { canonical: "CANONICAL", types: "TYPES", readOnly: "READ_ONLY", own: "OWN" } as const;

export function printMsrs(): string {
  const places = new Map(layout(STATE).fields.map((f) => [f.name, f]));
  const words = MSRS.flatMap(({ number, name, field, index, check }) => {
    const placed = places.get(field);
    if (placed === undefined) throw new Error(`msrs.ts: ${name} names the field ${field}, which the vCPU state does not have`);
    const reserved = typeof check === "bigint" ? check : 0n;
    const kind = typeof check === "bigint" ? CHECKS.RESERVED : CHECKS[CHECK_NAMES[check]];
    return [
      number >>> 0,
      (placed.offset + index * placed.size) | (kind << 16),
      Number(reserved & 0xffff_ffffn),
      Number((reserved >> 32n) & 0xffff_ffffn),
    ];
  });
  const constants = MSRS.map((m) => `export const ${m.name}: u32 = 0x${(m.number >>> 0).toString(16)};`);
  const checks = Object.entries(CHECKS).map(([name, value]) => `export const MSR_${name}: u32 = ${value};`);
  return [
    BANNER,
    ...constants,
    ...checks,
    `export const MSR_COUNT: u32 = ${MSRS.length};`,
    "/** 16 bytes: number; offset in the state, check << 16; reserved bits */",
    `export const MSRS: usize = memory.data<u32>([\n${lines(words)}\n]);\n`,
  ].join("\n");
}
