/** Moves, extensions, exchanges, conditional moves. SDM Vol. 2 under the mnemonics. */
import { Exec } from "../backend/exec";
import { linear, READ } from "../cpu/segments";
import { Op } from "../decode/op";

export function mov<B, T, D, S>(b: B, op: Op): void {
  b.set<T, D>(op, b.src<T, S>(op));
}

export function lea<B, T>(b: B, op: Op): void {
  b.setRegister<T>(<usize>op.d, b.address(op));
}

export function movzx<B, T, S, U>(b: B, op: Op): void {
  b.setRegister<T>(<usize>op.d, b.src<U, S>(op));
}

export function movsx<B, T, S, U>(b: B, op: Op): void {
  b.setRegister<T>(<usize>op.d, b.trunc<T>(b.sext<U>(b.src<U, S>(op))));
}

/** The source is read even if the condition does not hold. */
export function cmov<B, T, S>(b: B, op: Op): void {
  const y = b.src<T, S>(op);
  const x = b.register<T>(<usize>op.d);
  b.setRegister<T>(<usize>op.d, b.select(b.condition(<u32>op.imm), y, x));
}

export function setcc<B, D>(b: B, op: Op): void {
  b.set<u8, D>(op, b.condition(<u32>op.imm));
}

export function xchg<T, D>(b: Exec, op: Op): void {
  const at = b.open<T, D>(op);
  const x = b.fetch<T, D>(op, at);
  const y = b.register<T>(<usize>op.s);
  b.put<T, D>(op, at, y);
  b.setRegister<T>(<usize>op.s, x);
}

export function nop(b: Exec): void {}

export function cbw(b: Exec): void {
  b.setGpr<u16>(0, <u64>(<i64>(<i8>b.rax)));
}

export function cwde(b: Exec): void {
  b.setGpr<u32>(0, <u64>(<i64>(<i16>b.rax)));
}

export function cdqe(b: Exec): void {
  b.rax = <u64>(<i64>(<i32>b.rax));
}

export function cwd(b: Exec): void {
  b.setGpr<u16>(2, <u64>(<i64>(<i16>b.rax) >> 16));
}

export function cdq(b: Exec): void {
  b.setGpr<u32>(2, <u64>(<i64>(<i32>b.rax) >> 32));
}

export function cqo(b: Exec): void {
  b.rdx = <u64>(<i64>b.rax >> 63);
}

/** The byte at rBX + AL of the data segment, which may be overridden. */
export function xlat(b: Exec, op: Op): void {
  const size = op.addressSize;
  const offset = b.rbx + (b.rax & 0xff);
  const cut = size == 2 ? offset : size == 1 ? offset & 0xffffffff : offset & 0xffff;
  b.setGpr<u8>(0, b.read<u8>(op, linear(b, op, op.segment, cut, 1, READ)));
}
