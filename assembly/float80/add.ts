/**
 * Addition and subtraction: one routine on unpacked numbers, and its face for SSE (bits) and for the x87 (cells). SDM 2 "ADDSD",
 * "SUBSD", "FADD/FADDP/FIADD", "FSUB/FSUBP/FISUB".
 */

import { beginSse, beginX87, denormalsAreZero, precisionControl } from "./environment";
import { addFinite, differenceZeroSign } from "./finite";
import { invalid, isNaNResult2, noteDenormals } from "./nan";
import { deliver, result } from "./result";
import { A, B, copy, INFINITE, NORMAL, R, setInfinite, setZero, Unpacked, unpack, unpackAt, unpackExtended, ZERO } from "./unpacked";

export function add<T>(a: T, b: T, mxcsr: u32): T {
  beginSse(mxcsr);
  unpack<T>(A, a, denormalsAreZero);
  unpack<T>(B, b, denormalsAreZero);
  if (!isNaNResult2()) sum();
  return result<T>();
}

export function sub<T>(a: T, b: T, mxcsr: u32): T {
  beginSse(mxcsr);
  unpack<T>(A, a, denormalsAreZero);
  unpack<T>(B, b, denormalsAreZero);
  if (!isNaNResult2()) difference();
  return result<T>();
}

/** destination = a + the operand of format F at b. */
export function fadd<F>(destination: usize, a: usize, b: usize, fcw: u32): bool {
  beginX87(fcw);
  unpackExtended(A, a);
  unpackAt<F>(B, b);
  if (!isNaNResult2()) sum();
  return deliver(destination, precisionControl(fcw));
}

export function fsub<F>(destination: usize, a: usize, b: usize, fcw: u32): bool {
  beginX87(fcw);
  unpackExtended(A, a);
  unpackAt<F>(B, b);
  if (!isNaNResult2()) difference();
  return deliver(destination, precisionControl(fcw));
}

export function fsubr<F>(destination: usize, a: usize, b: usize, fcw: u32): bool {
  beginX87(fcw);
  unpackAt<F>(A, b);
  unpackExtended(B, a);
  if (!isNaNResult2()) difference();
  return deliver(destination, precisionControl(fcw));
}

function difference(): void {
  B.sign ^= 1;
  sum();
}

/** R = A + B, neither a NaN. */
export function sum(): void {
  if (A.kind === INFINITE && B.kind === INFINITE && A.sign !== B.sign) return invalid();
  noteDenormals();
  if (A.kind === INFINITE) setInfinite(R, A.sign);
  else if (B.kind === INFINITE) setInfinite(R, B.sign);
  else if (A.kind === ZERO && B.kind === ZERO) setZero(R, A.sign === B.sign ? A.sign : differenceZeroSign());
  else if (B.kind === ZERO) copyFinite(A);
  else if (A.kind === ZERO) copyFinite(B);
  else addFinite(R, A, B);
}

function copyFinite(u: Unpacked): void {
  copy(R, u);
  R.kind = NORMAL;
}
