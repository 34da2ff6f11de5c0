/**
 * Floats for the back end that does it now, by their bits: wasm's arithmetic, and the questions that decide whether it is the processor's.
 * It is if MXCSR rounds to nearest, if nothing would be signalled that is not sticky already, and if no operand and no result is a NaN,
 * infinite or denormal, where signals, NaN payloads, DAZ and FZ come in. The questions are 1 (packed: ones in the lane) where it might
 * not be.
 */
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
import { Lanes } from "./lanes";

@unmanaged
export class Floats extends Lanes {
  // ---- scalar. `U` is f32 or f64

  @inline toF<U>(bits: u64): U {
    return sizeof<U>() == 4 ? <U>reinterpret<f32>(<u32>bits) : <U>reinterpret<f64>(bits);
  }
  @inline ofF<U>(v: U): u64 {
    return sizeof<U>() == 4 ? <u64>reinterpret<u32>(<f32>v) : reinterpret<u64>(<f64>v);
  }
  @inline addF<U>(x: u64, y: u64): u64 {
    return this.ofF<U>(this.toF<U>(x) + this.toF<U>(y));
  }
  @inline subF<U>(x: u64, y: u64): u64 {
    return this.ofF<U>(this.toF<U>(x) - this.toF<U>(y));
  }
  @inline mulF<U>(x: u64, y: u64): u64 {
    return this.ofF<U>(this.toF<U>(x) * this.toF<U>(y));
  }
  @inline divF<U>(x: u64, y: u64): u64 {
    return this.ofF<U>(this.toF<U>(x) / this.toF<U>(y));
  }
  @inline sqrtF<U>(x: u64): u64 {
    return this.ofF<U>(sqrt<U>(this.toF<U>(x)));
  }
  @inline belowF<U>(x: u64, y: u64): u64 {
    return <u64>(this.toF<U>(x) < this.toF<U>(y));
  }
  @inline equalF<U>(x: u64, y: u64): u64 {
    return <u64>(this.toF<U>(x) == this.toF<U>(y));
  }
  @inline promoteF(x: u64): u64 {
    return reinterpret<u64>(<f64>reinterpret<f32>(<u32>x));
  }
  @inline demoteF(x: u64): u64 {
    return <u64>reinterpret<u32>(<f32>reinterpret<f64>(x));
  }
  /** from an integer of type T */
  @inline fromIntegerF<T, U>(v: u64): u64 {
    return this.ofF<U>(sizeof<T>() == 4 ? <U>(<i32>v) : <U>(<i64>v));
  }
  /** a signed integer of 64 bits, towards zero; saturated, and zero for a NaN */
  @inline truncateF<U>(x: u64): u64 {
    return <u64>(<i64>this.toF<U>(x));
  }
  @inline nearestF<U>(x: u64): u64 {
    return this.ofF<U>(nearest<U>(this.toF<U>(x)));
  }

  // ---- scalar questions

  /** MXCSR does not round to nearest, or an inexact result has something to change in it */
  @inline strictF(): u64 {
    return <u64>((this.mxcsr & MXCSR_INEXACT) != MXCSR_NOTHING_TO_SIGNAL);
  }
  @inline denormalF<U>(x: u64): u64 {
    if (sizeof<U>() == 4) return <u64>(((<u32>x) << 1) - 1 < DENORMALS_32);
    return <u64>((x << 1) - 1 < DENORMALS_64);
  }
  /** neither normal nor zero. */
  @inline oddSumF<U>(r: u64): u64 {
    if (sizeof<U>() == 4) return <u64>(((<u32>r) << 1) - NORMAL_32 >= NORMALS_32 && (<u32>r) << 1 != 0);
    return <u64>((r << 1) - NORMAL_64 >= NORMALS_64 && r << 1 != 0);
  }
  /** neither normal nor a zero that x or y explains */
  @inline oddProductF<U>(r: u64, x: u64, y: u64): u64 {
    if (sizeof<U>() == 4)
      return <u64>(((<u32>r) << 1) - NORMAL_32 >= NORMALS_32 && ((<u32>r) << 1 != 0 || ((<u32>x) << 1 != 0 && (<u32>y) << 1 != 0)));
    return <u64>((r << 1) - NORMAL_64 >= NORMALS_64 && (r << 1 != 0 || (x << 1 != 0 && y << 1 != 0)));
  }
  /** a NaN or denormal */
  @inline nanOrDenormalF<U>(x: u64): u64 {
    if (sizeof<U>() == 4) return this.denormalF<U>(x) | <u64>((<u32>x) << 1 > INFINITY_32);
    return this.denormalF<U>(x) | <u64>(x << 1 > INFINITY_64);
  }
  @inline differF<U>(x: u64, y: u64): u64 {
    return <u64>(this.toF<U>(x) != this.toF<U>(y));
  }
  /** truncateF saturated, or the result exceeds T: `r` is what it gave for x */
  @inline doesNotFit<T, U>(r: u64, x: u64): u64 {
    const isNaN = <u64>(this.toF<U>(x) != this.toF<U>(x));
    return isNaN | <u64>(sizeof<T>() == 4 ? <u64>(<i64>(<i32>r)) != r : r + 0x8000000000000001 < 2);
  }
  /** a double became zero as a single */
  @inline vanishedF(r: u64, x: u64): u64 {
    return <u64>(((<u32>r) << 1 == 0) != (x << 1 == 0));
  }

  // ---- packed questions

  @inline denormalX<U>(x: v128): v128 {
    if (sizeof<U>() == 4) return v128.lt<u32>(v128.sub<u32>(v128.shl<u32>(x, 1), i32x4.splat(1)), i32x4.splat(DENORMALS_32));
    // there is no unsigned comparison of 64 bits: both sides have their top bit flipped
    return v128.lt<i64>(v128.sub<i64>(v128.shl<i64>(x, 1), i64x2.splat(TOP_BIT + 1)), i64x2.splat(TOP_BIT ^ DENORMALS_64));
  }
  @inline notNormalX<U>(r: v128): v128 {
    if (sizeof<U>() == 4) return v128.ge<u32>(v128.sub<u32>(v128.shl<u32>(r, 1), i32x4.splat(NORMAL_32)), i32x4.splat(NORMALS_32));
    return v128.ge<i64>(v128.sub<i64>(v128.shl<i64>(r, 1), i64x2.splat(TOP_BIT + NORMAL_64)), i64x2.splat(TOP_BIT ^ NORMALS_64));
  }
  @inline isZeroX<U>(x: v128): v128 {
    return v128.eq<U>(x, i64x2.splat(0));
  }
  @inline oddSumX<U>(r: v128): v128 {
    return v128.andnot(this.notNormalX<U>(r), this.isZeroX<U>(r));
  }
  @inline oddProductX<U>(r: v128, x: v128, y: v128): v128 {
    return v128.andnot(this.notNormalX<U>(r), v128.and(this.isZeroX<U>(r), v128.or(this.isZeroX<U>(x), this.isZeroX<U>(y))));
  }
  @inline nanOrDenormalX<U>(x: v128): v128 {
    return v128.or(this.denormalX<U>(x), v128.ne<U>(x, x));
  }
}
