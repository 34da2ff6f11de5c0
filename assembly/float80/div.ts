/** Division. SDM 2 "DIVSD", "FDIV/FDIVP/FIDIV", "FDIVR/FDIVRP/FIDIVR". */

import { beginSse, beginX87, denormalsAreZero, precisionControl, signal, ZE } from "./environment";
import { invalid, isNaNResult2, noteDenormals } from "./nan";
import { deliver, result } from "./result";
import { A, B, INFINITE, NORMAL, R, setInfinite, setZero, unpack, unpackAt, unpackExtended, ZERO } from "./unpacked";
import { divideWide } from "./wide";

export function div<T>(a: T, b: T, mxcsr: u32): T {
  beginSse(mxcsr);
  unpack<T>(A, a, denormalsAreZero);
  unpack<T>(B, b, denormalsAreZero);
  if (!isNaNResult2()) quotient();
  return result<T>();
}

export function fdiv<F>(destination: usize, a: usize, b: usize, fcw: u32): bool {
  beginX87(fcw);
  unpackExtended(A, a);
  unpackAt<F>(B, b);
  if (!isNaNResult2()) quotient();
  return deliver(destination, precisionControl(fcw));
}

export function fdivr<F>(destination: usize, a: usize, b: usize, fcw: u32): bool {
  beginX87(fcw);
  unpackAt<F>(A, b);
  unpackExtended(B, a);
  if (!isNaNResult2()) quotient();
  return deliver(destination, precisionControl(fcw));
}

/** R = A / B, neither a NaN: 64 bits of quotient, then a round bit and a sticky bit. */
function quotient(): void {
  if (A.kind === B.kind && (A.kind === ZERO || A.kind === INFINITE)) return invalid();
  const sign = A.sign ^ B.sign;
  if (B.kind === ZERO && A.isFinite) {
    signal(ZE);
    return setInfinite(R, sign);
  }
  noteDenormals();
  if (A.kind === INFINITE) return setInfinite(R, sign);
  if (A.kind === ZERO || B.kind === INFINITE) return setZero(R, sign);
  const isBelowOne = A.hi < B.hi;
  const high = isBelowOne ? A.hi : A.hi >> 1;
  const low = isBelowOne ? 0 : A.hi << 63;
  R.kind = NORMAL;
  R.sign = sign;
  R.exp = A.exp - B.exp - (isBelowOne ? 1 : 0);
  R.hi = divideWide(high, low, B.hi);
  const rest = low - R.hi * B.hi;
  R.lo = (rest >= B.hi - rest ? 0x8000000000000000 : 0) | (rest !== 0 && rest !== B.hi - rest ? 1 : 0);
}
