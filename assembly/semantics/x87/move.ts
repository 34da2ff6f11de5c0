/** Loads, stores and moves between registers. SDM Vol. 2 under the mnemonics; SDM Vol. 1 8.3.3 "Data Transfer Instructions". */
import { Exec } from "../../backend/exec";
import { Op } from "../../decode/op";
import * as bcd from "../../float80/bcd";
import * as constants from "../../float80/constants";
import * as convert from "../../float80/convert";
import * as integer from "../../float80/integer";
import { Extended } from "../../float80/unpacked";
import {
  begin,
  beginLoad,
  beginStore,
  empty,
  end,
  FIRST_CELL,
  fill,
  indexOf,
  isEmpty,
  move,
  overflow,
  pop,
  push,
  rotate,
  setIndefinite,
  signal,
  st,
  underflow,
} from "./stack";

// ---- loads

export function fld<F>(b: Exec, op: Op): void {
  const operand = beginLoad<F>(b, op);
  if (!isEmpty(b, 7)) return pushIndefinite(b);
  const isDone = convert.fld<F>(FIRST_CELL, operand, b.fcw);
  end(b);
  if (isDone) move(push(b), FIRST_CELL);
}

export function fild<F>(b: Exec, op: Op): void {
  fld<F>(b, op);
}

export function fld80(b: Exec, op: Op): void {
  pushCell(b, beginLoad<Extended>(b, op));
}

export function fbld(b: Exec, op: Op): void {
  const operand = beginLoad<Extended>(b, op);
  bcd.fbld(operand, operand, b.fcw);
  pushCell(b, operand);
}

export function fldSt(b: Exec, op: Op): void {
  begin(b, op);
  const i = indexOf(op);
  if (isEmpty(b, i)) {
    if (underflow(b)) setIndefinite(push(b));
    return;
  }
  pushCell(b, st(b, i));
}

export function fldConstant(b: Exec, op: Op): void {
  begin(b, op);
  constants.fldConstant(FIRST_CELL, <u32>op.imm & 7, b.fcw);
  pushCell(b, FIRST_CELL);
}

function pushCell(b: Exec, cell: usize): void {
  if (!isEmpty(b, 7)) return pushIndefinite(b);
  signal(b, 0);
  move(push(b), cell);
}

function pushIndefinite(b: Exec): void {
  if (overflow(b)) setIndefinite(push(b));
}

// ---- stores

export function fst<F>(b: Exec, op: Op): void {
  storeFloat<F>(b, op);
}

export function fstp<F>(b: Exec, op: Op): void {
  if (storeFloat<F>(b, op)) pop(b);
}

export function fstp80(b: Exec, op: Op): void {
  const at = beginStore(b, op, 10);
  if (isEmpty(b, 0)) {
    if (!underflow(b)) return;
    setIndefinite(at);
  } else {
    signal(b, 0);
    move(at, st(b, 0));
  }
  b.commit(at);
  pop(b);
}

export function fist<F>(b: Exec, op: Op): void {
  storeInteger<F>(b, op);
}

export function fistp<F>(b: Exec, op: Op): void {
  if (storeInteger<F>(b, op)) pop(b);
}

export function fisttp<F>(b: Exec, op: Op): void {
  const at = beginStore(b, op, sizeof<F>());
  if (isEmpty(b, 0)) {
    if (!underflow(b)) return;
    store<F>(at, integerIndefinite<F>());
  } else {
    const isDone = integer.fisttp<F>(at, st(b, 0), b.fcw);
    end(b);
    if (!isDone) return;
  }
  b.commit(at);
  pop(b);
}

export function fbstp(b: Exec, op: Op): void {
  const at = beginStore(b, op, 10);
  if (isEmpty(b, 0)) {
    if (!underflow(b)) return;
    bcd.storeIndefinite(at);
  } else {
    const isDone = bcd.fbstp(at, st(b, 0), b.fcw);
    end(b);
    if (!isDone) return;
  }
  b.commit(at);
  pop(b);
}

function storeFloat<F>(b: Exec, op: Op): bool {
  const at = beginStore(b, op, sizeof<F>());
  if (isEmpty(b, 0)) {
    if (!underflow(b)) return false;
    if (sizeof<F>() == 4) store<u32>(at, 0xffc00000);
    else store<u64>(at, 0xfff8000000000000);
  } else {
    const isDone = sizeof<F>() == 4 ? convert.fst<u32>(at, st(b, 0), b.fcw) : convert.fst<u64>(at, st(b, 0), b.fcw);
    end(b);
    if (!isDone) return false;
  }
  b.commit(at);
  return true;
}

function storeInteger<F>(b: Exec, op: Op): bool {
  const at = beginStore(b, op, sizeof<F>());
  if (isEmpty(b, 0)) {
    if (!underflow(b)) return false;
    store<F>(at, integerIndefinite<F>());
  } else {
    const isDone = integer.fist<F>(at, st(b, 0), b.fcw);
    end(b);
    if (!isDone) return false;
  }
  b.commit(at);
  return true;
}

function integerIndefinite<F>(): F {
  return <F>((<u64>1) << (8 * sizeof<F>() - 1));
}

// ---- between registers

export function fstSt(b: Exec, op: Op): void {
  copyTop(b, op);
}

export function fstpSt(b: Exec, op: Op): void {
  if (copyTop(b, op)) pop(b);
}

/** The alias D9 D8+i: an empty ST(0) is just popped. */
export function fstpNoUnderflow(b: Exec, op: Op): void {
  begin(b, op);
  signal(b, 0);
  if (!isEmpty(b, 0)) {
    move(st(b, indexOf(op)), st(b, 0));
    fill(b, indexOf(op));
  }
  pop(b);
}

function copyTop(b: Exec, op: Op): bool {
  begin(b, op);
  const i = indexOf(op);
  if (!isEmpty(b, 0)) {
    signal(b, 0);
    move(st(b, i), st(b, 0));
  } else if (underflow(b)) setIndefinite(st(b, i));
  else return false;
  fill(b, i);
  return true;
}

export function fxch(b: Exec, op: Op): void {
  begin(b, op);
  const i = indexOf(op);
  const isMissing = isEmpty(b, 0) || isEmpty(b, i);
  if (isMissing) {
    if (!underflow(b)) return;
    fillMissing(b, 0);
    fillMissing(b, i);
  } else signal(b, 0);
  move(FIRST_CELL, st(b, 0));
  move(st(b, 0), st(b, i));
  move(st(b, i), FIRST_CELL);
}

function fillMissing(b: Exec, i: u32): void {
  if (!isEmpty(b, i)) return;
  setIndefinite(st(b, i));
  fill(b, i);
}

/** FCMOVcc: bits 3-4 of ModRM are the condition, and DB instead of DA negates it. C1 stays as it is. */
export function fcmov(b: Exec, op: Op): void {
  begin(b, op);
  const i = indexOf(op);
  if (isEmpty(b, 0) || isEmpty(b, i)) {
    if (!underflow(b)) return;
    setIndefinite(st(b, 0));
    fill(b, 0);
    return;
  }
  const which = <u32>(op.imm >> 3) & 3;
  // below, equal, below or equal, unordered as the conditions of Jcc: 2, 4, 6, 10
  const condition: u32 = which == 3 ? 10 : 2 * which + 2;
  const isNegated = ((op.imm >> 8) & 1) != 0;
  if ((b.condition(condition) != 0) != isNegated) move(st(b, 0), st(b, i));
}

export function ffree(b: Exec, op: Op): void {
  begin(b, op);
  signal(b, 0);
  empty(b, indexOf(op));
}

export function ffreep(b: Exec, op: Op): void {
  ffree(b, op);
  pop(b);
}

export function fincstp(b: Exec, op: Op): void {
  begin(b, op);
  signal(b, 0);
  rotate(b, 1);
}

export function fdecstp(b: Exec, op: Op): void {
  begin(b, op);
  signal(b, 0);
  rotate(b, 7);
}
