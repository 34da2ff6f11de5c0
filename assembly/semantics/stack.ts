/** PUSH, POP, ENTER, LEAVE, PUSHA, POPA. SDM Vol. 2 under the mnemonics. */
import { Exec } from "../backend/exec";
import { E, MEM, Op } from "../decode/op";

const RSP: u32 = 4;
const RBP: u32 = 5;

export function push<T, S>(b: Exec, op: Op): void {
  b.push<T>(op, b.src<T, S>(op));
}

/** A memory destination is addressed with RSP already raised, and the stack pointer stays if writing it faults. */
export function pop<T, D>(b: Exec, op: Op): void {
  const v = b.top<T>(op);
  const old = b.rsp;
  b.drop(sizeof<T>());
  if (offsetof<D>() == offsetof<E>() && op.dk == MEM) {
    const va = b.address(op);
    b.rsp = old;
    b.write<T>(op, va, v);
    b.drop(sizeof<T>());
  } else b.setRegister<T>(<usize>op.d, v);
}

export function leave<T>(b: Exec, op: Op): void {
  const v = b.readStack<T>(op, b.rbp);
  b.setStackPointer(b.rbp + sizeof<T>());
  b.setGpr<T>(RBP, v);
}

/** The frame pointers of the enclosing procedures are copied from the old frame; nothing changes before the last access. */
export function enter<T>(b: Exec, op: Op): void {
  const size = <u64>op.imm & 0xffff;
  const level = (<u64>op.imm >> 16) & 31;
  const frame = b.rsp - sizeof<T>();
  b.writeStack<T>(op, frame, b.gpr<T>(RBP));
  let at = frame;
  for (let i: u64 = 1; i < level; i++) {
    at -= sizeof<T>();
    b.writeStack<T>(op, at, b.readStack<T>(op, b.rbp - i * sizeof<T>()));
  }
  if (level > 0) {
    at -= sizeof<T>();
    b.writeStack<T>(op, at, frame);
  }
  // the new top of the stack must be writable
  b.checkStack<T>(op, at - size);
  b.setGpr<T>(RBP, frame);
  b.setStackPointer(at - size);
}

/** The stack pointer pushed is the one before the instruction. What was pushed before a fault stays in memory, as on silicon. */
export function pusha<U>(b: Exec, op: Op): void {
  const sp = b.rsp;
  for (let n: u32 = 0; n < 8; n++) b.writeStack<U>(op, sp - <u64>(n + 1) * sizeof<U>(), b.gpr<U>(n));
  b.setStackPointer(sp - 8 * sizeof<U>());
}

/** The image of the stack pointer is skipped. What was popped before a fault stays in the registers, as on silicon. */
export function popa<U>(b: Exec, op: Op): void {
  const sp = b.rsp;
  for (let n: u32 = 0; n < 8; n++) {
    const v = b.readStack<U>(op, sp + <u64>n * sizeof<U>());
    if (7 - n != RSP) b.setGpr<U>(7 - n, v);
  }
  b.setStackPointer(sp + 8 * sizeof<U>());
}
