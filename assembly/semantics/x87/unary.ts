/** Instructions on ST(0), or on ST(0) and ST(1): signs, roots, remainders, scaling, transcendentals. SDM Vol. 2 under the mnemonics. */
import { Exec } from "../../backend/exec";
import { Op } from "../../decode/op";
import * as arctangent from "../../float80/arctangent";
import { C0, C2, C3 } from "../../float80/environment";
import * as integer from "../../float80/integer";
import * as logarithm from "../../float80/logarithm";
import * as remainder from "../../float80/remainder";
import * as scale from "../../float80/scale";
import * as root from "../../float80/sqrt";
import * as trigonometry from "../../float80/trigonometry";
import {
  begin,
  end,
  FIRST_CELL,
  fill,
  isEmpty,
  move,
  overflow,
  pop,
  push,
  SECOND_CELL,
  setIndefinite,
  signal,
  st,
  underflow,
  waiting,
} from "./stack";

export function fchs(b: Exec, op: Op): void {
  if (!hasTop(b, op)) return;
  signal(b, 0);
  store<u8>(st(b, 0), load<u8>(st(b, 0), 9) ^ 0x80, 9);
}

export function fabs(b: Exec, op: Op): void {
  if (!hasTop(b, op)) return;
  signal(b, 0);
  store<u8>(st(b, 0), load<u8>(st(b, 0), 9) & 0x7f, 9);
}

export function fsqrt(b: Exec, op: Op): void {
  if (!hasTop(b, op)) return;
  root.fsqrt(st(b, 0), st(b, 0), b.fcw);
  end(b);
}

export function frndint(b: Exec, op: Op): void {
  if (!hasTop(b, op)) return;
  integer.frndint(st(b, 0), st(b, 0), b.fcw);
  end(b);
}

export function f2xm1(b: Exec, op: Op): void {
  if (!hasTop(b, op)) return;
  logarithm.f2xm1(st(b, 0), st(b, 0), b.fcw);
  end(b);
}

// ---- angles: C2 says that the operand was out of range and stays

export function fsin(b: Exec, op: Op): void {
  if (!hasAngle(b, op)) return;
  trigonometry.fsin(st(b, 0), st(b, 0), b.fcw);
  end(b);
}

export function fcos(b: Exec, op: Op): void {
  if (!hasAngle(b, op)) return;
  trigonometry.fcos(st(b, 0), st(b, 0), b.fcw);
  end(b);
}

/** ST(0) becomes the sine, the cosine is pushed. */
export function fsincos(b: Exec, op: Op): void {
  if (!hasAngleAndRoom(b, op)) return;
  const isDone = trigonometry.fsincos(FIRST_CELL, SECOND_CELL, st(b, 0), b.fcw);
  end(b);
  if (isDone) replaceAndPush(b);
}

/** ST(0) becomes the tangent, 1.0 is pushed. */
export function fptan(b: Exec, op: Op): void {
  if (!hasAngleAndRoom(b, op)) return;
  const isDone = trigonometry.fptan(FIRST_CELL, SECOND_CELL, st(b, 0), b.fcw);
  end(b);
  if (isDone) replaceAndPush(b);
}

/** ST(0) becomes the exponent, the significand is pushed. */
export function fxtract(b: Exec, op: Op): void {
  if (!hasRoom(b, op)) return;
  const isDone = scale.fxtract(FIRST_CELL, SECOND_CELL, st(b, 0), b.fcw);
  end(b);
  if (isDone) replaceAndPush(b);
}

// ---- two operands

export function fscale(b: Exec, op: Op): void {
  if (!hasTwo(b, op, 0)) return;
  scale.fscale(st(b, 0), st(b, 0), st(b, 1), b.fcw);
  end(b);
}

export function fprem(b: Exec, op: Op): void {
  if (!hasDividend(b, op)) return;
  remainder.fprem(st(b, 0), st(b, 0), st(b, 1), b.fcw);
  endRemainder(b);
}

export function fprem1(b: Exec, op: Op): void {
  if (!hasDividend(b, op)) return;
  remainder.fprem1(st(b, 0), st(b, 0), st(b, 1), b.fcw);
  endRemainder(b);
}

export function fyl2x(b: Exec, op: Op): void {
  if (!hasTwo(b, op, 1)) return;
  const isDone = logarithm.fyl2x(st(b, 1), st(b, 0), st(b, 1), b.fcw);
  end(b);
  if (isDone) pop(b);
}

export function fyl2xp1(b: Exec, op: Op): void {
  if (!hasTwo(b, op, 1)) return;
  const isDone = logarithm.fyl2xp1(st(b, 1), st(b, 0), st(b, 1), b.fcw);
  end(b);
  if (isDone) pop(b);
}

export function fpatan(b: Exec, op: Op): void {
  if (!hasTwo(b, op, 1)) return;
  const isDone = arctangent.fpatan(st(b, 1), st(b, 0), st(b, 1), b.fcw);
  end(b);
  if (isDone) pop(b);
}

// ---- what they need

function hasTop(b: Exec, op: Op): bool {
  begin(b, op);
  if (!isEmpty(b, 0)) return true;
  if (underflow(b)) replace(b, 0);
  return false;
}

function hasAngle(b: Exec, op: Op): bool {
  waiting(b, op);
  b.fsw &= <u16>~C2;
  return hasTop(b, op);
}

function hasAngleAndRoom(b: Exec, op: Op): bool {
  waiting(b, op);
  b.fsw &= <u16>~C2;
  return hasRoom(b, op);
}

/** ST(0) and a place to push to. */
function hasRoom(b: Exec, op: Op): bool {
  begin(b, op);
  const isMissing = isEmpty(b, 0);
  if (!isMissing && isEmpty(b, 7)) return true;
  if (isMissing ? underflow(b) : overflow(b)) {
    replace(b, 0);
    setIndefinite(push(b));
  }
  return false;
}

/** ST(0) and ST(1); if one is missing the indefinite is the result, and popped to if that is ST(1). */
function hasTwo(b: Exec, op: Op, destination: u32): bool {
  begin(b, op);
  if (!isEmpty(b, 0) && !isEmpty(b, 1)) return true;
  if (underflow(b)) {
    replace(b, destination);
    if (destination != 0) pop(b);
  }
  return false;
}

function replace(b: Exec, i: u32): void {
  setIndefinite(st(b, i));
  fill(b, i);
}

function replaceAndPush(b: Exec): void {
  move(st(b, 0), FIRST_CELL);
  move(push(b), SECOND_CELL);
}

/** C2 says that the remainder is not complete; without a quotient C0 and C3 stay as they are. */
function hasDividend(b: Exec, op: Op): bool {
  waiting(b, op);
  b.fsw &= <u16>~C2;
  return hasTwo(b, op, 0);
}

function endRemainder(b: Exec): void {
  if (remainder.hasQuotient) b.fsw &= <u16>~(C0 | C3);
  end(b);
}
