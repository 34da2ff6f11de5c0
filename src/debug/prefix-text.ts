/**
 * The prefixes that objdump prints before a mnemonic: LOCK, REP and its kin, hints, and whatever had no meaning for the instruction.
 * Each stands in the order of the bytes; where one repeats, the last may be used and the others never are.
 */
import type { Instruction } from "../decode/instruction.ts";
import { isIndirectBranch, SEGMENT_NAME, type Used } from "./operand-text.ts";

export function prefixText(i: Instruction, used: Used): string {
  if (i.prefixes.length === 0 && i.rex === 0) return "";
  let text = "";
  i.prefixes.forEach((byte, at) => {
    const last = i.prefixes.lastIndexOf(byte) === at;
    if (byte === 0x66) {
      if (!(last && (used.data || swallowsData(i)))) text += i.mode === 16 ? "data32 " : "data16 ";
    } else if (byte === 0x67) {
      if (!(last && used.address)) text += i.mode === 32 ? "addr16 " : "addr32 ";
    } else if (byte === 0xf0) text += "lock ";
    else if (byte >= 0xf2) text += last ? repeatText(i, byte) : plainRepeat(byte);
    else text += segmentText(i, at, used);
  });
  if (i.rex !== 0 && !i.vex) text += rexText(i.rex, used.rex);
  return text;
}

/** 66 chose the row; or, as objdump sees it, could have chosen among rows of one opcode. */
function swallowsData(i: Instruction): boolean {
  const { row } = i.entry as NonNullable<typeof i.entry>;
  if (i.vex || row.prefix === "66") return row.prefix === "66";
  return i.repeat === 0 && /^(0F B[CD]|0F 1[CE]) /.test(row.bytes);
}

const plainRepeat = (byte: number) => (byte === 0xf3 ? "repz " : "repnz ");

function repeatText(i: Instruction, byte: number): string {
  const { row } = i.entry as NonNullable<typeof i.entry>;
  const mandatory = row.prefix === "F3" ? 0xf3 : row.prefix === "F2" ? 0xf2 : 0;
  if (byte === mandatory && byte === i.repeat && row.bytes !== "F2 90") return "";
  if (byte === 0xf3 && row.attributes.has("rep")) return "rep ";
  if (byte === 0xf2 && isBoundable(i)) return "bnd ";
  if (i.isMemory && i.modrm >= 0 && byte === i.repeat) {
    const exchange = row.mnemonic === "xchg";
    if ((i.lock && row.attributes.has("lock")) || exchange) return byte === 0xf3 ? "xrelease " : "xacquire ";
    if (byte === 0xf3 && row.semantics === "mov" && row.operands[0][0] === "E") return "xrelease ";
  }
  return plainRepeat(byte);
}

/** Near branches may carry BND (F2), once MPX's. */
function isBoundable(i: Instruction): boolean {
  const { row } = i.entry as NonNullable<typeof i.entry>;
  return /^(jcc|jmp|jmpTo|call|callTo|ret|retImm)$/.test(row.semantics);
}

/** objdump drops the last segment prefix if any of them was used, even where 64-bit mode ignores that last one. */
function segmentText(i: Instruction, at: number, used: Used): string {
  const byte = i.prefixes[at];
  const isLast = !i.prefixes.slice(at + 1).some((later) => SEGMENT_NAME.has(later));
  if (byte === 0x3e && isLast && isIndirectBranch(i) && !(i.mode === 64 && i.data)) return "notrack ";
  return isLast && (used.segment || used.string) ? "" : `${SEGMENT_NAME.get(byte)} `;
}

function rexText(rex: number, used: number): string {
  // a bare 40 counts as used by a byte register that only it makes reachable
  const needed = rex === 0x40 ? 0x40 : rex & 15;
  if ((needed & used) === needed) return "";
  const bits = (rex & 8 ? "W" : "") + (rex & 4 ? "R" : "") + (rex & 2 ? "X" : "") + (rex & 1 ? "B" : "");
  return bits === "" ? "rex " : `rex.${bits} `;
}
