/** PUSH, POP, LEAVE. SDM Vol. 2 under the mnemonics. */
import { Exec } from "../backend/exec";
import { E, MEM, Op } from "../decode/op";

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
  const v = b.read<T>(op, b.stackAddress(b.rbp));
  b.setStackPointer(b.rbp + sizeof<T>());
  b.setGpr<T>(5, v);
}
