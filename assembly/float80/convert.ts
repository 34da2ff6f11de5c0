/**
 * Conversion between floating-point formats. SDM 2 "CVTSS2SD", "CVTSD2SS", "FLD", "FST/FSTP", "FCHS", "FABS"; SDM 1 8.3.3 "Data transfer
 * instructions".
 */

import { beginSse, beginX87, denormalsAreZero, isStopped } from "./environment";
import { isNaNResult1, noteDenormal } from "./nan";
import { result } from "./result";
import { NO_RESULT, round } from "./round";
import { A, biasOf, copy, NORMAL, pack, packExtended, precisionOf, R, unpack, unpackAt, unpackExtended, ZERO } from "./unpacked";

export function convert<From, To>(a: From, mxcsr: u32): To {
  beginSse(mxcsr);
  unpack<From>(A, a, denormalsAreZero);
  if (!isNaNResult1()) {
    noteDenormal(A);
    asIs();
  }
  return result<To>();
}

/**
 * FLD of f32 and f64, FILD of i16, i32, i64; a denormal is loaded even if DE is unmasked. FLD of an 80-bit operand is a copy that never
 * raises anything.
 */
export function fld<F>(destination: usize, address: usize, fcw: u32): bool {
  beginX87(fcw);
  unpackAt<F>(A, address);
  if (isNaNResult1()) {
    if (isStopped()) return false;
  } else {
    noteDenormal(A);
    asIs();
  }
  packExtended(destination, R);
  return true;
}

/** FST to f32 or f64, named by u32 or u64. */
export function fst<T>(address: usize, a: usize, fcw: u32): bool {
  beginX87(fcw);
  unpackExtended(A, a);
  if (!isNaNResult1()) asIs();
  if (isStopped()) return false;
  if (R.kind === NORMAL && !round(R, precisionOf<T>(), biasOf<T>(), NO_RESULT)) return false;
  store<T>(address, pack<T>(R));
  return true;
}

/** R = A, a denormal being nothing special once unpacked. */
function asIs(): void {
  copy(R, A);
  if (A.isFinite && A.kind !== ZERO) R.kind = NORMAL;
}
