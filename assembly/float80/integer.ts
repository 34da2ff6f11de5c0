/**
 * Rounding to an integer, and conversion to and from integers. SDM 2 "ROUNDSD", "CVTSD2SI", "CVTTSD2SI", "CVTSI2SD", "FRNDINT",
 * "FIST/FISTP", "FISTTP", "FILD".
 */

import { beginSse, beginX87, denormalsAreZero, flags, IE, isStopped, PE, rounding, signal, signalRoundedUp, TRUNCATE } from "./environment";
import { isNaNResult1, noteDenormal } from "./nan";
import { deliver, result } from "./result";
import { roundsUp, shiftRight } from "./round";
import { A, copy, NORMAL, R, setInteger, setMagnitude, setZero, Unpacked, unpack, unpackExtended, ZERO } from "./unpacked";

/** ROUNDSx with its immediate: bits 1:0 the rounding unless bit 2 says MXCSR.RC, bit 3 suppresses PE. */
export function roundToIntegral<T>(a: T, immediate: u32, mxcsr: u32): T {
  beginSse(mxcsr);
  unpack<T>(A, a, denormalsAreZero);
  if (!isNaNResult1()) {
    integral(immediate & 4 ? rounding : immediate & 3);
    if (isFractional && !(immediate & 8)) signal(PE);
  }
  return result<T>();
}

export function frndint(destination: usize, a: usize, fcw: u32): bool {
  beginX87(fcw);
  unpackExtended(A, a);
  if (!isNaNResult1()) {
    noteDenormal(A);
    if (!isStopped()) {
      integral(rounding);
      signalFraction();
    }
  }
  return deliver(destination, 64);
}

/** CVTSx2SI to I = i32 or i64. */
export function toInteger<T, I>(a: T, mxcsr: u32): I {
  beginSse(mxcsr);
  unpack<T>(A, a, denormalsAreZero);
  return integer<I>(rounding);
}

/** CVTTSx2SI. */
export function truncateToInteger<T, I>(a: T, mxcsr: u32): I {
  beginSse(mxcsr);
  unpack<T>(A, a, denormalsAreZero);
  return integer<I>(TRUNCATE);
}

/** CVTSI2Sx. */
export function fromInteger<T>(a: i64, mxcsr: u32): T {
  beginSse(mxcsr);
  setInteger(R, a);
  return result<T>();
}

/** FIST to I = i16, i32 or i64. */
export function fist<I>(address: usize, a: usize, fcw: u32): bool {
  beginX87(fcw);
  unpackExtended(A, a);
  return storeInteger<I>(address, integer<I>(rounding));
}

export function fisttp<I>(address: usize, a: usize, fcw: u32): bool {
  beginX87(fcw);
  unpackExtended(A, a);
  return storeInteger<I>(address, integer<I>(TRUNCATE));
}

function storeInteger<I>(address: usize, value: I): bool {
  if (isStopped()) return false;
  store<I>(address, value);
  return true;
}

/** What the last rounding to an integer cut off, and whether it went up. */
let isFractional = false;
let isRoundedUp = false;

function signalFraction(): void {
  if (!isFractional) return;
  signal(PE);
  if (isRoundedUp) signalRoundedUp();
}

/** A as an integer, or the integer indefinite with IE. */
function integer<I>(mode: u32): I {
  const indefinite: u64 = (<u64>1) << (8 * sizeof<I>() - 1);
  const value = integerWithin(mode, indefinite - 1 + (A.sign as u64));
  if (flags & IE) return <I>indefinite;
  return <I>value;
}

/** A rounded to an integer if its magnitude is at most `limit`, else IE. */
export function integerWithin(mode: u32, limit: u64): i64 {
  if (A.kind === ZERO) return 0;
  const magnitude = A.isFinite && A.exp < 64 ? roundedMagnitude(A, mode) : 0;
  if (!A.isFinite || A.exp >= 64 || magnitude > limit) {
    signal(IE);
    return 0;
  }
  signalFraction();
  return A.sign ? 0 - (magnitude as i64) : (magnitude as i64);
}

/** R = A rounded to an integer, A not a NaN; PE is left to the caller. */
function integral(mode: u32): void {
  isFractional = false;
  copy(R, A);
  if (A.kind === ZERO || !A.isFinite) return;
  R.kind = NORMAL;
  if (A.exp >= 63) return;
  const magnitude = roundedMagnitude(A, mode);
  if (magnitude === 0) setZero(R, A.sign);
  else setMagnitude(R, A.sign, magnitude, 0);
}

/** |u| rounded to an integer, for exp < 64. */
function roundedMagnitude(u: Unpacked, mode: u32): u64 {
  copy(R, u);
  shiftRight(R, 63 - u.exp);
  isFractional = R.lo !== 0;
  isRoundedUp = roundsUp(mode, u.sign, (R.hi & 1) !== 0, R.lo);
  return R.hi + (isRoundedUp ? 1 : 0);
}
