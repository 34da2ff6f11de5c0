/** Moves of vectors and of their parts. SDM Vol. 2 under the mnemonics. */
import { Exec } from "../../backend/exec";
import { Op, R } from "../../decode/op";

/** MOVAPS, MOVUPS, MOVDQA, …: all bits from anywhere to anywhere. */
export function movX<B, V, D, S>(b: B, op: Op): void {
  b.putX<V, D>(op, b.srcX<V, S>(op));
}

/** MOVSS and MOVSD from memory, MOVD and MOVQ to a register: the rest of the register becomes zero. */
export function loadScalar<B, V, S, U>(b: B, op: Op): void {
  b.beginX<V>(op);
  b.setX<V>(<usize>op.d, b.lowX(b.src<U, S>(op)));
}

/** MOVSS and MOVSD to memory, MOVD and MOVQ to memory or a general register. */
export function storeScalar<B, V, D, U>(b: B, op: Op): void {
  b.beginX<V>(op);
  b.set<U, D>(op, b.register<U>(<usize>op.s));
  b.endX<V>();
}

/** MOVSS and MOVSD between registers, MOVLPS from memory: the rest of the register stays. */
export function mergeScalar<B, S, U>(b: B, op: Op): void {
  b.setLane<U>(<usize>op.d, b.src<U, S>(op));
}

/** MOVHPS from memory, MOVLHPS. */
export function mergeHigh<B, S>(b: B, op: Op): void {
  b.setLane<u64>(<usize>op.d + 8, b.src<u64, S>(op));
}

export function storeHigh<B>(b: B, op: Op): void {
  b.write<u64>(op, b.address(op), b.register<u64>(<usize>op.s + 8));
}

export function movhlps<B>(b: B, op: Op): void {
  b.setLane<u64>(<usize>op.d, b.register<u64>(<usize>op.s + 8));
}

export function movddup<B, S>(b: B, op: Op): void {
  b.setX<v128>(<usize>op.d, b.splatX<u64>(b.src<u64, S>(op)));
}

export function movsldup<B, S>(b: B, op: Op): void {
  b.setX<v128>(<usize>op.d, b.swizzleX(b.srcX<v128, S>(op), b.constX(i8x16(0, 1, 2, 3, 0, 1, 2, 3, 8, 9, 10, 11, 8, 9, 10, 11))));
}

export function movshdup<B, S>(b: B, op: Op): void {
  b.setX<v128>(<usize>op.d, b.swizzleX(b.srcX<v128, S>(op), b.constX(i8x16(4, 5, 6, 7, 4, 5, 6, 7, 12, 13, 14, 15, 12, 13, 14, 15))));
}

/** MOVMSKPS, MOVMSKPD, PMOVMSKB: the top bit of each lane. */
export function movmsk<B, V, U>(b: B, op: Op): void {
  const bits = b.bitmaskX<U>(b.srcX<V, R>(op));
  b.setRegister<u64>(<usize>op.d, sizeof<V>() < 16 ? b.and(bits, b.const(0xff)) : bits);
  b.endX<V>();
}

/** The low half of an XMM register is an MMX register. */
export function movq2dq(b: Exec, op: Op): void {
  const v = b.srcX<u64, R>(op);
  b.endX<u64>();
  b.setX<v128>(<usize>op.d, v);
}

export function movdq2q(b: Exec, op: Op): void {
  b.beginX<u64>(op);
  b.setX<u64>(<usize>op.d, v128.load(<usize>op.s));
}
