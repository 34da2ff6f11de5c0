import { beginSse, beginX87, denormalsAreZero, precisionControl } from "./environment";
import { invalid, isNaNResult2, noteDenormals } from "./nan";
import { deliver, result } from "./result";
import { A, B, INFINITE, INTEGER_BIT, NORMAL, R, setInfinite, setZero, unpack, unpackAt, unpackExtended, ZERO } from "./unpacked";
import { multiplyHigh } from "./wide";

export function mul<T>(a: T, b: T, mxcsr: u32): T {
  beginSse(mxcsr);
  unpack<T>(A, a, denormalsAreZero);
  unpack<T>(B, b, denormalsAreZero);
  if (!isNaNResult2()) product();
  return result<T>();
}

export function fmul<F>(destination: usize, a: usize, b: usize, fcw: u32): bool {
  beginX87(fcw);
  unpackExtended(A, a);
  unpackAt<F>(B, b);
  if (!isNaNResult2()) product();
  return deliver(destination, precisionControl(fcw));
}

/** R = A × B, neither a NaN, not rounded. */
export function product(): void {
  if ((A.kind === INFINITE && B.kind === ZERO) || (A.kind === ZERO && B.kind === INFINITE)) return invalid();
  noteDenormals();
  const sign = A.sign ^ B.sign;
  if (A.kind === INFINITE || B.kind === INFINITE) return setInfinite(R, sign);
  if (A.kind === ZERO || B.kind === ZERO) return setZero(R, sign);
  R.kind = NORMAL;
  R.sign = sign;
  R.exp = A.exp + B.exp + 1;
  R.hi = multiplyHigh(A.hi, B.hi);
  R.lo = A.hi * B.hi;
  if (R.hi & INTEGER_BIT) return;
  R.hi = (R.hi << 1) | (R.lo >> 63);
  R.lo <<= 1;
  R.exp--;
}
