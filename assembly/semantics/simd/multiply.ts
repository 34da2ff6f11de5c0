/** Packed integers: products, sums of neighbours, sums of differences. SDM Vol. 2 under the mnemonics. */
import { Exec } from "../../backend/exec";
import { Op } from "../../decode/op";

/** The lanes with even numbers of x, then of y. */
function evens<V, U>(x: v128, y: v128): v128 {
  if (sizeof<V>() < 16) {
    x = v128.shuffle<u64>(x, y, 0, 2);
    y = x;
  }
  if (sizeof<U>() == 2) return v128.shuffle<u16>(x, y, 0, 2, 4, 6, 8, 10, 12, 14);
  return v128.shuffle<u32>(x, y, 0, 2, 4, 6);
}

function odds<V, U>(x: v128, y: v128): v128 {
  if (sizeof<V>() < 16) {
    x = v128.shuffle<u64>(x, y, 0, 2);
    y = x;
  }
  if (sizeof<U>() == 2) return v128.shuffle<u16>(x, y, 1, 3, 5, 7, 9, 11, 13, 15);
  return v128.shuffle<u32>(x, y, 1, 3, 5, 7);
}

/** PMULHW, PMULHUW: the high half of each product */
export function pmulh<V, S, U>(b: Exec, op: Op): void {
  const y = b.srcX<V, S>(op);
  const x = b.getX<V>(<usize>op.d);
  const low = v128.extmul_low<U>(x, y);
  const high = v128.extmul_high<U>(x, y);
  b.setX<V>(<usize>op.d, v128.shuffle<u16>(low, high, 1, 3, 5, 7, 9, 11, 13, 15));
}

/** The high half of each doubled product, rounded; of the two smallest numbers it is the smallest again. */
export function pmulhrsw<V, S>(b: Exec, op: Op): void {
  const y = b.srcX<V, S>(op);
  const x = b.getX<V>(<usize>op.d);
  const least = i16x8.splat(-0x8000);
  const saturated = v128.and(v128.eq<i16>(x, least), v128.eq<i16>(y, least));
  b.setX<V>(<usize>op.d, v128.xor(v128.q15mulr_sat<i16>(x, y), saturated));
}

/** PMULUDQ, PMULDQ: 64-bit products of the lanes with even numbers */
export function pmulq<V, S, U>(b: Exec, op: Op): void {
  const y = b.srcX<V, S>(op);
  const x = b.getX<V>(<usize>op.d);
  b.setX<V>(<usize>op.d, v128.extmul_low<U>(v128.shuffle<u32>(x, x, 0, 2, 0, 2), v128.shuffle<u32>(y, y, 0, 2, 0, 2)));
}

export function pmaddwd<V, S>(b: Exec, op: Op): void {
  const y = b.srcX<V, S>(op);
  b.setX<V>(<usize>op.d, v128.dot<i16>(b.getX<V>(<usize>op.d), y));
}

/** Unsigned bytes of the destination by signed bytes of the source, neighbours added with saturation. */
export function pmaddubsw<V, S>(b: Exec, op: Op): void {
  const y = b.srcX<V, S>(op);
  const x = b.getX<V>(<usize>op.d);
  const low = v128.mul<i16>(v128.extend_low<u8>(x), v128.extend_low<i8>(y));
  const high = v128.mul<i16>(v128.extend_high<u8>(x), v128.extend_high<i8>(y));
  b.setX<V>(<usize>op.d, v128.add_sat<i16>(evens<v128, i16>(low, high), odds<v128, i16>(low, high)));
}

export function phadd<V, S, U>(b: Exec, op: Op): void {
  const y = b.srcX<V, S>(op);
  const x = b.getX<V>(<usize>op.d);
  b.setX<V>(<usize>op.d, v128.add<U>(evens<V, U>(x, y), odds<V, U>(x, y)));
}

export function phadds<V, S, U>(b: Exec, op: Op): void {
  const y = b.srcX<V, S>(op);
  const x = b.getX<V>(<usize>op.d);
  b.setX<V>(<usize>op.d, v128.add_sat<U>(evens<V, U>(x, y), odds<V, U>(x, y)));
}

export function phsub<V, S, U>(b: Exec, op: Op): void {
  const y = b.srcX<V, S>(op);
  const x = b.getX<V>(<usize>op.d);
  b.setX<V>(<usize>op.d, v128.sub<U>(evens<V, U>(x, y), odds<V, U>(x, y)));
}

export function phsubs<V, S, U>(b: Exec, op: Op): void {
  const y = b.srcX<V, S>(op);
  const x = b.getX<V>(<usize>op.d);
  b.setX<V>(<usize>op.d, v128.sub_sat<U>(evens<V, U>(x, y), odds<V, U>(x, y)));
}

/** Sums of the absolute differences of eight bytes each. */
export function psadbw<V, S>(b: Exec, op: Op): void {
  const y = b.srcX<V, S>(op);
  const x = b.getX<V>(<usize>op.d);
  const differences = v128.sub<u8>(v128.max<u8>(x, y), v128.min<u8>(x, y));
  const sums = v128.extadd_pairwise<u16>(v128.extadd_pairwise<u8>(differences));
  b.setX<V>(<usize>op.d, v128.and(v128.add<u64>(sums, v128.shr<u64>(sums, 32)), i64x2.splat(0xffffffff)));
}

/** Sums of absolute differences of four bytes of the source, chosen by imm[1:0], to eight windows of the destination from imm[2] on. */
export function mpsadbw<S>(b: Exec, op: Op): void {
  const y = b.srcX<v128, S>(op);
  const select = <u32>op.imm;
  const windows = <usize>op.d + (select & 4);
  let sums = i64x2.splat(0);
  for (let j: u32 = 0; j < 4; j++) {
    const x = v128.load_ext<u8>(windows + j);
    const one = v128.extend_low<u8>(v128.swizzle(y, v128.splat<u8>(<u8>((select & 3) * 4 + j))));
    sums = v128.add<u16>(sums, v128.abs<i16>(v128.sub<i16>(x, one)));
  }
  v128.store(<usize>op.d, sums);
}

/** The smallest of eight words, and behind it the number of the first lane that has it. */
export function phminposuw<S>(b: Exec, op: Op): void {
  const x = b.srcX<v128, S>(op);
  let least = v128.min<u16>(x, v128.shuffle<u64>(x, x, 1, 0));
  least = v128.min<u16>(least, v128.shuffle<u32>(least, least, 1, 0, 3, 2));
  least = v128.min<u16>(least, v128.shuffle<u16>(least, least, 1, 0, 3, 2, 5, 4, 7, 6));
  const position = ctz<u32>(v128.bitmask<i16>(v128.eq<i16>(x, least)));
  v128.store(<usize>op.d, b.lowX(<u64>v128.extract_lane<u16>(least, 0) | ((<u64>position) << 16)));
}
