/**
 * The prefixes that objdump prints before a mnemonic: LOCK, REP and its kin, hints, and whatever had no meaning for the instruction.
 * Each stands in the order of the bytes; where one repeats, the last may be used and the others never are.
 */
import type { Instruction } from "./instruction.ts";
import type { Used } from "./operand-text.ts";

const SEGMENT: Readonly<Record<number, string>> = { 38: "es", 46: "cs", 54: "ss", 62: "ds", 100: "fs", 101: "gs" };

export function prefixText(i: Instruction, used: Used): string {
  if (i.prefixes.length === 0 && i.rex === 0) return "";
  const row = (i.entry as NonNullable<typeof i.entry>).row;
  let text = "";
  i.prefixes.forEach((byte, at) => {
    const last = i.prefixes.lastIndexOf(byte) === at;
    if (byte === 0x66) {
      if (!(last && (used.data || (row.prefix === "66" && !i.vex)))) text += i.mode === 16 ? "data32 " : "data16 ";
    } else if (byte === 0x67) {
      if (!(last && used.address)) text += i.mode === 32 ? "addr16 " : "addr32 ";
    } else if (byte === 0xf0) text += "lock ";
    else if (byte >= 0xf2) text += last ? repeatText(i, byte) : plainRepeat(byte);
    else text += segmentText(i, byte, last, used.segment);
  });
  if (i.rex !== 0 && !i.vex) text += rexText(i.rex, used.rex);
  return text;
}

const plainRepeat = (byte: number) => (byte === 0xf3 ? "repz " : "repnz ");

function repeatText(i: Instruction, byte: number): string {
  const { row } = i.entry as NonNullable<typeof i.entry>;
  const mandatory = row.prefix === "F3" ? 0xf3 : row.prefix === "F2" ? 0xf2 : 0;
  if (byte === mandatory && byte === i.repeat) return "";
  if (byte === 0xf3 && row.attributes.has("rep")) return "rep ";
  if (byte === 0xf2 && isBoundable(i)) return "bnd ";
  if (i.isMemory && i.modrm >= 0) {
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

function segmentText(i: Instruction, byte: number, last: boolean, used: boolean): string {
  const { row } = i.entry as NonNullable<typeof i.entry>;
  if (byte === 0x3e && (row.semantics === "jmpTo" || row.semantics === "callTo") && last) return "notrack ";
  return last && byte === i.segment && used ? "" : `${SEGMENT[byte]} `;
}

function rexText(rex: number, used: number): string {
  // a bare 40 counts as used by a byte register that only it makes reachable
  const needed = rex === 0x40 ? 0x40 : rex & 15;
  if ((needed & used) === needed) return "";
  const bits = (rex & 8 ? "W" : "") + (rex & 4 ? "R" : "") + (rex & 2 ? "X" : "") + (rex & 1 ? "B" : "");
  return bits === "" ? "rex " : `rex.${bits} `;
}
