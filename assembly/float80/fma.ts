/**
 * Fused multiply-add: the exact product stays in 128 bits, so there is one rounding. SDM 2 "VFMADD132SD/VFMADD213SD/VFMADD231SD"; SDM 1
 * 14.5 "Fused-multiply-add (FMA) extensions", table "Rules for handling NaNs".
 */

import { sum } from "./add";
import { beginSse, denormalsAreZero, IE, signal } from "./environment";
import { product } from "./mul";
import { invalid, quieten } from "./nan";
import { result } from "./result";
import { A, B, copy, INFINITE, R, SNAN, Unpacked, unpack } from "./unpacked";

/** a × b + c, where a and b come in the order of the instruction's digits (213: second, first), which decides between NaNs.
 * The other three of the family differ in signs: the caller flips the sign bit of a or c, unless that is a NaN. */
export function fma<T>(a: T, b: T, c: T, mxcsr: u32): T {
  beginSse(mxcsr);
  unpack<T>(A, a, denormalsAreZero);
  unpack<T>(B, b, denormalsAreZero);
  unpack<T>(ADDEND, c, denormalsAreZero);
  if (!isNaNResult3()) productAndSum();
  return result<T>();
}

const ADDEND = changetype<Unpacked>(memory.data(32, 16));

function productAndSum(): void {
  const isInfinite = A.kind === INFINITE || B.kind === INFINITE;
  if (isInfinite && ADDEND.kind === INFINITE && (A.sign ^ B.sign) !== ADDEND.sign) return invalid();
  product();
  if (R.isNaN) return;
  copy(A, R);
  copy(B, ADDEND);
  sum();
}

/** True if an operand is a NaN; the first one is the result. */
function isNaNResult3(): bool {
  if (!A.isNaN && !B.isNaN && !ADDEND.isNaN) return false;
  if (A.kind === SNAN || B.kind === SNAN || ADDEND.kind === SNAN) signal(IE);
  quieten(A.isNaN ? A : B.isNaN ? B : ADDEND);
  return true;
}
