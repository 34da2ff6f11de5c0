/**
 * FSIN, FCOS, FSINCOS, FPTAN. SDM 2 under these names, with their tables of special results; SDM 1 8.3.8 "Approximation of pi".
 *
 * The argument is reduced by the 66-bit π that hardware uses: exactly, so that the only error is that of this π, as on hardware. Beyond
 * ±2^63 C2 is set and the operand stays. PE is set for every argument but zero, infinity and NaN, and a result just beside its operand,
 * or one, rounds as such.
 */

import { beginX87, C1, C2, flags, isStopped, signal, withdraw } from "./environment";
import { divideFinite, multiplyFinite, normalise } from "./finite";
import { invalid, isNaNResult1, noteDenormal } from "./nan";
import { deliver } from "./result";
import { cosine, sine } from "./series";
import { A, copy, INFINITE, NORMAL, packExtended, R, setMagnitude, setZero, T, U, Unpacked, unpackExtended, ZERO } from "./unpacked";

/** π × 2^64, cut to 66 bits. */
const PI_HIGH: u64 = 0x3;
const PI_LOW: u64 = 0x243f6a8885a308d3;

/** Below 2^-40 the cube of an angle is far beyond its 67 bits. */
const TINY: i32 = -40;

export function fsin(destination: usize, a: usize, fcw: u32): bool {
  if (!isAngle(a, fcw)) return sineOfSpecial(destination);
  reduce();
  setSine(R);
  return deliver(destination, 64);
}

export function fcos(destination: usize, a: usize, fcw: u32): bool {
  if (!isAngle(a, fcw)) return cosineOfSpecial(destination);
  reduce();
  setCosine(R);
  return deliver(destination, 64);
}

export function fsincos(sineCell: usize, cosineCell: usize, a: usize, fcw: u32): bool {
  if (!isAngle(a, fcw)) return sineOfSpecial(sineCell) && cosineOfSpecial(cosineCell);
  reduce();
  setCosine(R);
  deliver(cosineCell, 64);
  withdraw(C1); // C1 speaks of the sine
  setSine(R);
  return deliver(sineCell, 64);
}

/** The tangent, and 1.0 to `one`; a NaN goes to both. */
export function fptan(tangent: usize, one: usize, a: usize, fcw: u32): bool {
  if (!isAngle(a, fcw)) return sineOfSpecial(tangent) && cosineOfSpecial(one);
  reduce();
  setTangent();
  deliver(tangent, 64);
  setMagnitude(R, 0, 1, 0);
  packExtended(one, R);
  return true;
}

/** Whether there is something to compute; else flags and R say what the result is. */
function isAngle(a: usize, fcw: u32): bool {
  beginX87(fcw);
  unpackExtended(A, a);
  if (isNaNResult1() || A.kind === ZERO) return false;
  if (A.kind === INFINITE) invalid();
  else if (A.exp >= 63) signal(C2);
  else noteDenormal(A);
  return A.isFinite && A.exp < 63 && !isStopped();
}

function sineOfSpecial(cell: usize): bool {
  if (flags & C2) return false;
  if (A.kind === ZERO) setZero(R, A.sign);
  return deliver(cell, 64);
}

function cosineOfSpecial(cell: usize): bool {
  if (flags & C2) return false;
  if (A.kind === ZERO) setMagnitude(R, 0, 1, 0);
  return deliver(cell, 64);
}

/** |A| = quadrant × π/2 + U, |U| ≤ π/4. */
let quadrant: u64 = 0;

function reduce(): void {
  quadrant = 0;
  copy(U, A);
  U.kind = NORMAL;
  U.sign = 0;
  if (A.exp < -1) return;
  let high: u64 = 0;
  let low = A.hi;
  for (let i = A.exp + 2; i > 0; i--) {
    high = (high << 1) | (low >> 63);
    low <<= 1;
    quadrant <<= 1;
    if (high > PI_HIGH || (high === PI_HIGH && low >= PI_LOW)) {
      high -= PI_HIGH + (low < PI_LOW ? 1 : 0);
      low -= PI_LOW;
      quadrant |= 1;
    }
  }
  if (high > PI_HIGH >> 1 || (high === PI_HIGH >> 1 && low > ((PI_HIGH << 63) | (PI_LOW >> 1)))) {
    high = PI_HIGH - high - (PI_LOW < low ? 1 : 0);
    low = PI_LOW - low;
    quadrant++;
    U.sign = 1;
  }
  U.hi = high;
  U.lo = low;
  U.exp = 62; // the rest counts in units of 2^-65
  normalise(U);
}

/** r = sin A. */
function setSine(r: Unpacked): void {
  if (quadrant & 1) cosine(r, U);
  else sineOfRest(r);
  r.sign ^= A.sign ^ <u32>((quadrant >> 1) & 1);
  r.lo |= 1;
}

/** r = cos A. */
function setCosine(r: Unpacked): void {
  if (quadrant & 1) sineOfRest(r);
  else cosine(r, U);
  r.sign ^= <u32>(((quadrant + 1) >> 1) & 1);
  r.lo |= 1;
}

/** R = tan A. A tiny rest is its own tangent, but for a little more: a quotient would lose that. */
function setTangent(): void {
  if ((quadrant & 1) === 0 && U.exp < TINY) {
    copy(R, U);
    R.sign ^= A.sign;
  } else {
    setSine(R);
    setCosine(T);
    divideFinite(R, R, T);
  }
  R.lo |= 1;
}

function sineOfRest(r: Unpacked): void {
  sine(r, U);
  multiplyFinite(r, r, U);
}
