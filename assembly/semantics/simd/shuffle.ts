/** Shuffles, blends, interleaving, single lanes. SDM Vol. 2 under the mnemonics. */
import { Exec } from "../../backend/exec";
import { MEM, Op } from "../../decode/op";

/** PUNPCKLBW, …: of the source an MMX instruction reads no more than the half it uses. */
export function punpckl<B, V, S, U>(b: B, op: Op): void {
  const y = sizeof<V>() < 16 ? b.srcX<u32, S>(op) : b.srcX<V, S>(op);
  b.setX<V>(<usize>op.d, b.interleaveLowX<U>(b.getX<V>(<usize>op.d), y));
}

export function punpckh<B, V, S, U>(b: B, op: Op): void {
  const y = b.srcX<V, S>(op);
  const x = b.getX<V>(<usize>op.d);
  if (sizeof<V>() == 16) b.setX<V>(<usize>op.d, b.interleaveHighX<U>(x, y));
  else b.setX<V>(<usize>op.d, b.lowX(b.highOfX(b.interleaveLowX<U>(x, y))));
}

export function pshufb<B, V, S>(b: B, op: Op): void {
  const y = b.srcX<V, S>(op);
  const control = b.andX(y, b.constX(i8x16.splat(sizeof<V>() == 16 ? -0x71 : -0x79)));
  b.setX<V>(<usize>op.d, b.swizzleX(b.getX<V>(<usize>op.d), control));
}

// ---- shuffles by an immediate: its fields are spread into one lane each, and become the bytes' numbers

/** bytes of the four 32-bit lanes that the four fields of imm choose */
function dwords(imm: u32): v128 {
  const fields = v128.shr<u32>(v128.mul<u32>(v128.splat<u32>(imm & 0xff), i32x4(64, 16, 4, 1)), 6);
  const chosen = v128.and(fields, i32x4.splat(3));
  return v128.add<u32>(v128.mul<u32>(chosen, i32x4.splat(0x04040404)), i32x4.splat(0x03020100));
}

/** bytes of the four words that the four fields of imm choose, twice */
function words(imm: u32): v128 {
  const fields = v128.shr<u16>(v128.mul<u16>(v128.splat<u16>(<u16>(imm & 0xff)), i16x8(64, 16, 4, 1, 64, 16, 4, 1)), 6);
  const chosen = v128.and(fields, i16x8.splat(3));
  return v128.add<u16>(v128.mul<u16>(chosen, i16x8.splat(0x0202)), i16x8.splat(0x0100));
}

export function pshufd<B, S>(b: B, op: Op): void {
  b.setX<v128>(<usize>op.d, b.swizzleX(b.srcX<v128, S>(op), b.constX(dwords(<u32>op.imm))));
}

/** PSHUFLW, and PSHUFW, whose register ends where the other's unchanged half begins. */
export function pshuflw<B, V, S>(b: B, op: Op): void {
  const control = v128.shuffle<u64>(words(<u32>op.imm), i8x16(0, 0, 0, 0, 0, 0, 0, 0, 8, 9, 10, 11, 12, 13, 14, 15), 0, 3);
  b.setX<V>(<usize>op.d, b.swizzleX(b.srcX<V, S>(op), b.constX(control)));
}

export function pshufhw<B, S>(b: B, op: Op): void {
  const high = v128.add<u8>(words(<u32>op.imm), i8x16.splat(8));
  const control = v128.shuffle<u64>(i8x16(0, 1, 2, 3, 4, 5, 6, 7, 0, 0, 0, 0, 0, 0, 0, 0), high, 0, 2);
  b.setX<v128>(<usize>op.d, b.swizzleX(b.srcX<v128, S>(op), b.constX(control)));
}

/** Low lanes from the destination, high ones from the source. */
export function shufps<B, S>(b: B, op: Op): void {
  const y = b.srcX<v128, S>(op);
  const control = v128.add<u8>(dwords(<u32>op.imm), i32x4(0, 0, 0x10101010, 0x10101010));
  b.setX<v128>(<usize>op.d, b.shuffleX(b.getX<v128>(<usize>op.d), y, control));
}

export function shufpd<B, S>(b: B, op: Op): void {
  const y = b.srcX<v128, S>(op);
  const halves = i64x2.replace_lane(v128.splat<u64>((op.imm & 1) * 0x0808080808080808), 1, ((op.imm >> 1) & 1) * 0x0808080808080808);
  const control = v128.add<u8>(halves, i8x16(0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23));
  b.setX<v128>(<usize>op.d, b.shuffleX(b.getX<v128>(<usize>op.d), y, control));
}

// ---- blends

/** Lanes of the source where the immediate has a bit. */
export function blend<B, S, U>(b: B, op: Op): void {
  const y = b.srcX<v128, S>(op);
  const bit = sizeof<U>() == 2 ? i16x8(1, 2, 4, 8, 16, 32, 64, 128) : sizeof<U>() == 4 ? i32x4(1, 2, 4, 8) : i64x2(1, 2);
  const mask = v128.eq<U>(v128.and(v128.splat<U>(<U>op.imm), bit), bit);
  b.setX<v128>(<usize>op.d, b.blendX(b.getX<v128>(<usize>op.d), y, b.constX(mask)));
}

/** Lanes of the source where the top bit of XMM0's lane is set. */
export function blendv<B, S, U>(b: B, op: Op): void {
  const y = b.srcX<v128, S>(op);
  const mask = b.shrX<U>(b.xmm0X(), b.const(sizeof<U>() * 8 - 1));
  b.setX<v128>(<usize>op.d, b.blendX(b.getX<v128>(<usize>op.d), y, mask));
}

// ---- single lanes

/** bytes from the start of a register to the lane that the immediate names */
function laneAt<V, U>(op: Op): usize {
  return (<usize>op.imm & (sizeof<V>() / sizeof<U>() - 1)) * sizeof<U>();
}

export function pinsr<B, V, S, U>(b: B, op: Op): void {
  b.beginX<V>(op);
  b.setLane<U>(<usize>op.d + laneAt<V, U>(op), b.src<U, S>(op));
  if (sizeof<V>() < 16) b.setX<V>(<usize>op.d, b.getX<V>(<usize>op.d));
}

/** To a general register of 32 bits or more, zero-extended. */
export function pextr<B, V, U>(b: B, op: Op): void {
  b.beginX<V>(op);
  b.setRegister<u64>(<usize>op.d, b.register<U>(<usize>op.s + laneAt<V, U>(op)));
  b.endX<V>();
}

/** To memory, or to a general register as wide as the lane. */
export function pextrStore<B, D, U>(b: B, op: Op): void {
  b.set<U, D>(op, b.register<U>(<usize>op.s + laneAt<v128, U>(op)));
}

/** A lane of the source register, or 32 bits of memory, into a lane of the destination; bits 3-0 of the immediate clear lanes. */
export function insertps(b: Exec, op: Op): void {
  const imm = <u32>op.imm;
  const v = op.sk == MEM ? <u32>b.read<u32>(op, b.address(op)) : load<u32>(<usize>op.s + ((imm >> 6) & 3) * 4);
  store<u32>(<usize>op.d + ((imm >> 4) & 3) * 4, v);
  const bit = i32x4(1, 2, 4, 8);
  const clear = v128.eq<u32>(v128.and(v128.splat<u32>(imm), bit), bit);
  v128.store(<usize>op.d, v128.andnot(v128.load(<usize>op.d), clear));
}

/** Lanes of type U in the low part of the source, extended to type W. */
export function pmovx<S, U, W>(b: Exec, op: Op): void {
  const ratio = sizeof<W>() / sizeof<U>();
  let v = b.lowX(ratio == 2 ? b.src<u64, S>(op) : ratio == 4 ? b.src<u32, S>(op) : b.src<u16, S>(op));
  if (sizeof<U>() == 1) v = v128.extend_low<U>(v);
  if (sizeof<U>() <= 2 && sizeof<W>() >= 4) v = isSigned<U>() ? v128.extend_low<i16>(v) : v128.extend_low<u16>(v);
  if (sizeof<W>() == 8) v = isSigned<U>() ? v128.extend_low<i32>(v) : v128.extend_low<u32>(v);
  v128.store(<usize>op.d, v);
}
