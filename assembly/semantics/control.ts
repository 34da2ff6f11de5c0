/** Near jumps, calls and returns. SDM Vol. 2 "Jcc", "JMP", "CALL", "RET", "LOOP/LOOPcc". */
import { Exec } from "../backend/exec";
import { Op } from "../decode/op";
import { zf } from "../flags";
import { isCanonical } from "../mmu/walk";
import { raiseGp, raiseUd } from "../raise";

export function jcc<B>(b: B, op: Op): void {
  b.branch(op, b.condition(<u32>op.d));
}

export function jmp<B>(b: B, op: Op): void {
  b.branch(op, b.const(1));
}

export function jmpTo<T, S>(b: Exec, op: Op): void {
  b.jump(target<T>(b, op, b.src<T, S>(op)));
}

export function call<T>(b: Exec, op: Op): void {
  if (b.mode != 2) {
    b.checkStack<T>(op, b.rsp - sizeof<T>());
    b.near(op, b.nextRip(op) + <u64>op.imm);
  }
  b.push<T>(op, b.nextRip(op));
  b.branch(op, 1);
}

export function callTo<T, S>(b: Exec, op: Op): void {
  const to = b.src<T, S>(op);
  b.checkStack<T>(op, b.rsp - sizeof<T>());
  target<T>(b, op, to);
  b.push<T>(op, b.nextRip(op));
  b.jump(to);
}

export function ret<T>(b: Exec, op: Op): void {
  const to = target<T>(b, op, b.top<T>(op));
  b.drop(sizeof<T>());
  b.jump(to);
}

export function retImm<T>(b: Exec, op: Op): void {
  const to = target<T>(b, op, b.top<T>(op));
  b.drop(sizeof<T>() + (<u64>op.imm & 0xffff));
  b.jump(to);
}

/** A target that RIP may take, or #GP. */
function target<T>(b: Exec, op: Op, to: u64): u64 {
  if (sizeof<T>() == 8) {
    if (!isCanonical(to)) raiseGp(b, op);
  } else if (to > <u64>b.csLimit) raiseGp(b, op);
  return to;
}

export function jcxz(b: Exec, op: Op): void {
  b.branch(op, <u64>(counter(b, op) == 0));
}

export function loop(b: Exec, op: Op): void {
  b.branch(op, <u64>(countDown(b, op) != 0));
}

export function loope(b: Exec, op: Op): void {
  b.branch(op, <u64>(countDown(b, op) != 0 && zf(b)));
}

export function loopne(b: Exec, op: Op): void {
  b.branch(op, <u64>(countDown(b, op) != 0 && !zf(b)));
}

/** CX, ECX or RCX by address size */
function counter(b: Exec, op: Op): u64 {
  return op.addressSize == 2 ? b.rcx : op.addressSize == 1 ? b.gpr<u32>(1) : b.gpr<u16>(1);
}

function countDown(b: Exec, op: Op): u64 {
  if (op.addressSize == 2) b.rcx--;
  else if (op.addressSize == 1) b.setGpr<u32>(1, b.rcx - 1);
  else b.setGpr<u16>(1, b.rcx - 1);
  return counter(b, op);
}

export function ud(b: Exec, op: Op): void {
  raiseUd(b, op);
}
