/**
 * FPATAN: the angle of the point (x, y) = (ST0, ST1), in all four quadrants. SDM 2 "FPATAN", table "FPATAN Results". Nothing is invalid
 * but an SNaN.
 */

import { beginX87, isStopped } from "./environment";
import { addFinite, divideFinite, multiplyFinite } from "./finite";
import { isNaNResult2, noteDenormals } from "./nan";
import { ARCTANGENT, HALF_PI, PI, setReal } from "./reals";
import { deliver } from "./result";
import { arctangent } from "./series";
import { A, B, copy, INFINITE, NORMAL, R, setMagnitude, setZero, T, U, Unpacked, unpackExtended, V, W, ZERO } from "./unpacked";

export function fpatan(destination: usize, x: usize, y: usize, fcw: u32): bool {
  beginX87(fcw);
  unpackExtended(A, x);
  unpackExtended(B, y);
  if (!isNaNResult2()) {
    noteDenormals();
    if (!isStopped()) angle();
  }
  return deliver(destination, 64);
}

function angle(): void {
  const isLeft = A.sign !== 0;
  if (B.kind === ZERO || (A.kind === INFINITE && B.kind !== INFINITE)) {
    if (!isLeft) return setZero(R, B.sign);
    setReal(R, PI);
  } else {
    if (A.kind === INFINITE) setReal(R, ARCTANGENT + 8);
    else if (A.kind === ZERO || B.kind === INFINITE) setReal(R, HALF_PI);
    else acuteAngle();
    if (isLeft) subtractFrom(PI);
  }
  R.sign = B.sign;
  R.lo |= 1;
}

/** R = a constant - R. */
function subtractFrom(row: u32): void {
  setReal(T, row);
  R.sign ^= 1;
  addFinite(R, T, R);
}

/** R = atan |B / A|: the smaller over the larger, and from it the nearest eighth. */
function acuteAngle(): void {
  const isSteep = B.exp !== A.exp ? B.exp > A.exp : B.hi > A.hi;
  setPositive(T, isSteep ? A : B);
  setPositive(U, isSteep ? B : A);
  divideFinite(V, T, U);
  const eighths: u64 = V.exp < -4 ? 0 : ((V.hi >> (59 - V.exp)) + 1) >> 1;
  if (eighths !== 0) awayFrom(eighths);
  if (V.kind === ZERO) setReal(R, ARCTANGENT + <u32>eighths);
  else {
    arctangent(R, V);
    multiplyFinite(R, R, V);
    if (eighths !== 0) {
      setReal(T, ARCTANGENT + <u32>eighths);
      addFinite(R, T, R);
    }
  }
  if (isSteep) subtractFrom(HALF_PI);
}

/** V = (T/U - c) / (1 + c × T/U) = (8T - kU) / (8U + kT) for c = k/8. */
function awayFrom(k: u64): void {
  setMagnitude(W, 1, k, 0);
  multiplyFinite(W, W, U);
  copy(V, T);
  V.exp += 3;
  addFinite(V, V, W);
  if (V.kind === ZERO) return;
  setMagnitude(W, 0, k, 0);
  multiplyFinite(W, W, T);
  U.exp += 3;
  addFinite(W, W, U);
  divideFinite(V, V, W);
}

function setPositive(u: Unpacked, from: Unpacked): void {
  copy(u, from);
  u.kind = NORMAL;
  u.sign = 0;
}
