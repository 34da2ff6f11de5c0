/** Prints the table of model-specific registers for the core. */
import { MSRS } from "../msrs.ts";
import { layout, STATE } from "../state.ts";
import { BANNER } from "./state.ts";
import { lines } from "./tables.ts";

/** checks by number, for assembly/semantics/msr.ts */
const CHECKS = { RESERVED: 0, CANONICAL: 1, OWN: 2 } as const;

export function printMsrs(): string {
  const places = new Map(layout(STATE).fields.map((f) => [f.name, f.offset]));
  const words = MSRS.flatMap(({ number, name, field, check }) => {
    const place = places.get(field);
    if (place === undefined) throw new Error(`msrs.ts: ${name} names the field ${field}, which the vCPU state does not have`);
    const reserved = typeof check === "bigint" ? check : 0n;
    const kind = check === "canonical" ? CHECKS.CANONICAL : check === "own" ? CHECKS.OWN : CHECKS.RESERVED;
    return [number >>> 0, place | (kind << 16), Number(reserved & 0xffff_ffffn), Number(reserved >> 32n)];
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
