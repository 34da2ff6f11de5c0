/**
 * Values of vector type, for the back end that does it now: v128, lane by lane. `U` is the lane's type: its sign decides how a lane is
 * compared, extended, saturated and shifted right. MMX values are the low 64 bits of such a value.
 */
import { State } from "../generated/state";

@unmanaged
export class Lanes extends State {
  // ---- bits

  @inline andX(a: v128, b: v128): v128 {
    return v128.and(a, b);
  }
  @inline orX(a: v128, b: v128): v128 {
    return v128.or(a, b);
  }
  @inline xorX(a: v128, b: v128): v128 {
    return v128.xor(a, b);
  }
  /** a & ~b */
  @inline andnotX(a: v128, b: v128): v128 {
    return v128.andnot(a, b);
  }
  @inline constX(v: v128): v128 {
    return v;
  }
  /** a if c is not zero, else b */
  @inline selectX(c: u64, a: v128, b: v128): v128 {
    return c != 0 ? a : b;
  }
  /** the bits of b where the mask's are set, of a elsewhere */
  @inline blendX(a: v128, b: v128, mask: v128): v128 {
    return v128.bitselect(b, a, mask);
  }
  /** 1 if any bit is set */
  @inline anyX(a: v128): u64 {
    return <u64>v128.any_true(a);
  }

  // ---- arithmetic

  @inline addX<U>(a: v128, b: v128): v128 {
    return v128.add<U>(a, b);
  }
  @inline subX<U>(a: v128, b: v128): v128 {
    return v128.sub<U>(a, b);
  }
  @inline addSatX<U>(a: v128, b: v128): v128 {
    return v128.add_sat<U>(a, b);
  }
  @inline subSatX<U>(a: v128, b: v128): v128 {
    return v128.sub_sat<U>(a, b);
  }
  /** the low half of each product; for floats the product */
  @inline mulX<U>(a: v128, b: v128): v128 {
    return v128.mul<U>(a, b);
  }
  @inline divX<U>(a: v128, b: v128): v128 {
    return v128.div<U>(a, b);
  }
  @inline sqrtX<U>(a: v128): v128 {
    return v128.sqrt<U>(a);
  }
  @inline minX<U>(a: v128, b: v128): v128 {
    return v128.min<U>(a, b);
  }
  @inline maxX<U>(a: v128, b: v128): v128 {
    return v128.max<U>(a, b);
  }
  @inline avgX<U>(a: v128, b: v128): v128 {
    return v128.avgr<U>(a, b);
  }

  // ---- comparisons: all ones or all zeros in each lane

  @inline eqX<U>(a: v128, b: v128): v128 {
    return v128.eq<U>(a, b);
  }
  @inline gtX<U>(a: v128, b: v128): v128 {
    return v128.gt<U>(a, b);
  }

  // ---- shifts by fewer bits than a lane has

  @inline shlX<U>(a: v128, n: u64): v128 {
    return v128.shl<U>(a, <i32>n);
  }
  @inline shrX<U>(a: v128, n: u64): v128 {
    return v128.shr<U>(a, <i32>n);
  }

  // ---- moving lanes

  /** byte i of the result is byte `control[i]` of a; none (zero) if that is not below 16 */
  @inline swizzleX(a: v128, control: v128): v128 {
    return v128.swizzle(a, control);
  }
  /** byte i of the result is byte `control[i]` of a, from 16 on of b; `control` depends on nothing but the instruction */
  @inline shuffleX(a: v128, b: v128, control: v128): v128 {
    return v128.or(v128.swizzle(a, control), v128.swizzle(b, v128.sub<i8>(control, i8x16.splat(16))));
  }
  /** lanes 0 of a, 0 of b, 1 of a, … */
  @inline interleaveLowX<U>(a: v128, b: v128): v128 {
    if (sizeof<U>() == 1) return i8x16.shuffle(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    if (sizeof<U>() == 2) return v128.shuffle<u16>(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
    if (sizeof<U>() == 4) return v128.shuffle<u32>(a, b, 0, 4, 1, 5);
    return v128.shuffle<u64>(a, b, 0, 2);
  }
  /** the same with the lanes of the high halves */
  @inline interleaveHighX<U>(a: v128, b: v128): v128 {
    if (sizeof<U>() == 1) return i8x16.shuffle(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    if (sizeof<U>() == 2) return v128.shuffle<u16>(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
    if (sizeof<U>() == 4) return v128.shuffle<u32>(a, b, 2, 6, 3, 7);
    return v128.shuffle<u64>(a, b, 1, 3);
  }
  /** lanes of a, then of b, each cut to half its width: signed lanes saturated as signed, unsigned `U` means to the unsigned range */
  @inline narrowX<U>(a: v128, b: v128): v128 {
    return v128.narrow<U>(a, b);
  }

  // ---- to and from values of the general kind

  /** the top bit of each lane */
  @inline bitmaskX<U>(a: v128): u64 {
    return <u64>v128.bitmask<U>(a);
  }
  /** the value in the low 64 bits, zero above */
  @inline lowX(v: u64): v128 {
    return i64x2.replace_lane(i64x2.splat(0), 0, <i64>v);
  }
  @inline splatX<U>(v: u64): v128 {
    return v128.splat<U>(<U>v);
  }
  @inline lowOfX(a: v128): u64 {
    return <u64>v128.extract_lane<u64>(a, 0);
  }
  @inline highOfX(a: v128): u64 {
    return <u64>v128.extract_lane<u64>(a, 1);
  }
}
