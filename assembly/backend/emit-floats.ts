/** Floats for the back end that writes WebAssembly: each method of floats.ts appends the instructions it stands for. */
import { State } from "../generated/state";
import { cpu, keep, keepVector } from "./emit-function";
import { EmitLanes, two } from "./emit-lanes";
import {
  DENORMALS_32,
  DENORMALS_64,
  INFINITY_32,
  INFINITY_64,
  MXCSR_INEXACT,
  MXCSR_NOTHING_TO_SIGNAL,
  NORMAL_32,
  NORMAL_64,
  NORMALS_32,
  NORMALS_64,
  TOP_BIT,
} from "./float-limits";
import {
  access,
  byte,
  F32_ADD,
  F32_CONVERT_I64_S,
  F32_DEMOTE,
  F32_DIV,
  F32_EQ,
  F32_LT,
  F32_MUL,
  F32_NE,
  F32_NEAREST,
  F32_REINTERPRET_I32,
  F32_SQRT,
  F32_SUB,
  F32X4_EQ,
  F32X4_NE,
  F64_ADD,
  F64_CONVERT_I64_S,
  F64_DIV,
  F64_EQ,
  F64_LT,
  F64_MUL,
  F64_NE,
  F64_NEAREST,
  F64_PROMOTE,
  F64_REINTERPRET_I64,
  F64_SQRT,
  F64_SUB,
  F64X2_EQ,
  F64X2_NE,
  get,
  I32_AND,
  I32_LOAD,
  I32_NE,
  I32_OR,
  I32_REINTERPRET_F32,
  I32_WRAP,
  I32X4_GE_U,
  I32X4_LT_U,
  I64_ADD,
  I64_AND,
  I64_EQZ,
  I64_EXTEND_I32_U,
  I64_EXTEND32_S,
  I64_GE_U,
  I64_GT_U,
  I64_LT_U,
  I64_NE,
  I64_REINTERPRET_F64,
  I64_SHL,
  I64_SUB,
  I64_TRUNC_SAT_F32_S,
  I64_TRUNC_SAT_F64_S,
  I64X2_GE_S,
  I64X2_LT_S,
  i32Const,
  i64Const,
  index,
  MISC,
  SHL,
  SUB,
  simd,
  V128_AND,
  V128_ANDNOT,
  V128_OR,
} from "./wasm";

/** pushes a float by its bits */
function push<U>(x: u32): void {
  get(x);
  if (sizeof<U>() == 4) {
    byte(I32_WRAP);
    byte(F32_REINTERPRET_I32);
  } else byte(F64_REINTERPRET_I64);
}

/** the float on the stack becomes a value */
function keepBits<U>(): u32 {
  if (sizeof<U>() == 4) {
    byte(I32_REINTERPRET_F32);
    byte(I64_EXTEND_I32_U);
  } else byte(I64_REINTERPRET_F64);
  return keep();
}

function keepTruth(): u32 {
  byte(I64_EXTEND_I32_U);
  return keep();
}

function arithmetic<U>(single: u32, double: u32, x: u32, y: u32): u32 {
  push<U>(x);
  push<U>(y);
  byte(sizeof<U>() == 4 ? single : double);
  return keepBits<U>();
}

function comparison<U>(single: u32, double: u32, x: u32, y: u32): u32 {
  push<U>(x);
  push<U>(y);
  byte(sizeof<U>() == 4 ? single : double);
  return keepTruth();
}

/** pushes the bits without the sign, shifted left by one */
function pushMagnitude<U>(x: u32): void {
  get(x);
  i64Const(1);
  byte(I64_SHL);
  if (sizeof<U>() == 4) {
    i64Const(0xffffffff);
    byte(I64_AND);
  }
}

function pushNotZero<U>(x: u32): void {
  pushMagnitude<U>(x);
  i64Const(0);
  byte(I64_NE);
}

function pushNotNormal<U>(x: u32): void {
  pushMagnitude<U>(x);
  i64Const(sizeof<U>() == 4 ? <i64>NORMAL_32 : <i64>NORMAL_64);
  byte(I64_SUB);
  i64Const(sizeof<U>() == 4 ? <i64>NORMALS_32 : <i64>NORMALS_64);
  byte(I64_GE_U);
}

@unmanaged
export class EmitFloats extends EmitLanes {
  // ---- scalar

  addF<U>(x: u32, y: u32): u32 {
    return arithmetic<U>(F32_ADD, F64_ADD, x, y);
  }
  subF<U>(x: u32, y: u32): u32 {
    return arithmetic<U>(F32_SUB, F64_SUB, x, y);
  }
  mulF<U>(x: u32, y: u32): u32 {
    return arithmetic<U>(F32_MUL, F64_MUL, x, y);
  }
  divF<U>(x: u32, y: u32): u32 {
    return arithmetic<U>(F32_DIV, F64_DIV, x, y);
  }
  sqrtF<U>(x: u32): u32 {
    push<U>(x);
    byte(sizeof<U>() == 4 ? F32_SQRT : F64_SQRT);
    return keepBits<U>();
  }
  nearestF<U>(x: u32): u32 {
    push<U>(x);
    byte(sizeof<U>() == 4 ? F32_NEAREST : F64_NEAREST);
    return keepBits<U>();
  }
  belowF<U>(x: u32, y: u32): u32 {
    return comparison<U>(F32_LT, F64_LT, x, y);
  }
  equalF<U>(x: u32, y: u32): u32 {
    return comparison<U>(F32_EQ, F64_EQ, x, y);
  }
  differF<U>(x: u32, y: u32): u32 {
    return comparison<U>(F32_NE, F64_NE, x, y);
  }
  promoteF(x: u32): u32 {
    push<f32>(x);
    byte(F64_PROMOTE);
    return keepBits<f64>();
  }
  demoteF(x: u32): u32 {
    push<f64>(x);
    byte(F32_DEMOTE);
    return keepBits<f32>();
  }
  fromIntegerF<T, U>(v: u32): u32 {
    get(v);
    if (sizeof<T>() == 4) byte(I64_EXTEND32_S);
    byte(sizeof<U>() == 4 ? F32_CONVERT_I64_S : F64_CONVERT_I64_S);
    return keepBits<U>();
  }
  truncateF<U>(x: u32): u32 {
    push<U>(x);
    byte(MISC);
    index(sizeof<U>() == 4 ? I64_TRUNC_SAT_F32_S : I64_TRUNC_SAT_F64_S);
    return keep();
  }

  // ---- scalar questions

  strictF(): u32 {
    i32Const(0);
    access(I32_LOAD, <u32>(cpu + offsetof<State>("mxcsr")));
    i32Const(MXCSR_INEXACT);
    byte(I32_AND);
    i32Const(MXCSR_NOTHING_TO_SIGNAL);
    byte(I32_NE);
    return keepTruth();
  }
  denormalF<U>(x: u32): u32 {
    pushMagnitude<U>(x);
    i64Const(1);
    byte(I64_SUB);
    i64Const(sizeof<U>() == 4 ? <i64>DENORMALS_32 : <i64>DENORMALS_64);
    byte(I64_LT_U);
    return keepTruth();
  }
  oddSumF<U>(r: u32): u32 {
    pushNotNormal<U>(r);
    pushNotZero<U>(r);
    byte(I32_AND);
    return keepTruth();
  }
  oddProductF<U>(r: u32, x: u32, y: u32): u32 {
    pushNotNormal<U>(r);
    pushNotZero<U>(r);
    pushNotZero<U>(x);
    pushNotZero<U>(y);
    byte(I32_AND);
    byte(I32_OR);
    byte(I32_AND);
    return keepTruth();
  }
  nanOrDenormalF<U>(x: u32): u32 {
    const denormal = this.denormalF<U>(x);
    get(denormal);
    byte(I32_WRAP);
    pushMagnitude<U>(x);
    i64Const(sizeof<U>() == 4 ? <i64>INFINITY_32 : <i64>INFINITY_64);
    byte(I64_GT_U);
    byte(I32_OR);
    return keepTruth();
  }
  doesNotFit<T, U>(r: u32, x: u32): u32 {
    push<U>(x);
    push<U>(x);
    byte(sizeof<U>() == 4 ? F32_NE : F64_NE);
    get(r);
    if (sizeof<T>() == 4) {
      byte(I64_EXTEND32_S);
      get(r);
      byte(I64_NE);
    } else {
      i64Const(<i64>(TOP_BIT + 1));
      byte(I64_ADD);
      i64Const(2);
      byte(I64_LT_U);
    }
    byte(I32_OR);
    return keepTruth();
  }
  vanishedF(r: u32, x: u32): u32 {
    pushMagnitude<f32>(r);
    byte(I64_EQZ);
    pushMagnitude<f64>(x);
    byte(I64_EQZ);
    byte(I32_NE);
    return keepTruth();
  }

  // ---- packed questions

  denormalX<U>(x: u32): u32 {
    const moved = this.withoutSignX<U>(x, 1);
    const bound = sizeof<U>() == 4 ? i32x4.splat(DENORMALS_32) : i64x2.splat(TOP_BIT ^ DENORMALS_64);
    return two(sizeof<U>() == 4 ? I32X4_LT_U : I64X2_LT_S, moved, this.constX(bound));
  }
  notNormalX<U>(r: u32): u32 {
    const moved = this.withoutSignX<U>(r, sizeof<U>() == 4 ? <u64>NORMAL_32 : NORMAL_64);
    const bound = sizeof<U>() == 4 ? i32x4.splat(NORMALS_32) : i64x2.splat(TOP_BIT ^ NORMALS_64);
    return two(sizeof<U>() == 4 ? I32X4_GE_U : I64X2_GE_S, moved, this.constX(bound));
  }
  /** the lanes' bits shifted left by one, less `from`; of 64 bits with the top one flipped, as there is no unsigned comparison */
  withoutSignX<U>(x: u32, from: u64): u32 {
    get(x);
    i32Const(1);
    simd(SHL + (sizeof<U>() == 4 ? 64 : 96));
    this.pushX(sizeof<U>() == 4 ? i32x4.splat(<i32>from) : i64x2.splat(from | TOP_BIT));
    simd(SUB + (sizeof<U>() == 4 ? 64 : 96));
    return keepVector();
  }
  isZeroX<U>(x: u32): u32 {
    return two(sizeof<U>() == 4 ? F32X4_EQ : F64X2_EQ, x, this.constX(i64x2.splat(0)));
  }
  oddSumX<U>(r: u32): u32 {
    return two(V128_ANDNOT, this.notNormalX<U>(r), this.isZeroX<U>(r));
  }
  oddProductX<U>(r: u32, x: u32, y: u32): u32 {
    const explained = two(V128_AND, this.isZeroX<U>(r), two(V128_OR, this.isZeroX<U>(x), this.isZeroX<U>(y)));
    return two(V128_ANDNOT, this.notNormalX<U>(r), explained);
  }
  nanOrDenormalX<U>(x: u32): u32 {
    return two(V128_OR, this.denormalX<U>(x), two(sizeof<U>() == 4 ? F32X4_NE : F64X2_NE, x, x));
  }
}
