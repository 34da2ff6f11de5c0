/**
 * Packed integers: logic, arithmetic, comparison, packing. SDM Vol. 2 under the mnemonics. `U` is the lane; MMX registers (V = u64) are
 * computed on the low half of a 128-bit value.
 */
import { Exec } from "../../backend/exec";
import { Op } from "../../decode/op";

export function pand<B, V, S>(b: B, op: Op): void {
  const y = b.srcX<V, S>(op);
  b.setX<V>(<usize>op.d, b.andX(b.getX<V>(<usize>op.d), y));
}

export function pandn<B, V, S>(b: B, op: Op): void {
  const y = b.srcX<V, S>(op);
  b.setX<V>(<usize>op.d, b.andnotX(y, b.getX<V>(<usize>op.d)));
}

export function por<B, V, S>(b: B, op: Op): void {
  const y = b.srcX<V, S>(op);
  b.setX<V>(<usize>op.d, b.orX(b.getX<V>(<usize>op.d), y));
}

export function pxor<B, V, S>(b: B, op: Op): void {
  const y = b.srcX<V, S>(op);
  b.setX<V>(<usize>op.d, b.xorX(b.getX<V>(<usize>op.d), y));
}

export function padd<B, V, S, U>(b: B, op: Op): void {
  const y = b.srcX<V, S>(op);
  b.setX<V>(<usize>op.d, b.addX<U>(b.getX<V>(<usize>op.d), y));
}

export function psub<B, V, S, U>(b: B, op: Op): void {
  const y = b.srcX<V, S>(op);
  b.setX<V>(<usize>op.d, b.subX<U>(b.getX<V>(<usize>op.d), y));
}

/** PADDSx, PADDUSx: saturated to the lane's range */
export function padds<B, V, S, U>(b: B, op: Op): void {
  const y = b.srcX<V, S>(op);
  b.setX<V>(<usize>op.d, b.addSatX<U>(b.getX<V>(<usize>op.d), y));
}

export function psubs<B, V, S, U>(b: B, op: Op): void {
  const y = b.srcX<V, S>(op);
  b.setX<V>(<usize>op.d, b.subSatX<U>(b.getX<V>(<usize>op.d), y));
}

export function pmin<B, V, S, U>(b: B, op: Op): void {
  const y = b.srcX<V, S>(op);
  b.setX<V>(<usize>op.d, b.minX<U>(b.getX<V>(<usize>op.d), y));
}

export function pmax<B, V, S, U>(b: B, op: Op): void {
  const y = b.srcX<V, S>(op);
  b.setX<V>(<usize>op.d, b.maxX<U>(b.getX<V>(<usize>op.d), y));
}

export function pavg<B, V, S, U>(b: B, op: Op): void {
  const y = b.srcX<V, S>(op);
  b.setX<V>(<usize>op.d, b.avgX<U>(b.getX<V>(<usize>op.d), y));
}

export function pcmpeq<B, V, S, U>(b: B, op: Op): void {
  const y = b.srcX<V, S>(op);
  b.setX<V>(<usize>op.d, b.eqX<U>(b.getX<V>(<usize>op.d), y));
}

export function pcmpgt<B, V, S, U>(b: B, op: Op): void {
  const y = b.srcX<V, S>(op);
  b.setX<V>(<usize>op.d, b.gtX<U>(b.getX<V>(<usize>op.d), y));
}

/** PMULLW, PMULLD: the low half of each product */
export function pmull<B, V, S, U>(b: B, op: Op): void {
  const y = b.srcX<V, S>(op);
  b.setX<V>(<usize>op.d, b.mulX<U>(b.getX<V>(<usize>op.d), y));
}

/** PACKSSWB, PACKSSDW, PACKUSWB, PACKUSDW: signed lanes cut to half, saturated as `U` says */
export function pack<B, V, S, U>(b: B, op: Op): void {
  const y = b.srcX<V, S>(op);
  const x = b.getX<V>(<usize>op.d);
  if (sizeof<V>() == 16) b.setX<V>(<usize>op.d, b.narrowX<U>(x, y));
  else {
    const both = b.interleaveLowX<u64>(x, y);
    b.setX<V>(<usize>op.d, b.narrowX<U>(both, both));
  }
}

export function pabs<V, S, U>(b: Exec, op: Op): void {
  b.setX<V>(<usize>op.d, v128.abs<U>(b.srcX<V, S>(op)));
}

/** Lanes negated, cleared or kept by the sign of the source's. */
export function psign<V, S, U>(b: Exec, op: Op): void {
  const y = b.srcX<V, S>(op);
  const x = b.getX<V>(<usize>op.d);
  const zero = i64x2.splat(0);
  const negated = v128.bitselect(v128.neg<U>(x), x, v128.lt<U>(y, zero));
  b.setX<V>(<usize>op.d, v128.andnot(negated, v128.eq<U>(y, zero)));
}

/** ZF: no common bit; CF: no bit of the source outside the destination. */
export function ptest<B, S>(b: B, op: Op): void {
  const y = b.srcX<v128, S>(op);
  const x = b.getX<v128>(<usize>op.d);
  const zf = b.eq(b.anyX(b.andX(x, y)), b.const(0));
  const cf = b.eq(b.anyX(b.andnotX(y, x)), b.const(0));
  b.flagsAll(b.or(cf, b.shl<u64>(zf, b.const(6))));
}
