/** Packed shifts. SDM Vol. 2 "PSLLW/PSLLD/PSLLQ", "PSRLW/PSRLD/PSRLQ", "PSRAW/PSRAD/PSRAQ", "PSLLDQ", "PSRLDQ". */
import { Op } from "../../decode/op";

export function psll<B, V, S, U>(b: B, op: Op): void {
  const n = b.lowOfX(b.srcX<V, S>(op));
  const shifted = b.shlX<U>(b.getX<V>(<usize>op.d), n);
  b.setX<V>(<usize>op.d, b.selectX(b.below(n, b.const(sizeof<U>() * 8)), shifted, b.constX(i64x2.splat(0))));
}

export function psrl<B, V, S, U>(b: B, op: Op): void {
  const n = b.lowOfX(b.srcX<V, S>(op));
  const shifted = b.shrX<U>(b.getX<V>(<usize>op.d), n);
  b.setX<V>(<usize>op.d, b.selectX(b.below(n, b.const(sizeof<U>() * 8)), shifted, b.constX(i64x2.splat(0))));
}

export function psra<B, V, S, U>(b: B, op: Op): void {
  const n = b.lowOfX(b.srcX<V, S>(op));
  const most = b.const(sizeof<U>() * 8 - 1);
  b.setX<V>(<usize>op.d, b.shrX<U>(b.getX<V>(<usize>op.d), b.select(b.below(n, most), n, most)));
}

export function psllImm<B, V, U>(b: B, op: Op): void {
  const n = op.imm & 0xff;
  b.beginX<V>(op);
  const x = b.getX<V>(<usize>op.d);
  b.setX<V>(<usize>op.d, n < sizeof<U>() * 8 ? b.shlX<U>(x, b.const(n)) : b.constX(i64x2.splat(0)));
}

export function psrlImm<B, V, U>(b: B, op: Op): void {
  const n = op.imm & 0xff;
  b.beginX<V>(op);
  const x = b.getX<V>(<usize>op.d);
  b.setX<V>(<usize>op.d, n < sizeof<U>() * 8 ? b.shrX<U>(x, b.const(n)) : b.constX(i64x2.splat(0)));
}

export function psraImm<B, V, U>(b: B, op: Op): void {
  const n = min<u64>(op.imm & 0xff, sizeof<U>() * 8 - 1);
  b.beginX<V>(op);
  b.setX<V>(<usize>op.d, b.shrX<U>(b.getX<V>(<usize>op.d), b.const(n)));
}

/** 0, 1, 2, … plus n, as bytes */
function bytesFrom(n: i32): v128 {
  return v128.add<i8>(i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15), v128.splat<i8>(<i8>n));
}

/** Shifts by bytes. */
export function pslldq<B>(b: B, op: Op): void {
  const n = min<i32>(<i32>op.imm & 0xff, 16);
  b.setX<v128>(<usize>op.d, b.swizzleX(b.getX<v128>(<usize>op.d), b.constX(bytesFrom(-n))));
}

export function psrldq<B>(b: B, op: Op): void {
  const n = min<i32>(<i32>op.imm & 0xff, 16);
  b.setX<v128>(<usize>op.d, b.swizzleX(b.getX<v128>(<usize>op.d), b.constX(bytesFrom(n))));
}

/** Destination and source as one number of twice the width, shifted right by bytes. */
export function palignr<B, V, S>(b: B, op: Op): void {
  const y = b.srcX<V, S>(op);
  const x = b.getX<V>(<usize>op.d);
  const n = <i32>op.imm & 0xff;
  if (sizeof<V>() == 16) b.setX<V>(<usize>op.d, b.shuffleX(y, x, bytesFrom(min(n, 32))));
  else b.setX<V>(<usize>op.d, b.swizzleX(b.interleaveLowX<u64>(y, x), b.constX(bytesFrom(min(n, 16)))));
}
