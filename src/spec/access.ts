/**
 * What a row does with its memory operand: how many bytes from the address on must lie within the segment, and whether they are written.
 * Outside 64-bit mode the decoder has it checked before the instruction runs.
 */
import { isEscape, type Row } from "./isa/row.ts";
import { operandCode } from "./operands.ts";

/** Flags of an address record, above the size of the access in its immediate. */
export const ACCESS_FLAGS = {
  /** the operand is written */
  WRITE: 1 << 16,
  /** the second operand counts bits from the address on (BT and its kin) */
  BITS: 1 << 17,
  /** addressed with the stack pointer as it is behind the instruction (POP) */
  POPS: 1 << 18,
  /** the offset in the segment is wanted, not the linear address (LEA) */
  OFFSET: 1 << 19,
  /** privilege is checked before the operand */
  CPL0: 1 << 20,
  /** a pending x87 exception comes before anything about the operand */
  WAITS: 1 << 21,
} as const;

export interface MemoryAccess {
  /** bytes by effective operand size; 0: nothing is checked */
  readonly bytes: readonly [number, number, number];
  readonly flags: number;
}

const names = (text: string): ReadonlySet<string> => new Set(text.split(" "));

/** semantics that only read a memory operand that stands first */
const READERS = names(
  "cmp test bt btImm push jmpTo callTo jmpFarTo callFarTo mul imul div idiv verr verw lldt ltr lmsw lgdt lidt ldmxcsr fxrstor xrstor " +
    "xrstors clflush arithmetic fcom fcomp fld fld80 fild fbld fldenv fldcw frstor",
);
/** semantics that compute an address without an access */
const NO_ACCESS = names("lea nop invlpg ud");
const BITS = names("bt bts btr btc");

/** areas whose size only the instruction knows */
export const AREAS: Readonly<Record<string, readonly [number, number, number]>> = {
  fxsave: [512, 512, 512],
  fxrstor: [512, 512, 512],
  xsave: [576, 576, 576],
  xsavec: [576, 576, 576],
  xsaveopt: [576, 576, 576],
  xsaves: [576, 576, 576],
  xrstor: [576, 576, 576],
  xrstors: [576, 576, 576],
  fldenv: [14, 28, 28],
  fnstenv: [14, 28, 28],
  frstor: [94, 108, 108],
  fnsave: [94, 108, 108],
};

/** The access of a row that has a memory operand, or could have one. */
export function memoryAccess(row: Row): MemoryAccess {
  const at = row.operands.findIndex((o) => ["E", "M", "W", "Q", "O"].includes(operandCode(o)?.method ?? ""));
  const bytes =
    AREAS[row.semantics] ?? (NO_ACCESS.has(row.semantics) || at < 0 ? [0, 0, 0] : (operandCode(row.operands[at])?.bytes ?? [0, 0, 0]));
  const flag = (name: keyof typeof ACCESS_FLAGS, on: boolean) => (on ? ACCESS_FLAGS[name] : 0);
  const flags =
    flag("WRITE", at === 0 && !READERS.has(row.semantics)) |
    flag("BITS", BITS.has(row.semantics)) |
    flag("POPS", row.semantics === "pop") |
    flag("OFFSET", row.semantics === "lea") |
    flag("CPL0", row.attributes.has("cpl0")) |
    flag("WAITS", waits(row));
  return { bytes, flags };
}

/** x87 instructions but those without a wait, and MMX but conversions from memory, which use no MMX register. */
function waits(row: Row): boolean {
  if (row.semantics.startsWith("cvtpi2")) return false;
  if (isEscape(row)) return !row.semantics.startsWith("fn");
  return row.operands.some((o) => ["P", "Q"].includes(operandCode(o)?.method ?? ""));
}
