/** Values of vector type for the back end that writes WebAssembly: each method of lanes.ts appends the instruction it stands for. */
import { keep, keepVector } from "./emit-function";
import {
  ADD,
  ADD_SAT_S,
  AVGR_U,
  BITMASK,
  byte,
  F32X4_ADD,
  F32X4_DIV,
  F32X4_GT,
  F32X4_MUL,
  F32X4_SQRT,
  F32X4_SUB,
  F64X2_ADD,
  F64X2_DIV,
  F64X2_GT,
  F64X2_MUL,
  F64X2_SQRT,
  F64X2_SUB,
  get,
  I8X16_EQ,
  I8X16_GT_S,
  I8X16_SHUFFLE,
  I8X16_SPLAT,
  I8X16_SWIZZLE,
  I16X8_SPLAT,
  I32_WRAP,
  I32X4_SPLAT,
  I64_EXTEND_I32_U,
  I64_NE,
  I64X2_EQ,
  I64X2_EXTRACT_LANE,
  I64X2_GT_S,
  I64X2_REPLACE_LANE,
  I64X2_SPLAT,
  i64Const,
  MAX_S,
  MIN_S,
  MUL,
  NARROW_16_S,
  SELECT,
  SHL,
  SHR_S,
  SHR_U,
  SUB,
  SUB_SAT_S,
  simd,
  V128_AND,
  V128_ANDNOT,
  V128_ANY_TRUE,
  V128_BITSELECT,
  V128_CONST,
  V128_OR,
  V128_XOR,
} from "./wasm";

/** distance of an instruction on lanes of U from the one on bytes */
function lane<U>(): u32 {
  return 32 * ctz<u32>(sizeof<U>());
}

/** the unsigned form follows the signed one */
function unsigned<U>(): u32 {
  return isSigned<U>() ? 0 : 1;
}

export function two(opcode: u32, a: u32, b: u32): u32 {
  get(a);
  get(b);
  simd(opcode);
  return keepVector();
}

@unmanaged
export class EmitLanes {
  // ---- bits

  andX(a: u32, b: u32): u32 {
    return two(V128_AND, a, b);
  }
  orX(a: u32, b: u32): u32 {
    return two(V128_OR, a, b);
  }
  xorX(a: u32, b: u32): u32 {
    return two(V128_XOR, a, b);
  }
  andnotX(a: u32, b: u32): u32 {
    return two(V128_ANDNOT, a, b);
  }
  constX(v: v128): u32 {
    this.pushX(v);
    return keepVector();
  }
  pushX(v: v128): void {
    simd(V128_CONST);
    this.bytesX(v);
  }
  bytesX(v: v128): void {
    for (let i = 0; i < 16; i++) {
      byte(v128.extract_lane<u8>(v, 0));
      v = i8x16.shuffle(v, v, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0);
    }
  }
  selectX(c: u32, a: u32, b: u32): u32 {
    get(a);
    get(b);
    get(c);
    i64Const(0);
    byte(I64_NE);
    byte(SELECT);
    return keepVector();
  }
  blendX(a: u32, b: u32, mask: u32): u32 {
    get(b);
    get(a);
    get(mask);
    simd(V128_BITSELECT);
    return keepVector();
  }
  anyX(a: u32): u32 {
    get(a);
    simd(V128_ANY_TRUE);
    byte(I64_EXTEND_I32_U);
    return keep();
  }

  // ---- arithmetic

  addX<U>(a: u32, b: u32): u32 {
    if (isFloat<U>()) return two(sizeof<U>() == 4 ? F32X4_ADD : F64X2_ADD, a, b);
    return two(ADD + lane<U>(), a, b);
  }
  subX<U>(a: u32, b: u32): u32 {
    if (isFloat<U>()) return two(sizeof<U>() == 4 ? F32X4_SUB : F64X2_SUB, a, b);
    return two(SUB + lane<U>(), a, b);
  }
  addSatX<U>(a: u32, b: u32): u32 {
    return two(ADD_SAT_S + lane<U>() + unsigned<U>(), a, b);
  }
  subSatX<U>(a: u32, b: u32): u32 {
    return two(SUB_SAT_S + lane<U>() + unsigned<U>(), a, b);
  }
  mulX<U>(a: u32, b: u32): u32 {
    if (isFloat<U>()) return two(sizeof<U>() == 4 ? F32X4_MUL : F64X2_MUL, a, b);
    return two(MUL + lane<U>(), a, b);
  }
  divX<U>(a: u32, b: u32): u32 {
    return two(sizeof<U>() == 4 ? F32X4_DIV : F64X2_DIV, a, b);
  }
  sqrtX<U>(a: u32): u32 {
    get(a);
    simd(sizeof<U>() == 4 ? F32X4_SQRT : F64X2_SQRT);
    return keepVector();
  }
  minX<U>(a: u32, b: u32): u32 {
    return two(MIN_S + lane<U>() + unsigned<U>(), a, b);
  }
  maxX<U>(a: u32, b: u32): u32 {
    return two(MAX_S + lane<U>() + unsigned<U>(), a, b);
  }
  avgX<U>(a: u32, b: u32): u32 {
    return two(AVGR_U + lane<U>(), a, b);
  }

  // ---- comparisons

  eqX<U>(a: u32, b: u32): u32 {
    return two(sizeof<U>() == 8 ? I64X2_EQ : I8X16_EQ + 10 * ctz<u32>(sizeof<U>()), a, b);
  }
  gtX<U>(a: u32, b: u32): u32 {
    if (isFloat<U>()) return two(sizeof<U>() == 4 ? F32X4_GT : F64X2_GT, a, b);
    return two(sizeof<U>() == 8 ? I64X2_GT_S : I8X16_GT_S + 10 * ctz<u32>(sizeof<U>()), a, b);
  }

  // ---- shifts

  shlX<U>(a: u32, n: u32): u32 {
    return this.shiftX(SHL + lane<U>(), a, n);
  }
  shrX<U>(a: u32, n: u32): u32 {
    return this.shiftX((isSigned<U>() ? SHR_S : SHR_U) + lane<U>(), a, n);
  }
  shiftX(opcode: u32, a: u32, n: u32): u32 {
    get(a);
    get(n);
    byte(I32_WRAP);
    simd(opcode);
    return keepVector();
  }

  // ---- moving lanes

  swizzleX(a: u32, control: u32): u32 {
    return two(I8X16_SWIZZLE, a, control);
  }
  /** Bytes from 32 on, which the instruction does not take, are made zero by a mask. */
  shuffleX(a: u32, b: u32, control: v128): u32 {
    get(a);
    get(b);
    simd(I8X16_SHUFFLE);
    this.bytesX(v128.and(control, i8x16.splat(31)));
    this.pushX(v128.lt<u8>(control, i8x16.splat(32)));
    simd(V128_AND);
    return keepVector();
  }
  interleaveLowX<U>(a: u32, b: u32): u32 {
    return this.interleaveX<U>(a, b, 0);
  }
  interleaveHighX<U>(a: u32, b: u32): u32 {
    return this.interleaveX<U>(a, b, 8);
  }
  interleaveX<U>(a: u32, b: u32, from: u32): u32 {
    get(a);
    get(b);
    simd(I8X16_SHUFFLE);
    const size = <u32>sizeof<U>();
    for (let i: u32 = 0; i < 16; i++) byte(from + (i / (2 * size)) * size + (i % size) + ((i & size) != 0 ? 16 : 0));
    return keepVector();
  }
  narrowX<U>(a: u32, b: u32): u32 {
    return two(NARROW_16_S + (sizeof<U>() == 4 ? 32 : 0) + unsigned<U>(), a, b);
  }

  // ---- to and from values of the general kind

  bitmaskX<U>(a: u32): u32 {
    get(a);
    simd(BITMASK + lane<U>());
    byte(I64_EXTEND_I32_U);
    return keep();
  }
  lowX(v: u32): u32 {
    this.pushX(i64x2.splat(0));
    get(v);
    simd(I64X2_REPLACE_LANE);
    byte(0);
    return keepVector();
  }
  splatX<U>(v: u32): u32 {
    get(v);
    if (sizeof<U>() < 8) byte(I32_WRAP);
    simd(sizeof<U>() == 8 ? I64X2_SPLAT : sizeof<U>() == 4 ? I32X4_SPLAT : sizeof<U>() == 2 ? I16X8_SPLAT : I8X16_SPLAT);
    return keepVector();
  }
  lowOfX(a: u32): u32 {
    return this.extractX(a, 0);
  }
  highOfX(a: u32): u32 {
    return this.extractX(a, 1);
  }
  extractX(a: u32, n: u32): u32 {
    get(a);
    simd(I64X2_EXTRACT_LANE);
    byte(n);
    return keep();
  }
}
