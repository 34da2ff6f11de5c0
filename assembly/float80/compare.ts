/**
 * Comparison. SDM 2 "COMISD", "UCOMISD", "FCOM/FCOMP/FCOMPP", "FUCOM/FUCOMP/FUCOMPP", "FCOMI/FCOMIP/FUCOMI/FUCOMIP", "FTST".
 *
 * A relation is given as the bits ZF, PF and CF have in EFLAGS; shifted left by 8 they are C3, C2 and C0 in FSW.
 */

import { beginSse, beginX87, denormalsAreZero, IE, signal } from "./environment";
import { noteDenormals } from "./nan";
import { A, B, INFINITE, QNAN, SNAN, setZero, unpack, unpackAt, unpackExtended, ZERO } from "./unpacked";

export const GREATER: u32 = 0x00;
export const LESS: u32 = 0x01;
export const EQUAL: u32 = 0x40;
export const UNORDERED: u32 = 0x45;

/** Only an SNaN is invalid: UCOMISx, CMPxx with the quiet predicates. */
export function compareQuiet<T>(a: T, b: T, mxcsr: u32): u32 {
  beginSse(mxcsr);
  unpack<T>(A, a, denormalsAreZero);
  unpack<T>(B, b, denormalsAreZero);
  return relation(SNAN);
}

/** Any NaN is invalid: COMISx, CMPxx with the signalling predicates. */
export function compareSignalling<T>(a: T, b: T, mxcsr: u32): u32 {
  beginSse(mxcsr);
  unpack<T>(A, a, denormalsAreZero);
  unpack<T>(B, b, denormalsAreZero);
  return relation(QNAN);
}

/** FCOM, FCOMI, FICOM. */
export function fcom<F>(a: usize, b: usize, fcw: u32): u32 {
  beginX87(fcw);
  unpackExtended(A, a);
  unpackAt<F>(B, b);
  return relation(QNAN);
}

/** FUCOM, FUCOMI. */
export function fucom(a: usize, b: usize, fcw: u32): u32 {
  beginX87(fcw);
  unpackExtended(A, a);
  unpackExtended(B, b);
  return relation(SNAN);
}

export function ftst(a: usize, fcw: u32): u32 {
  beginX87(fcw);
  unpackExtended(A, a);
  setZero(B, 0);
  return relation(QNAN);
}

/** Relation of A to B; an operand of kind `least` or above makes the comparison invalid if there is a NaN. */
function relation(least: u32): u32 {
  if (A.isNaN || B.isNaN) {
    if (A.kind >= least || B.kind >= least) signal(IE);
    return UNORDERED;
  }
  noteDenormals();
  if (A.kind === ZERO && B.kind === ZERO) return EQUAL;
  if (A.sign !== B.sign || B.kind === ZERO) return A.kind === ZERO ? ofSign(B.sign ^ 1) : ofSign(A.sign);
  if (A.kind === ZERO) return ofSign(B.sign ^ 1);
  if (A.kind === INFINITE || B.kind === INFINITE) return A.kind === B.kind ? EQUAL : ofSign(A.kind === INFINITE ? A.sign : A.sign ^ 1);
  if (A.exp !== B.exp) return ofSign(A.exp > B.exp ? A.sign : A.sign ^ 1);
  if (A.hi !== B.hi) return ofSign(A.hi > B.hi ? A.sign : A.sign ^ 1);
  return EQUAL;
}

/** The relation of a difference of this sign to zero. */
function ofSign(sign: u32): u32 {
  return sign ? LESS : GREATER;
}
