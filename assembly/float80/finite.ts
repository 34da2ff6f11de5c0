/**
 * Arithmetic on unpacked numbers that are finite and not zero, with all 128 bits of the significand: the sum of FADD and of the fused
 * multiply-add, and everything inside the transcendental functions. Sums keep a sticky bit; products and quotients may be a few units
 * too small in the 128th bit.
 */

import { DOWN, rounding } from "./environment";
import { shiftRight } from "./round";
import { C, copy, INTEGER_BIT, NORMAL, setZero, Unpacked } from "./unpacked";
import { divideWide, low, multiplyHigh, multiplyWide } from "./wide";

/** r = a + b; r may be either. */
export function addFinite(r: Unpacked, a: Unpacked, b: Unpacked): void {
  if (isBelow(a, b)) combine(r, b, a);
  else combine(r, a, b);
}

/** r = a × b; r may be either. */
export function multiplyFinite(r: Unpacked, a: Unpacked, b: Unpacked): void {
  r.sign = a.sign ^ b.sign;
  r.exp = a.exp + b.exp + 1;
  r.hi = multiplyWide(a.hi, a.lo, b.hi, b.lo);
  r.lo = low;
  r.kind = NORMAL;
  normalise(r);
}

/** r = a / b; r may be either. Two digits of schoolbook division in base 2^64. */
export function divideFinite(r: Unpacked, a: Unpacked, b: Unpacked): void {
  const isBelowOne = a.hi < b.hi || (a.hi === b.hi && a.lo < b.lo);
  const down: u64 = isBelowOne ? 0 : 1;
  restHigh = a.hi >> down;
  restLow = isBelowOne ? a.lo : (a.hi << 63) | (a.lo >> 1);
  const first = quotientDigit(b, isBelowOne ? 0 : a.lo << 63);
  const second = quotientDigit(b, 0);
  r.kind = NORMAL;
  r.sign = a.sign ^ b.sign;
  r.exp = a.exp - b.exp - (isBelowOne ? 1 : 0);
  r.hi = first;
  r.lo = second;
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

/** x - x is +0, or -0 when rounding down. */
export function differenceZeroSign(): u32 {
  return rounding === DOWN ? 1 : 0;
}

/** r = large + small, |large| ≥ |small|. */
function combine(r: Unpacked, large: Unpacked, small: Unpacked): void {
  copy(C, small);
  shiftRight(C, large.exp - small.exp);
  const isSum = large.sign === small.sign;
  const hi = large.hi;
  const lo = large.lo;
  r.kind = NORMAL;
  r.sign = large.sign;
  r.exp = large.exp;
  if (isSum) {
    r.lo = lo + C.lo;
    const carry: u64 = r.lo < C.lo ? 1 : 0;
    r.hi = hi + C.hi + carry;
    if (r.hi < hi || (carry !== 0 && r.hi === hi)) {
      shiftRight(r, 1);
      r.hi |= INTEGER_BIT;
      r.exp++;
    }
  } else {
    r.lo = lo - C.lo;
    r.hi = hi - C.hi - (lo < C.lo ? 1 : 0);
    if ((r.hi | r.lo) === 0) setZero(r, differenceZeroSign());
    else normalise(r);
  }
}

function isBelow(a: Unpacked, b: Unpacked): bool {
  return a.exp !== b.exp ? a.exp < b.exp : a.hi !== b.hi ? a.hi < b.hi : a.lo < b.lo;
}

/** What is left to divide, always below the divisor. */
let restHigh: u64 = 0;
let restLow: u64 = 0;

/**
 * 64 bits of quotient from the rest and the next digit of the dividend: guessed from the upper half of the divisor, then less while the
 * new rest is negative.
 */
function quotientDigit(b: Unpacked, next: u64): u64 {
  let q = restHigh >= b.hi ? ~(<u64>0) : divideWide(restHigh, restLow, b.hi);
  // rest:next - q × b, in three words
  const q0 = q * b.lo;
  const q0High = multiplyHigh(q, b.lo);
  const q1 = q * b.hi;
  const middleProduct = q1 + q0High;
  const topProduct = multiplyHigh(q, b.hi) + (middleProduct < q1 ? 1 : 0);
  let bottom = next - q0;
  let borrow: u64 = next < q0 ? 1 : 0;
  let middle = restLow - middleProduct - borrow;
  borrow = restLow < middleProduct || (restLow === middleProduct && borrow !== 0) ? 1 : 0;
  let top: i64 = restHigh - topProduct - borrow;
  while (top < 0) {
    q--;
    bottom += b.lo;
    const carry: u64 = bottom < b.lo ? 1 : 0;
    const sum = middle + b.hi;
    const over: i64 = sum < b.hi ? 1 : 0;
    middle = sum + carry;
    top += over + (middle < sum ? 1 : 0);
  }
  restHigh = middle;
  restLow = bottom;
  return q;
}
