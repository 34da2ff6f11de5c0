/**
 * Comparisons, to the condition codes or to RFLAGS, and FXAM. SDM Vol. 2 under the mnemonics; SDM Vol. 1 8.3.6 "Comparison and
 * Classification Instructions".
 */
import { Exec } from "../../backend/exec";
import { Op } from "../../decode/op";
import * as float80 from "../../float80/compare";
import { C0, C1, C2, C3, flags } from "../../float80/environment";
import { A, DENORMAL, Extended, INFINITE, NORMAL, UNSUPPORTED, unpackExtended, ZERO } from "../../float80/unpacked";
import { begin, beginLoad, CONDITION, endKeepingC1, indexOf, isEmpty, pop, signal, st, underflow } from "./stack";

export function fcom<F>(b: Exec, op: Op): void {
  compareWithMemory<F>(b, op);
}

export function fcomp<F>(b: Exec, op: Op): void {
  if (compareWithMemory<F>(b, op)) pop(b);
}

export function fcomSt(b: Exec, op: Op): void {
  compareWith(b, op, indexOf(op), SIGNALLING);
}

export function fcompSt(b: Exec, op: Op): void {
  if (compareWith(b, op, indexOf(op), SIGNALLING)) pop(b);
}

export function fcompp(b: Exec, op: Op): void {
  if (!compareWith(b, op, 1, SIGNALLING)) return;
  pop(b);
  pop(b);
}

export function fucomSt(b: Exec, op: Op): void {
  compareWith(b, op, indexOf(op), QUIET);
}

export function fucompSt(b: Exec, op: Op): void {
  if (compareWith(b, op, indexOf(op), QUIET)) pop(b);
}

export function fucompp(b: Exec, op: Op): void {
  if (!compareWith(b, op, 1, QUIET)) return;
  pop(b);
  pop(b);
}

export function fcomi(b: Exec, op: Op): void {
  compareToFlags(b, op, SIGNALLING);
}

export function fcomip(b: Exec, op: Op): void {
  if (compareToFlags(b, op, SIGNALLING)) pop(b);
}

export function fucomi(b: Exec, op: Op): void {
  compareToFlags(b, op, QUIET);
}

export function fucomip(b: Exec, op: Op): void {
  if (compareToFlags(b, op, QUIET)) pop(b);
}

export function ftst(b: Exec, op: Op): void {
  begin(b, op);
  if (isEmpty(b, 0)) missing(b);
  else conclude(b, float80.ftst(st(b, 0), b.fcw));
}

/** Class to C3 C2 C0, sign to C1; an empty register has a class too. */
export function fxam(b: Exec, op: Op): void {
  begin(b, op);
  unpackExtended(A, st(b, 0));
  const sign = A.sign ? C1 : 0;
  b.fsw = <u16>((b.fsw & ~CONDITION) | sign | (isEmpty(b, 0) ? C3 | C0 : classOf(A.kind)));
}

function classOf(kind: u32): u32 {
  if (kind == ZERO) return C3;
  if (kind == NORMAL) return C2;
  if (kind == DENORMAL) return C3 | C2;
  if (kind == INFINITE) return C2 | C0;
  return kind == UNSUPPORTED ? 0 : C0;
}

const QUIET: u32 = 0;
const SIGNALLING: u32 = 1;

function compareWithMemory<F>(b: Exec, op: Op): bool {
  const operand = beginLoad<F>(b, op);
  if (isEmpty(b, 0)) return missing(b);
  return conclude(b, float80.fcom<F>(st(b, 0), operand, b.fcw));
}

function compareWith(b: Exec, op: Op, i: u32, how: u32): bool {
  begin(b, op);
  if (isEmpty(b, 0) || isEmpty(b, i)) return missing(b);
  return conclude(b, relation(b, i, how));
}

function compareToFlags(b: Exec, op: Op, how: u32): bool {
  begin(b, op);
  const i = indexOf(op);
  if (isEmpty(b, 0) || isEmpty(b, i)) {
    b.flagsAll(float80.UNORDERED);
    return underflow(b);
  }
  b.flagsAll(relation(b, i, how));
  endKeepingC1(b);
  return isDone(b);
}

function relation(b: Exec, i: u32, how: u32): u32 {
  if (how == QUIET) return float80.fucom(st(b, 0), st(b, i), b.fcw);
  return float80.fcom<Extended>(st(b, 0), st(b, i), b.fcw);
}

/** The relation goes to the condition codes whatever is unmasked; only popping depends on that. */
function conclude(b: Exec, relation: u32): bool {
  b.fsw &= <u16>~(C0 | C2 | C3);
  signal(b, flags | (relation << 8));
  return isDone(b);
}

function isDone(b: Exec): bool {
  return (flags & ~b.fcw) == 0;
}

function missing(b: Exec): bool {
  b.fsw |= <u16>(C0 | C2 | C3);
  return underflow(b);
}
