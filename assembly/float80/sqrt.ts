/** Square root. SDM 2 "SQRTSD", "FSQRT". */

import { beginSse, beginX87, denormalsAreZero, precisionControl } from "./environment";
import { invalid, isNaNResult1, noteDenormal } from "./nan";
import { deliver, result } from "./result";
import { A, INFINITE, INTEGER_BIT, NORMAL, R, setInfinite, setZero, unpack, unpackExtended, ZERO } from "./unpacked";
import { multiplyHigh, squareRoot } from "./wide";

export function sqrt<T>(a: T, mxcsr: u32): T {
  beginSse(mxcsr);
  unpack<T>(A, a, denormalsAreZero);
  if (!isNaNResult1()) root();
  return result<T>();
}

export function fsqrt(destination: usize, a: usize, fcw: u32): bool {
  beginX87(fcw);
  unpackExtended(A, a);
  if (!isNaNResult1()) root();
  return deliver(destination, precisionControl(fcw));
}

/** R = √A. With N = root² + rest, √N passes root + ½ exactly when rest > root, as all of these are integers. */
function root(): void {
  if (A.kind === ZERO) return setZero(R, A.sign);
  if (A.sign) return invalid();
  noteDenormal(A);
  if (A.kind === INFINITE) return setInfinite(R, 0);
  const isOdd = (A.exp & 1) !== 0;
  const high = isOdd ? A.hi : A.hi >> 1;
  const low = isOdd ? 0 : A.hi << 63;
  const root = squareRoot(high, low);
  const rest = low - root * root;
  const restHigh = high - multiplyHigh(root, root) - (low < rest ? 1 : 0);
  const roundBit = restHigh !== 0 || rest > root ? INTEGER_BIT : 0;
  R.kind = NORMAL;
  R.sign = 0;
  R.exp = A.exp >> 1;
  R.hi = root;
  R.lo = roundBit | ((rest | restHigh) !== 0 ? 1 : 0);
}
