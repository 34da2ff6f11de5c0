/** Binary-coded decimals. SDM Vol. 2 "AAA", "AAS", "AAM", "AAD", "DAA", "DAS". */
import { Exec } from "../backend/exec";
import { Op } from "../decode/op";
import { af, cf } from "../flags";
import { RFLAGS_AF, RFLAGS_CF, VECTOR_DE } from "../generated/constants";
import { raise } from "../raise";

export function daa(b: Exec): void {
  decimal(b, 1);
}

export function das(b: Exec): void {
  decimal(b, -1);
}

/** AL plus or minus 6 for the low digit and 60h for the high one, each where the digit or its carry asks for it. */
function decimal(b: Exec, sign: i64): void {
  const al = b.rax & 0xff;
  const low = (al & 15) > 9 || af(b);
  const high = al > 0x99 || cf(b);
  const r = (al + <u64>(sign * ((low ? 6 : 0) + (high ? 0x60 : 0)))) & 0xff;
  // DAS also borrows where only the low digit is corrected
  const carry = high || (sign < 0 && low && al < 6);
  b.setGpr<u8>(0, r);
  b.flagsPartial<u8>(r, (carry ? RFLAGS_CF : 0) | (low ? RFLAGS_AF : 0));
}

export function aaa(b: Exec): void {
  const adjust = (b.rax & 15) > 9 || af(b);
  unpacked(b, adjust, adjust ? b.rax + 0x106 : b.rax);
}

export function aas(b: Exec): void {
  const adjust = (b.rax & 15) > 9 || af(b);
  unpacked(b, adjust, adjust ? b.rax - 0x106 : b.rax);
}

function unpacked(b: Exec, adjusted: bool, ax: u64): void {
  b.setGpr<u16>(0, ax & 0xff0f);
  b.flagsPartial<u8>(ax & 15, adjusted ? RFLAGS_CF | RFLAGS_AF : 0);
}

export function aam(b: Exec, op: Op): void {
  const base = <u64>op.imm & 0xff;
  if (base == 0) raise(b, op, VECTOR_DE, 0);
  const al = b.rax & 0xff;
  b.setGpr<u16>(0, ((al / base) << 8) | (al % base));
  b.flagsLogic<u8>(al % base);
}

export function aad(b: Exec, op: Op): void {
  const al = ((b.rax & 0xff) + ((b.rax >> 8) & 0xff) * (<u64>op.imm & 0xff)) & 0xff;
  b.setGpr<u16>(0, al);
  b.flagsLogic<u8>(al);
}
