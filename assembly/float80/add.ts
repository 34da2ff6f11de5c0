// Addition and subtraction: one routine on unpacked numbers, and its face for SSE (bits) and for the x87 (cells).
// SDM 2 "ADDSD", "SUBSD", "FADD/FADDP/FIADD", "FSUB/FSUBP/FISUB".

import { beginSse, beginX87, DOWN, denormalsAreZero, precisionControl, rounding } from "./environment";
import { invalid, isNaNResult2, noteDenormals } from "./nan";
import { deliver, result } from "./result";
import { shiftRight } from "./round";
import { A, B, C, copy, INFINITE, NORMAL, R, setInfinite, setZero, Unpacked, unpack, unpackAt, unpackExtended, ZERO } from "./unpacked";

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
  else if (A.kind === ZERO && B.kind === ZERO) setZero(R, A.sign === B.sign ? A.sign : zeroSign());
  else if (B.kind === ZERO) copyFinite(A);
  else if (A.kind === ZERO) copyFinite(B);
  else if (isBelow(A, B)) combine(B, A);
  else combine(A, B);
}

/** R = large + small, both finite and not zero, |large| ≥ |small|, each with up to 128 significant bits. */
function combine(large: Unpacked, small: Unpacked): void {
  copy(C, small);
  shiftRight(C, large.exp - small.exp);
  R.kind = NORMAL;
  R.sign = large.sign;
  R.exp = large.exp;
  if (large.sign === small.sign) {
    R.lo = large.lo + C.lo;
    const carry: u64 = R.lo < C.lo ? 1 : 0;
    R.hi = large.hi + C.hi + carry;
    if (R.hi < large.hi || (carry !== 0 && R.hi === large.hi)) {
      shiftRight(R, 1);
      R.hi |= 0x8000000000000000;
      R.exp++;
    }
  } else {
    const borrow: u64 = large.lo < C.lo ? 1 : 0;
    R.lo = large.lo - C.lo;
    R.hi = large.hi - C.hi - borrow;
    if ((R.hi | R.lo) === 0) setZero(R, zeroSign());
    else normalise(R);
  }
}

/** Shifts left until the integer bit is set. */
export function normalise(u: Unpacked): void {
  if (u.hi === 0) {
    u.hi = u.lo;
    u.lo = 0;
    u.exp -= 64;
  }
  const shift = <i32>clz(u.hi);
  if (shift === 0) return;
  u.hi = (u.hi << shift) | (u.lo >> (64 - shift));
  u.lo <<= shift;
  u.exp -= shift;
}

function copyFinite(u: Unpacked): void {
  copy(R, u);
  R.kind = NORMAL;
}

function isBelow(a: Unpacked, b: Unpacked): bool {
  return a.exp !== b.exp ? a.exp < b.exp : a.hi !== b.hi ? a.hi < b.hi : a.lo < b.lo;
}

/** x - x is +0, or -0 when rounding down. */
function zeroSign(): u32 {
  return rounding === DOWN ? 1 : 0;
}
