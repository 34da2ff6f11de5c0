/**
 * The long way of SSE floats: what wasm's own arithmetic is not known to answer exactly, flags included. SDM Vol. 1 "SIMD Floating-Point
 * Exceptions".
 *
 * Until a program's first inexact result every operation comes here, as only that makes PE sticky. Programs that calculate with integers
 * in floats never have one: for them exactness is proved, where that is cheap, before the software floats are asked.
 */
import { Op } from "../decode/op";
import { add, sub } from "../float80/add";
import { compareQuiet, compareSignalling, EQUAL, GREATER, LESS } from "../float80/compare";
import { convert } from "../float80/convert";
import { div } from "../float80/div";
import { DE, flags, IE, ZE } from "../float80/environment";
import { fromInteger, toInteger, truncateToInteger } from "../float80/integer";
import { mul } from "../float80/mul";
import { sqrt } from "../float80/sqrt";
import { CR4_OSXMMEXCPT, VECTOR_UD, VECTOR_XM } from "../generated/constants";
import { raise } from "../raise";
import { Exec } from "./exec";

// those whose exactness may be proved
export const ADD: u32 = 0;
export const SUB: u32 = 1;
export const MUL: u32 = 2;
export const DIV: u32 = 3;
export const SQRT: u32 = 4;
export const FROM_INTEGER: u32 = 5;
export const FROM_DOUBLE: u32 = 6;
export const MIN: u32 = 7;
export const MAX: u32 = 8;
export const FROM_SINGLE: u32 = 9;
// to integers, rounded by MXCSR or truncated, of 64 or 32 bits
export const TO_INTEGER: u32 = 10;
export const TRUNCATE: u32 = 11;
export const TO_INTEGER_32: u32 = 12;
export const TRUNCATE_32: u32 = 13;
/** these give ZF PF CF */
export const UCOMI: u32 = 14;
export const COMI: u32 = 15;
/** plus a predicate of CMPPS: all ones or all zeros */
export const COMPARE: u32 = 16;
/** packed only: SUB in lanes with even numbers, ADD in the others */
export const ADDSUB: u32 = 24;

const FLAGS: u32 = 0x3f;
/** exceptions found in the operands; unmasked in one lane they keep all lanes from being computed */
const BEFORE: u32 = IE | DE | ZE;
const RC: u32 = 0x6000;
const DAZ: u32 = 0x40;

/** what the operations of the running instruction have raised */
let raised: u32 = 0;

/** Starts an instruction that may have several operations. */
export function beginSoft(): void {
  raised = 0;
}

/** One operation on floats of type U by their bits; what it raises is kept for `settle`. */
export function softLane<U>(b: Exec, operation: u32, x: u64, y: u64): u64 {
  if ((b.mxcsr & RC) == 0 && operation < MIN) {
    const r = exact<U>(b, operation, x, y);
    if (r != INEXACT) return r;
  }
  const r = operate<U>(operation, x, y, b.mxcsr);
  raised |= flags;
  return r;
}

/** An operation done elsewhere has raised these. */
export function note(flags: u32): void {
  raised |= flags;
}

/** After the operations: flags become sticky; #XM if an unmasked exception is among them, #UD if the system knows no #XM. */
export function settle(b: Exec, op: Op): void {
  const unmasked = ~(b.mxcsr >> 7) & FLAGS;
  if ((raised & unmasked & BEFORE) != 0) raised &= BEFORE;
  b.mxcsr |= raised;
  if ((raised & unmasked) != 0) raise(b, op, (b.cr4 & CR4_OSXMMEXCPT) != 0 ? VECTOR_XM : VECTOR_UD, 0);
}

export function softScalar<U>(b: Exec, op: Op, operation: u32, x: u64, y: u64): u64 {
  beginSoft();
  const r = softLane<U>(b, operation, x, y);
  settle(b, op);
  return r;
}

/** operands and result of packed operations, in memory where lanes have addresses */
const X: usize = memory.data(16, 16);
const Y: usize = memory.data(16, 16);
const R: usize = memory.data(16, 16);

export function softPacked<U>(b: Exec, op: Op, operation: u32, x: v128, y: v128): v128 {
  if ((b.mxcsr & RC) == 0 && operation <= MUL && isExactPacked<U>(b, operation, x, y))
    return operation == ADD ? v128.add<U>(x, y) : operation == SUB ? v128.sub<U>(x, y) : v128.mul<U>(x, y);
  v128.store(X, x);
  v128.store(Y, y);
  beginSoft();
  for (let at: usize = 0; at < 16; at += sizeof<U>()) {
    const one = operation != ADDSUB ? operation : (at & sizeof<U>()) == 0 ? SUB : ADD;
    b.setF<U>(R + at, softLane<U>(b, one, b.getF<U>(X + at), b.getF<U>(Y + at)));
  }
  settle(b, op);
  return v128.load(R);
}

/** U is the format of the result, or of the source if the result is an integer. */
function operate<U>(operation: u32, x: u64, y: u64, mxcsr: u32): u64 {
  if (operation == FROM_SINGLE) return convert<u32, u64>(<u32>y, mxcsr);
  if (operation == FROM_DOUBLE) return <u64>convert<u64, u32>(y, mxcsr);
  if (sizeof<U>() == 4) {
    if (operation == FROM_INTEGER) return <u64>fromInteger<u32>(<i64>y, mxcsr);
    return operateOn<u32>(operation, <u32>x, <u32>y, mxcsr);
  }
  if (operation == FROM_INTEGER) return fromInteger<u64>(<i64>y, mxcsr);
  return operateOn<u64>(operation, x, y, mxcsr);
}

function operateOn<W>(operation: u32, x: W, y: W, mxcsr: u32): u64 {
  switch (operation) {
    case ADD:
      return <u64>add<W>(x, y, mxcsr);
    case SUB:
      return <u64>sub<W>(x, y, mxcsr);
    case MUL:
      return <u64>mul<W>(x, y, mxcsr);
    case DIV:
      return <u64>div<W>(x, y, mxcsr);
    case SQRT:
      return <u64>sqrt<W>(y, mxcsr);
    case MIN:
      return flushed<W>(compareSignalling<W>(x, y, mxcsr) == LESS ? x : y, mxcsr);
    case MAX:
      return flushed<W>(compareSignalling<W>(x, y, mxcsr) == GREATER ? x : y, mxcsr);
    case UCOMI:
      return <u64>compareQuiet<W>(x, y, mxcsr);
    case COMI:
      return <u64>compareSignalling<W>(x, y, mxcsr);
    case TO_INTEGER:
      return <u64>toInteger<W, i64>(y, mxcsr);
    case TRUNCATE:
      return <u64>truncateToInteger<W, i64>(y, mxcsr);
    case TO_INTEGER_32:
      return <u64>toInteger<W, i32>(y, mxcsr);
    case TRUNCATE_32:
      return <u64>truncateToInteger<W, i32>(y, mxcsr);
  }
  const predicate = operation - COMPARE;
  const isQuiet = ((0x99 >> predicate) & 1) != 0;
  const order = isQuiet ? compareQuiet<W>(x, y, mxcsr) : compareSignalling<W>(x, y, mxcsr);
  return 0 - <u64>holds(predicate, order);
}

/** A denormal as DAZ sees it. */
function flushed<W>(x: W, mxcsr: u32): u64 {
  const exponent: u64 = sizeof<W>() == 4 ? 0x7f800000 : 0x7ff0000000000000;
  const sign: u64 = sizeof<W>() == 4 ? 0x80000000 : 0x8000000000000000;
  return (mxcsr & DAZ) != 0 && (<u64>x & exponent) == 0 ? <u64>x & sign : <u64>x;
}

/** Whether a predicate of CMPPS holds for operands in this order: a bit for each predicate. */
export function holds(predicate: u32, order: u32): bool {
  const predicates = order == EQUAL ? 0xa5 : order == LESS ? 0x96 : order == GREATER ? 0xf0 : 0x78;
  return ((predicates >> predicate) & 1) != 0;
}

// ---- exactness

/** not the bits of any exact result: a NaN */
const INEXACT: u64 = 0xffffffffffffffff;

/** The result if it is known to be exact and to raise nothing. */
function exact<U>(b: Exec, operation: u32, x: u64, y: u64): u64 {
  if (operation >= FROM_INTEGER) return exactConversion<U>(b, operation, y);
  if (operation != SQRT && b.denormalF<U>(x) != 0) return INEXACT;
  if (b.denormalF<U>(y) != 0) return INEXACT;
  let r: u64;
  switch (operation) {
    case ADD:
      r = b.addF<U>(x, y);
      return b.oddSumF<U>(r) == 0 && isSum<U>(b.toF<U>(x), b.toF<U>(y), b.toF<U>(r)) ? r : INEXACT;
    case SUB:
      r = b.subF<U>(x, y);
      return b.oddSumF<U>(r) == 0 && isSum<U>(b.toF<U>(x), -b.toF<U>(y), b.toF<U>(r)) ? r : INEXACT;
    case MUL:
      r = b.mulF<U>(x, y);
      return b.oddProductF<U>(r, x, y) == 0 && isProduct<U>(x, y) ? r : INEXACT;
    case DIV:
      r = b.divF<U>(x, y);
      return b.oddProductF<U>(r, x, x) == 0 && isProduct<U>(r, y) && b.mulF<U>(r, y) == x ? r : INEXACT;
    default:
      r = b.sqrtF<U>(y);
      return b.oddSumF<U>(r) == 0 && isProduct<U>(r, r) && b.mulF<U>(r, r) == y ? r : INEXACT;
  }
}

/** All lanes of a sum, difference or product are known to be exact and to raise nothing. */
function isExactPacked<U>(b: Exec, operation: u32, x: v128, y: v128): bool {
  const denormal = v128.or(b.denormalX<U>(x), b.denormalX<U>(y));
  if (operation == MUL) {
    // factors of half the digits: their product has no more than all
    const low = sizeof<U>() == 4 ? i32x4.splat(0xfff) : i64x2.splat(0x7ffffff);
    const odd = b.oddProductX<U>(v128.mul<U>(x, y), x, y);
    return !v128.any_true(v128.or(v128.or(denormal, odd), v128.and(v128.or(x, y), low)));
  }
  const addend = operation == ADD ? y : v128.neg<U>(y);
  const r = v128.add<U>(x, addend);
  const t = v128.sub<U>(r, x);
  const error = v128.add<U>(v128.sub<U>(x, v128.sub<U>(r, t)), v128.sub<U>(addend, t));
  return !v128.any_true(v128.or(v128.or(denormal, b.oddSumX<U>(r)), v128.ne<U>(error, i64x2.splat(0))));
}

/** An integer whose significant bits fit; a double that comes back from a normal single. */
function exactConversion<U>(b: Exec, operation: u32, y: u64): u64 {
  if (operation == FROM_INTEGER) {
    const magnitude = <i64>y < 0 ? 0 - y : y;
    return 64 - clz<u64>(magnitude) - ctz<u64>(magnitude) <= digits<U>() || y == 0 ? b.ofF<U>(<U>(<i64>y)) : INEXACT;
  }
  const r = b.demoteF(y);
  return b.oddSumF<f32>(r) == 0 && b.promoteF(r) == y ? r : INEXACT;
}

/** of a significand */
function digits<U>(): u64 {
  return sizeof<U>() == 4 ? 24 : 53;
}

/** The rounding error of r = x + y, by Knuth's two-sum, is zero. */
function isSum<U>(x: U, y: U, r: U): bool {
  const t = r - x;
  return x - (r - t) + (y - t) == <U>0;
}

/** The product of two significands with so many zeros at their ends fits: each has `digits`, of which a power of two uses one. */
function isProduct<U>(x: u64, y: u64): bool {
  const top: u64 = (<u64>1) << (digits<U>() - 1);
  const a = ctz<u64>(x | top);
  const b = ctz<u64>(y | top);
  return a + b >= digits<U>() || a == digits<U>() - 1 || b == digits<U>() - 1;
}
