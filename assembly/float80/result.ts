/** How an operation ends: R is rounded and packed, unless an exception found in the operands is unmasked. */

import { isStopped } from "./environment";
import { NO_RESULT, round, WRAPPED } from "./round";
import { biasOf, EXTENDED_BIAS, NORMAL, pack, packExtended, precisionOf, R } from "./unpacked";

/** SSE: the bits of the result, meaningless if an unmasked exception is in `flags`. */
export function result<T>(): T {
  if (R.kind === NORMAL && !isStopped()) round(R, precisionOf<T>(), biasOf<T>(), NO_RESULT);
  return pack<T>(R);
}

/** x87 register: false and nothing written if an unmasked exception allows no result. */
export function deliver(destination: usize, precision: i32): bool {
  if (isStopped()) return false;
  if (R.kind === NORMAL) round(R, precision, EXTENDED_BIAS, WRAPPED);
  packExtended(destination, R);
  return true;
}
