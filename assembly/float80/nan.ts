/**
 * Operands that decide the result before any arithmetic: NaNs, unsupported encodings, invalid operations, denormals. SDM 1 4.8.3.5
 * "Operating on SNaNs and QNaNs" (table "Rules for handling NaNs"), 4.9.2 "Floating-point exception priority".
 */

import { DE, IE, isX87, signal } from "./environment";
import { A, B, copy, DENORMAL, QNAN, QUIET_BIT, R, SNAN, setIndefinite, UNSUPPORTED, Unpacked } from "./unpacked";

/** Masked response to an invalid operation. */
export function invalid(): void {
  signal(IE);
  setIndefinite(R);
}

/** DE comes after NaNs, other invalid operations and division by zero, so it is asked for last. */
export function noteDenormals(): void {
  if (A.kind === DENORMAL || B.kind === DENORMAL) signal(DE);
}

export function noteDenormal(u: Unpacked): void {
  if (u.kind === DENORMAL) signal(DE);
}

/** True if A is a NaN or unsupported; R is then the result. */
export function isNaNResult1(): bool {
  if (!A.isNaN) return false;
  if (A.kind === UNSUPPORTED) invalid();
  else quieten(A);
  return true;
}

/** True if A or B is a NaN or unsupported; R is then the result. */
export function isNaNResult2(): bool {
  if (!A.isNaN && !B.isNaN) return false;
  if (A.kind === UNSUPPORTED || B.kind === UNSUPPORTED) invalid();
  else {
    if (A.kind === SNAN || B.kind === SNAN) signal(IE);
    quieten(isX87 ? largerNaN() : A.isNaN ? A : B);
  }
  return true;
}

export function quieten(nan: Unpacked): void {
  if (nan.kind === SNAN) signal(IE);
  copy(R, nan);
  R.kind = QNAN;
  R.hi |= QUIET_BIT;
}

/** x87: a number loses to a NaN, an SNaN to a QNaN, a smaller significand to a larger one, and at last minus to plus. */
function largerNaN(): Unpacked {
  if (!A.isNaN) return B;
  if (!B.isNaN) return A;
  if (A.kind !== B.kind) return A.kind === QNAN ? A : B;
  if (A.hi !== B.hi) return A.hi > B.hi ? A : B;
  return A.sign <= B.sign ? A : B;
}
