/** Rounding to integers in floats. SDM Vol. 2 "ROUNDPS", table "Rounding Modes and Encoding of Rounding Control (RC) Field". */
import { Exec } from "../../backend/exec";
import { beginSoft, note, settle } from "../../backend/soft-float";
import { Op } from "../../decode/op";
import { flags } from "../../float80/environment";
import { roundToIntegral } from "../../float80/integer";

const LANES: usize = memory.data(16, 16);

export function rounds<S, U>(b: Exec, op: Op): void {
  const y = b.srcF<U, S>(op);
  beginSoft();
  const r = rounded<U>(b, y, <u32>op.imm);
  settle(b, op);
  b.setF<U>(<usize>op.d, r);
}

export function roundp<S, U>(b: Exec, op: Op): void {
  v128.store(LANES, b.srcX<v128, S>(op));
  beginSoft();
  for (let at: usize = LANES; at < LANES + 16; at += sizeof<U>()) b.setF<U>(at, rounded<U>(b, b.getF<U>(at), <u32>op.imm));
  settle(b, op);
  b.setX<v128>(<usize>op.d, v128.load(LANES));
}

/** Bits 1-0 of the immediate are the rounding unless bit 2 leaves it to MXCSR; bit 3 keeps PE quiet. */
function rounded<U>(b: Exec, bits: u64, imm: u32): u64 {
  if (b.nanOrDenormalF<U>(bits) == 0) {
    const x = b.toF<U>(bits);
    const mode = (imm & 4) != 0 ? b.mxcsr >> 13 : imm;
    const r = (mode & 3) == 0 ? nearest<U>(x) : (mode & 3) == 1 ? floor<U>(x) : (mode & 3) == 2 ? ceil<U>(x) : trunc<U>(x);
    if (r == x || (imm & 8) != 0 || b.strictF() == 0) return b.ofF<U>(r);
  }
  const r = sizeof<U>() == 4 ? <u64>roundToIntegral<u32>(<u32>bits, imm, b.mxcsr) : roundToIntegral<u64>(bits, imm, b.mxcsr);
  note(flags);
  return r;
}
