/**
 * Mnemonics as objdump writes them where that differs from the manual's name in the row: size suffixes, condition codes, and the
 * pseudo-instructions of comparison and carry-less multiplication with a known immediate.
 */
import type { Instruction } from "./instruction.ts";

const CONDITIONS = "o no b ae e ne be a s ns p np l ge le g".split(" ");
const COMPARISONS = "eq lt le unord neq nlt nle ord".split(" ");
const CARRYLESS: Readonly<Record<number, string>> = { 0: "lqlq", 1: "hqlq", 16: "lqhq", 17: "hqhq" };

/** The manual names the 16-bit form plainly; objdump names the mode's own size plainly and puts a letter behind the others. */
const SUFFIXED: Readonly<Record<string, string>> = {
  pusha: "pusha",
  pushad: "pusha",
  popa: "popa",
  popad: "popa",
  iret: "iret",
  iretd: "iret",
  iretq: "iret",
  retf: "retf",
  pushf: "pushf",
  popf: "popf",
  enter: "enter",
  leave: "leave",
};

/** The mnemonic, and whether it has swallowed the trailing immediate. */
export function mnemonicOf(i: Instruction): { name: string; hidesImmediate: boolean } {
  const { row } = i.entry as NonNullable<typeof i.entry>;
  const { mnemonic } = row;
  if (row.opcodeBits === 4) return { name: mnemonic + CONDITIONS[i.opcode & 15], hidesImmediate: false };
  const suffixed = SUFFIXED[mnemonic];
  if (suffixed !== undefined) return { name: suffixed + suffix(i), hidesImmediate: false };
  if (row.semantics === "sysret" || row.semantics === "sysexit") return { name: mnemonic + (i.w === 1 ? "q" : "d"), hidesImmediate: false };
  if (mnemonic === "mov" && wideMove(i)) return { name: "movabs", hidesImmediate: false };
  const immediate = i.bytes[i.immediateAt];
  if (row.semantics.startsWith("compare") && immediate < 8) {
    return { name: `cmp${COMPARISONS[immediate]}${mnemonic.slice(3)}`, hidesImmediate: true };
  }
  if (mnemonic === "pclmulqdq" && CARRYLESS[immediate] !== undefined) {
    return { name: `pclmul${CARRYLESS[immediate]}dq`, hidesImmediate: true };
  }
  return { name: mnemonic, hidesImmediate: false };
}

function suffix(i: Instruction): string {
  if (i.operandSize === 64) return i.entry?.d64 ? "" : "q";
  const plain = i.mode === 16 ? 16 : 32;
  return i.operandSize === plain ? "" : i.operandSize === 16 ? "w" : "d";
}

/** MOV with a 64-bit immediate or a 64-bit address. */
function wideMove(i: Instruction): boolean {
  return i.entry?.operands.some((o) => (o.method === "O" && i.addressSize === 64) || (o.text === "Iv" && i.operandSize === 64)) ?? false;
}
