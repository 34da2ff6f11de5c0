/**
 * Power series in 128-bit fixed point, evaluated from the last term to the first. All of them are of one shape,
 *
 *    t = 1 ± m × t × numerator / denominator        1 ≤ n ≤ terms, m the variable or its square
 *
 * and give what the variable has to be multiplied by, so that a small variable keeps all its bits:
 *
 *    e^x - 1 = x (1 + x/2 (1 + x/3 (…)))            sin x = x (1 - x²/2·3 (1 - x²/4·5 (…)))        cos x = 1 - x²/1·2 (1 - x²/3·4 (…))
 *    atan x = x (1 - x²·1/3 (1 - x²·3/5 (…)))       artanh x = the same with +
 *
 * t is a fixed-point number below 2, m one below 1. The number of terms makes the first term left out smaller than 2^-120.
 */

import { normalise } from "./finite";
import { shiftRight } from "./round";
import { copy, INTEGER_BIT, NORMAL, Unpacked } from "./unpacked";
import { low, multiplyWide } from "./wide";

const LOW: u64 = 0xffffffff;

let tHigh: u64 = 0;
let tLow: u64 = 0;
let mHigh: u64 = 0;
let mLow: u64 = 0;

/** r = (e^x - 1) / x, |x| ≤ ln 2. */
export function exponential(r: Unpacked, x: Unpacked): void {
  start(r, x);
  for (let n: u64 = 30; n > 1; n--) {
    if (x.sign) stepDown(1, n);
    else stepUp(1, n);
  }
  finish(r);
}

/** r = sin x / x, |x| ≤ π/4. */
export function sine(r: Unpacked, x: Unpacked): void {
  startSquare(r, x);
  for (let n: u64 = 15; n > 0; n--) stepDown(1, 2 * n * (2 * n + 1));
  finish(r);
}

/** r = cos x, |x| ≤ π/4. */
export function cosine(r: Unpacked, x: Unpacked): void {
  startSquare(r, x);
  for (let n: u64 = 16; n > 0; n--) stepDown(1, 2 * n * (2 * n - 1));
  finish(r);
}

/** r = atan x / x, |x| ≤ 1/16. */
export function arctangent(r: Unpacked, x: Unpacked): void {
  startSquare(r, x);
  for (let n: u64 = 16; n > 0; n--) stepDown(2 * n - 1, 2 * n + 1);
  finish(r);
}

/** r = artanh x / x, |x| ≤ 0.1716, which is what logarithms between √½ and √2 need. */
export function areaTangent(r: Unpacked, x: Unpacked): void {
  startSquare(r, x);
  for (let n: u64 = 24; n > 0; n--) stepUp(2 * n - 1, 2 * n + 1);
  finish(r);
}

/** m = |x|, with r as scratch. */
function start(r: Unpacked, x: Unpacked): void {
  copy(r, x);
  shiftRight(r, -1 - x.exp);
  mHigh = r.hi;
  mLow = r.lo;
  tHigh = INTEGER_BIT;
  tLow = 0;
}

/** m = x². */
function startSquare(r: Unpacked, x: Unpacked): void {
  start(r, x);
  mHigh = multiplyWide(r.hi, r.lo, r.hi, r.lo);
  mLow = low;
}

function finish(r: Unpacked): void {
  r.kind = NORMAL;
  r.sign = 0;
  r.exp = 0;
  r.hi = tHigh;
  r.lo = tLow;
  normalise(r);
}

/** m × t / denominator × numerator. */
let termHigh: u64 = 0;
let termLow: u64 = 0;

function term(numerator: u64, denominator: u64): void {
  const high = multiplyWide(mHigh, mLow, tHigh, tLow);
  const q2 = high / denominator;
  const middle = ((high - q2 * denominator) << 32) | (low >> 32);
  const q1 = middle / denominator;
  const q0 = (((middle - q1 * denominator) << 32) | (low & LOW)) / denominator;
  const p0 = ((q1 << 32) + q0) & LOW;
  const carried = p0 * numerator;
  const upper = (((q1 << 32) + q0) >> 32) * numerator + (carried >> 32);
  termLow = (upper << 32) | (carried & LOW);
  termHigh = q2 * numerator + (upper >> 32);
}

function stepUp(numerator: u64, denominator: u64): void {
  term(numerator, denominator);
  tHigh = INTEGER_BIT + termHigh;
  tLow = termLow;
}

/** Stays below 1 even where the term is too small to count: the function does, and rounding is to see it. */
function stepDown(numerator: u64, denominator: u64): void {
  term(numerator, denominator);
  if ((termHigh | termLow) === 0) termLow = 1;
  tLow = 0 - termLow;
  tHigh = INTEGER_BIT - termHigh - (termLow !== 0 ? 1 : 0);
}
