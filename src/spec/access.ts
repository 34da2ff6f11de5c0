/**
 * What a row does with its memory operand: how many bytes from the address on must lie within the segment, and whether they are written.
 * Outside 64-bit mode the decoder has it checked before the instruction runs.
 */
import type { Row } from "./isa/row.ts";
import { operandCode } from "./operands.ts";

export interface MemoryAccess {
  /** bytes by effective operand size; 0: nothing is checked */
  readonly bytes: readonly [number, number, number];
  readonly writes: boolean;
  /** the second operand counts bits from the address on (BT and its kin) */
  readonly bits: boolean;
  /** addressed with the stack pointer as it is behind the instruction (POP) */
  readonly pops: boolean;
  /** the offset in the segment is wanted, not the linear address (LEA) */
  readonly offset: boolean;
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
const AREAS: Readonly<Record<string, readonly [number, number, number]>> = {
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
  const is = (semantics: string) => row.semantics === semantics;
  return { bytes, writes: at === 0 && !READERS.has(row.semantics), bits: BITS.has(row.semantics), pops: is("pop"), offset: is("lea") };
}
