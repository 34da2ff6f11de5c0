/**
 * Mnemonics as objdump writes them where that differs from the manual's name in the row: size suffixes, condition codes, and the
 * pseudo-instructions of comparison and carry-less multiplication with a known immediate.
 */

import type { Instruction } from "../decode/instruction.ts";
import type { Row } from "../spec/isa/row.ts";

const CONDITIONS = "o no b ae e ne be a s ns p np l ge le g".split(" ");
const COMPARISONS = "eq lt le unord neq nlt nle ord".split(" ");
const CARRYLESS: Readonly<Record<number, string>> = { 0: "lqlq", 1: "hqlq", 2: "lqhq", 3: "hqhq", 16: "lqhq", 17: "hqhq" };

/** The manual names some sizes apart (IRET, IRETD, IRETQ); objdump has one name with a suffix. */
const ONE_NAME: Readonly<Record<string, string>> = { pushad: "pusha", popad: "popa", iretd: "iret", iretq: "iret" };
/** No letter for the mode's own size, one for any other. */
const SUFFIXED = /^(pusha|popa|iret|retf|pushf|popf|enter|leave|fldenv|fnstenv|frstor|fnsave)$/;
/** The same without an operand that shows the size: in 64-bit mode only where 66 makes it 16 bits. */
const SUFFIXED_SEMANTICS = /^(pushSeg|popSeg|ret|retImm)$/;
const SUFFIXED_BRANCHES = /^(jmp|call|xbegin)$/;

/** Does the mnemonic show the operand size? */
export function showsSize(row: Row): boolean {
  return SUFFIXED.test(ONE_NAME[row.mnemonic] ?? row.mnemonic) || SUFFIXED_SEMANTICS.test(row.semantics);
}

/** The mnemonic, and whether it stands for the trailing immediate as well. */
export function mnemonicOf(i: Instruction): { name: string; hidesImmediate: boolean } {
  const { row } = i.entry as NonNullable<typeof i.entry>;
  const immediate = i.bytes[i.immediateAt];
  if (row.semantics.startsWith("compare") && immediate < 8) {
    return { name: `cmp${COMPARISONS[immediate]}${row.mnemonic.slice(3)}`, hidesImmediate: true };
  }
  if (row.mnemonic === "pclmulqdq" && CARRYLESS[immediate] !== undefined) {
    return { name: `pclmul${CARRYLESS[immediate]}dq`, hidesImmediate: true };
  }
  return { name: plainName(i, row), hidesImmediate: false };
}

function plainName(i: Instruction, row: Row): string {
  const name = ONE_NAME[row.mnemonic] ?? row.mnemonic;
  if (row.opcodeBits === 4) return name + CONDITIONS[i.opcode & 15];
  if (showsSize(row) || pushesImmediate(row) || (SUFFIXED_BRANCHES.test(name) && row.operands[0] === "Jz")) return name + suffix(i);
  switch (name) {
    case "sysret":
    case "sysexit":
      return i.mode === 64 ? name + (i.w === 1 ? "q" : "d") : name;
    case "sgdt":
    case "sidt":
    case "lgdt":
    case "lidt":
      return i.mode === 64 ? name : name + (i.operandSize === 16 ? "w" : "d");
    case "pcmpestri":
    case "pcmpestrm":
      return i.w === 1 ? `${name}q` : name;
    case "mov":
      return isWideMove(i) ? "movabs" : name;
    default:
      return name;
  }
}

const pushesImmediate = (row: Row) => row.mnemonic === "push" && row.operands[0][0] === "I";

function suffix(i: Instruction): string {
  const { entry, mode, operandSize } = i;
  if (operandSize === 64) return entry?.row.operandSize === 64 && entry.row.feature !== "x87" ? "q" : "";
  if (operandSize === (mode === 16 ? 16 : 32)) return "";
  return operandSize === 16 ? "w" : "d";
}

/** MOV with a 64-bit immediate or a 64-bit address. */
function isWideMove(i: Instruction): boolean {
  return i.entry?.operands.some((o) => (o.method === "O" && i.addressSize === 64) || (o.text === "Iv" && i.operandSize === 64)) ?? false;
}
