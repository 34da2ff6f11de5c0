/**
 * Partial remainders. SDM 2 "FPREM" (towards zero) and "FPREM1" (IEEE: quotient to nearest even).
 *
 * A difference of exponents of 64 or more is reduced only in part, by 32 to 63 of its bits, and C2 says that more is to do. C0, C3, C1
 * are bits 2, 1, 0 of a complete quotient.
 */

import { beginX87, C0, C1, C2, C3, isStopped, signal } from "./environment";
import { normalise } from "./finite";
import { invalid, isNaNResult2, noteDenormals } from "./nan";
import { deliver } from "./result";
import { A, B, copy, INFINITE, NORMAL, R, setZero, unpackExtended, ZERO } from "./unpacked";

/** A partial reduction takes this many bits, and as many more as bring the difference to a multiple of 32. */
const REDUCTION: i32 = 32;

/** Truncation leaves the quotient as it is; FPREM1 takes one more when that brings the remainder nearer to zero. */
const TRUNCATED = false;
const TO_NEAREST = true;

/** Whether the last operation had a quotient to tell of. */
export let hasQuotient: bool = false;

export function fprem(destination: usize, a: usize, b: usize, fcw: u32): bool {
  beginX87(fcw);
  unpackExtended(A, a);
  unpackExtended(B, b);
  hasQuotient = false;
  if (!isNaNResult2()) remainder(TRUNCATED);
  return deliver(destination, 64);
}

export function fprem1(destination: usize, a: usize, b: usize, fcw: u32): bool {
  beginX87(fcw);
  unpackExtended(A, a);
  unpackExtended(B, b);
  hasQuotient = false;
  if (!isNaNResult2()) remainder(TO_NEAREST);
  return deliver(destination, 64);
}

function remainder(isToNearest: bool): void {
  if (A.kind === INFINITE || B.kind === ZERO) return invalid();
  noteDenormals();
  if (isStopped()) return;
  hasQuotient = true;
  if (A.kind === ZERO) return setZero(R, A.sign);
  copy(R, A);
  R.kind = NORMAL;
  const distance = A.exp - B.exp;
  if (B.kind === INFINITE || distance < -1) return;
  const isPartial = distance >= 64;
  const steps = isPartial ? REDUCTION + (distance & 31) : distance;
  let quotient = steps < 0 ? halve() : divide(steps);
  if (isToNearest && !isPartial && isAboveHalf(quotient)) {
    quotient++;
    complement();
  }
  if (isPartial) signal(C2);
  else signal((quotient & 4 ? C0 : 0) | (quotient & 2 ? C3 : 0) | (quotient & 1 ? C1 : 0));
  if ((R.hi | R.lo) === 0) setZero(R, A.sign);
  else normalise(R);
}

/** Shift and subtract: R = A - quotient × B × 2^(distance - steps), not normalised. */
function divide(steps: i32): u64 {
  let rest = A.hi;
  let quotient: u64 = 0;
  if (rest >= B.hi) {
    rest -= B.hi;
    quotient = 1;
  }
  for (let i = 0; i < steps; i++) {
    const isWide = rest >> 63 !== 0;
    rest <<= 1;
    quotient <<= 1;
    if (isWide || rest >= B.hi) {
      rest -= B.hi;
      quotient |= 1;
    }
  }
  R.hi = rest;
  R.exp = A.exp - steps;
  return quotient;
}

/** A is below B, with an exponent one less: only its scale changes. */
function halve(): u64 {
  R.hi = A.hi >> 1;
  R.lo = A.hi << 63;
  R.exp = B.exp;
  return 0;
}

/** Whether R is more than half of B, or just half after an odd quotient. */
function isAboveHalf(quotient: u64): bool {
  const other = B.hi - R.hi;
  if (R.hi === other) return R.lo !== 0 || (quotient & 1) !== 0;
  return R.hi > other;
}

/** R = R - B: what is missing to the next multiple of B, with the other sign. */
function complement(): void {
  R.hi = B.hi - R.hi - (R.lo !== 0 ? 1 : 0);
  R.lo = 0 - R.lo;
  R.sign ^= 1;
}
