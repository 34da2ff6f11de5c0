/**
 * The one rounding routine: any format is a precision and an exponent range. SDM 1 4.8.4 "Rounding", 4.9.1.5 "Numeric underflow
 * exception", 8.5.4 "Numeric overflow exception (#O)" and 8.5.5 "Numeric underflow exception (#U)" for the unmasked x87 responses.
 *
 * Tininess is decided after rounding as if the exponent had no lower bound. The x87 rounds to 24, 53 or 64 bits with the exponent range
 * of the extended format, so a denormal result loses bits below the same position in the register as a normal one.
 */

import {
  C1,
  flushToZero,
  isUnmasked,
  isX87,
  NEAREST,
  OE,
  PE,
  rounding,
  signal,
  signalRoundedUp,
  TRUNCATE,
  UE,
  UP,
  withdraw,
} from "./environment";
import { INTEGER_BIT, setInfinite, setZero, Unpacked } from "./unpacked";

/** What an unmasked overflow or underflow gives: SSE and x87 stores deliver nothing, x87 registers get the exponent wrapped into range. */
export const NO_RESULT: i32 = 0;
export const WRAPPED: i32 = 24576;

/** Rounds a NORMAL number in place; false if an unmasked overflow or underflow leaves no result. */
export function round(u: Unpacked, precision: i32, bias: i32, response: i32): bool {
  const least = 1 - bias;
  let isTiny = false;
  if (u.exp < least) {
    isTiny = u.exp < least - 1 || !roundsToPowerOfTwo(u, precision);
    if (isTiny && flushToZero) {
      vanish(u);
      return true;
    }
    if (isTiny && isUnmasked(UE)) {
      signal(UE);
      if (response === NO_RESULT) return noResult(u, precision);
      u.exp += response;
      if (u.exp >= least) roundSignificand(u, precision);
      else vanish(u);
      return true;
    }
    shiftRight(u, least - u.exp);
    u.exp = least;
  }
  const isInexact = roundSignificand(u, precision);
  if (isTiny && isInexact) signal(UE);
  if (u.hi === 0) setZero(u, u.sign);
  return u.exp <= bias || overflow(u, precision, bias, response);
}

/** Shifts right by any positive count, keeping in the lowest bit whether anything was lost. */
export function shiftRight(u: Unpacked, count: i32): void {
  if (count < 64) {
    if (count === 0) return;
    const lost: u64 = u.lo << (64 - count) ? 1 : 0;
    u.lo = (u.hi << (64 - count)) | (u.lo >> count) | lost;
    u.hi >>= count;
  } else if (count < 128) {
    const lost: u64 = (u.lo | (count === 64 ? 0 : u.hi << (128 - count))) !== 0 ? 1 : 0;
    u.lo = (u.hi >> (count - 64)) | lost;
    u.hi = 0;
  } else {
    u.lo = (u.hi | u.lo) !== 0 ? 1 : 0;
    u.hi = 0;
  }
}

/** Whether a magnitude goes up: `isOdd` is its last kept bit, `rest` the cut-off bits as a fraction of 2^64 with sticky. */
export function roundsUp(mode: u32, sign: u32, isOdd: bool, rest: u64): bool {
  if (mode === NEAREST) return rest > INTEGER_BIT || (rest === INTEGER_BIT && isOdd);
  if (mode === TRUNCATE || rest === 0) return false;
  return (mode === UP) === (sign === 0);
}

/** Cuts the significand to `precision` bits, carrying into the exponent; signals PE and C1. */
function roundSignificand(u: Unpacked, precision: i32): bool {
  const rest = bitsBelow(u, precision);
  u.lo = 0;
  if (rest === 0) return false;
  const shift = 64 - precision;
  let kept = u.hi >> shift;
  signal(PE);
  if (roundsUp(rounding, u.sign, (kept & 1) !== 0, rest)) {
    signalRoundedUp();
    kept++;
    if (kept << shift === 0) {
      kept = INTEGER_BIT >> shift;
      u.exp++;
    }
  }
  u.hi = kept << shift;
  return true;
}

function bitsBelow(u: Unpacked, precision: i32): u64 {
  if (precision === 64) return u.lo;
  return (u.hi << precision) | (u.lo !== 0 ? 1 : 0);
}

function roundsToPowerOfTwo(u: Unpacked, precision: i32): bool {
  const shift = 64 - precision;
  return ~u.hi >> shift === 0 && roundsUp(rounding, u.sign, true, bitsBelow(u, precision));
}

function vanish(u: Unpacked): void {
  signal(UE | PE);
  setZero(u, u.sign);
}

function overflow(u: Unpacked, precision: i32, bias: i32, response: i32): bool {
  signal(OE);
  if (isUnmasked(OE)) {
    if (response === NO_RESULT) return noResult(u, precision);
    if (u.exp - response <= bias) {
      u.exp -= response;
      return true;
    }
  }
  signal(PE);
  // Only FSCALE gets so far that the wrapped exponent is out of range as well: infinity, whatever RC says (zero at the other end).
  if (isUnmasked(OE) || rounding === NEAREST || roundsUp(rounding, u.sign, false, 1)) {
    signalRoundedUp();
    setInfinite(u, u.sign);
  } else {
    u.exp = bias;
    u.hi = ~(<u64>0) << (64 - precision);
  }
  return true;
}

/** SSE still says whether the result would have been inexact, an x87 store does not. */
function noResult(u: Unpacked, precision: i32): bool {
  if (isX87) withdraw(PE | C1);
  else roundSignificand(u, precision);
  return false;
}
