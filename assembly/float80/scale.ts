/** Taking exponents apart and together. SDM 2 "FSCALE" (table "FSCALE Results"), "FXTRACT". */

import { beginX87, isStopped, signal, ZE } from "./environment";
import { invalid, isNaNResult1, isNaNResult2, noteDenormal, noteDenormals } from "./nan";
import { deliver } from "./result";
import { A, B, copy, INFINITE, NORMAL, packExtended, R, setInfinite, setInteger, setZero, unpackExtended, ZERO } from "./unpacked";

/** Beyond this every number overflows or underflows, even with a wrapped exponent. */
const LARGEST_SCALE: i64 = 0x10000;

/** destination = a × 2^trunc(b). */
export function fscale(destination: usize, a: usize, b: usize, fcw: u32): bool {
  beginX87(fcw);
  unpackExtended(A, a);
  unpackExtended(B, b);
  if (!isNaNResult2()) scaled();
  return deliver(destination, 64);
}

function scaled(): void {
  if (B.kind === INFINITE && (B.sign ? A.kind === INFINITE : A.kind === ZERO)) return invalid();
  noteDenormals();
  if (B.kind === INFINITE && A.isFinite) return B.sign ? setZero(R, A.sign) : setInfinite(R, A.sign);
  copy(R, A);
  if (A.kind === ZERO || A.kind === INFINITE) return;
  R.kind = NORMAL;
  if (B.kind === ZERO || B.exp < 0) return;
  const count = B.exp > 16 ? LARGEST_SCALE : <i64>(B.hi >> (63 - B.exp));
  R.exp += <i32>(B.sign ? -count : count);
}

/** The exponent of a goes to `exponent`, then its significand with the exponent of 1.0 to `significand`. */
export function fxtract(exponent: usize, significand: usize, a: usize, fcw: u32): bool {
  beginX87(fcw);
  unpackExtended(A, a);
  if (isNaNResult1()) {
    if (isStopped()) return false;
    packExtended(exponent, R);
    packExtended(significand, R);
    return true;
  }
  if (A.kind === ZERO) signal(ZE);
  noteDenormal(A);
  if (isStopped()) return false;
  if (A.kind === ZERO) setInfinite(R, 1);
  else if (A.kind === INFINITE) setInfinite(R, 0);
  else setInteger(R, A.exp);
  packExtended(exponent, R);
  if (A.isFinite) A.exp = 0;
  packExtended(significand, A);
  return true;
}
