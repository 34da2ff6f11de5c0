/**
 * F2XM1, FYL2X, FYL2XP1. SDM 2 under these names, with their tables of special results. PE is set for every finite non-zero result, also
 * an exact one, as on hardware.
 */

import { beginX87, isStopped, PE, signal, UE, ZE } from "./environment";
import { addFinite, divideFinite, multiplyFinite } from "./finite";
import { invalid, isNaNResult1, isNaNResult2, noteDenormal, noteDenormals } from "./nan";
import { LN2, setReal, TWO_OVER_LN2 } from "./reals";
import { deliver } from "./result";
import { areaTangent, exponential } from "./series";
import {
  A,
  B,
  copy,
  EXTENDED_BIAS,
  INFINITE,
  INTEGER_BIT,
  NORMAL,
  R,
  setInfinite,
  setInteger,
  setMagnitude,
  setZero,
  T,
  unpackExtended,
  V,
  ZERO,
} from "./unpacked";

const SQRT2: u64 = 0xb504f333f9de6484;

/** destination = 2^a - 1 for |a| ≤ 1. */
export function f2xm1(destination: usize, a: usize, fcw: u32): bool {
  beginX87(fcw);
  unpackExtended(A, a);
  if (!isNaNResult1()) {
    noteDenormal(A);
    if (!isStopped()) powerMinusOne();
  }
  return deliver(destination, 64);
}

/** QUIRK: outside of ±1, where the SDM leaves the result undefined, the Zen 4 core returns the operand, but -1 for -∞. */
function powerMinusOne(): void {
  copy(R, A);
  if (A.kind === ZERO) return;
  if (A.kind === INFINITE) {
    if (A.sign) setMagnitude(R, 1, 1, 0);
    return;
  }
  R.kind = NORMAL;
  signal(PE);
  if (A.exp >= 0) {
    if (A.sign && A.exp === 0 && A.hi === INTEGER_BIT) R.exp = -1;
    return;
  }
  setReal(T, LN2);
  multiplyFinite(T, R, T);
  exponential(R, T);
  multiplyFinite(R, R, T);
  R.lo |= 1;
}

/** destination = y × log2 x. */
export function fyl2x(destination: usize, x: usize, y: usize, fcw: u32): bool {
  beginX87(fcw);
  unpackExtended(A, x);
  unpackExtended(B, y);
  if (!isNaNResult2()) scaledLogarithm();
  return deliver(destination, 64);
}

function scaledLogarithm(): void {
  const isOne = A.isFinite && A.exp === 0 && A.hi === INTEGER_BIT;
  if (A.sign && A.kind !== ZERO) return invalid();
  if (B.kind === ZERO && (A.kind === ZERO || A.kind === INFINITE)) return invalid();
  if (B.kind === INFINITE && isOne) return invalid();
  if (A.kind === ZERO && B.isFinite) {
    signal(ZE);
    return setInfinite(R, B.sign ^ 1);
  }
  noteDenormals();
  if (isStopped()) return;
  // The sign of log2 x; what is left besides finite numbers is infinite or zero.
  const sign: u32 = A.kind === ZERO || (A.isFinite && A.exp < 0) ? 1 : 0;
  if (B.kind === INFINITE || A.kind === INFINITE) return setInfinite(R, B.sign ^ sign);
  if (B.kind === ZERO || isOne) return setZero(R, B.sign ^ sign);
  copy(T, A);
  T.kind = NORMAL;
  timesLogarithm();
}

/** destination = y × log2(1 + x). */
export function fyl2xp1(destination: usize, x: usize, y: usize, fcw: u32): bool {
  beginX87(fcw);
  unpackExtended(A, x);
  unpackExtended(B, y);
  if (!isNaNResult2()) scaledLogarithmPlusOne();
  return deliver(destination, 64);
}

/** QUIRK: for x ≤ -1, where the SDM leaves the result undefined, the Zen 4 core gives x; for x above the documented √2 - 1 it is right. */
function scaledLogarithmPlusOne(): void {
  if (A.kind === INFINITE && (A.sign || B.kind === ZERO)) return invalid();
  if (B.kind === INFINITE && A.kind === ZERO) return invalid();
  noteDenormals();
  if (isStopped()) return;
  const sign = A.sign ^ B.sign;
  if (B.kind === INFINITE || A.kind === INFINITE) return setInfinite(R, sign);
  if (B.kind === ZERO || A.kind === ZERO) return setZero(R, sign);
  if (A.sign && A.exp >= 0) {
    signal(PE);
    return copy(R, A);
  }
  copy(T, A);
  T.kind = NORMAL;
  if (A.exp < -2) {
    logarithmPlusOne(0);
  } else {
    setMagnitude(V, 0, 1, 0);
    addFinite(T, T, V);
    timesLogarithm();
  }
}

/** R = B × log2 T: T = m × 2^k with m between √½ and √2. */
function timesLogarithm(): void {
  const k: i64 = T.exp + (T.hi > SQRT2 ? 1 : 0);
  T.exp = T.hi > SQRT2 ? -1 : 0;
  setMagnitude(V, 1, 1, 0);
  addFinite(T, T, V);
  if (T.kind !== ZERO) return logarithmPlusOne(k);
  setInteger(R, k);
  multiplyFinite(R, R, B);
  signal(R.exp < 1 - EXTENDED_BIAS ? UE | PE : PE);
}

/** R = B × (k + log2(1 + T)), log2(1 + T) = 2 / ln 2 × artanh(T / (2 + T)). */
function logarithmPlusOne(k: i64): void {
  setMagnitude(V, 0, 1, 1);
  addFinite(V, V, T);
  divideFinite(T, T, V);
  areaTangent(R, T);
  multiplyFinite(R, R, T);
  setReal(V, TWO_OVER_LN2);
  multiplyFinite(R, R, V);
  if (k !== 0) {
    setInteger(V, k);
    addFinite(R, V, R);
  }
  multiplyFinite(R, R, B);
  R.lo |= 1;
}
