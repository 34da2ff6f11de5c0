/**
 * One representation for every number inside this folder: f16, f32, f64, 80-bit extended and integers are unpacked into it, and rounded
 * and packed from it. SDM 1 4.8.2 "The floating-point format", 8.2.2 "Unsupported double extended-precision floating-point encodings and
 * pseudo-denormals".
 *
 *        63                     0 63                     0
 *       ┌─┬──────────────────────┬────────────────────────┐
 *   hi  │1│ significand          │ lo: guard bits, sticky │    value = (-1)^sign × hi.lo × 2^(exp - 63)
 *       └─┴──────────────────────┴────────────────────────┘
 *
 * A NaN keeps its fraction left-aligned in `hi` with the quiet bit at 62, so that converting between formats is cutting off.
 */

/** Kinds, in an order that makes the questions below single compares. */
export const ZERO: u32 = 0;
export const NORMAL: u32 = 1;
export const DENORMAL: u32 = 2;
export const INFINITE: u32 = 3;
export const QNAN: u32 = 4;
export const SNAN: u32 = 5;
export const UNSUPPORTED: u32 = 6;

export const INTEGER_BIT: u64 = 0x8000000000000000;
export const QUIET_BIT: u64 = 0x4000000000000000;
export const EXTENDED_BIAS: i32 = 16383;

@unmanaged
@final
export class Unpacked {
  hi: u64;
  lo: u64;
  exp: i32;
  sign: u32;
  kind: u32;

  get isNaN(): bool {
    return this.kind >= QNAN;
  }
  get isFinite(): bool {
    return this.kind < INFINITE;
  }
}

/** Tag for the 80-bit format in generic functions, beside f32, f64, i16, i32 and i64. */
@unmanaged
export class Extended {}

/** First operand, second operand, result. C is the addend of fma and spare elsewhere. */
export const A = changetype<Unpacked>(memory.data(32, 16));
export const B = changetype<Unpacked>(memory.data(32, 16));
export const C = changetype<Unpacked>(memory.data(32, 16));
export const R = changetype<Unpacked>(memory.data(32, 16));
/** Intermediate values of the transcendental functions. */
export const T = changetype<Unpacked>(memory.data(32, 16));
export const U = changetype<Unpacked>(memory.data(32, 16));
export const V = changetype<Unpacked>(memory.data(32, 16));
export const W = changetype<Unpacked>(memory.data(32, 16));

/** Formats are named by the integer type that holds their bits: u16, u32, u64. */
export function precisionOf<T>(): i32 {
  return sizeof<T>() === 2 ? 11 : sizeof<T>() === 4 ? 24 : 53;
}

/** Largest exponent, which is also the bias. */
export function biasOf<T>(): i32 {
  return (1 << (8 * sizeof<T>() - precisionOf<T>() - 1)) - 1;
}

export function setZero(u: Unpacked, sign: u32): void {
  u.kind = ZERO;
  u.sign = sign;
  u.hi = 0;
  u.lo = 0;
}

export function setInfinite(u: Unpacked, sign: u32): void {
  u.kind = INFINITE;
  u.sign = sign;
  u.hi = INTEGER_BIT;
}

/** The real indefinite: what a masked invalid operation gives. */
export function setIndefinite(u: Unpacked): void {
  u.kind = QNAN;
  u.sign = 1;
  u.hi = INTEGER_BIT | QUIET_BIT;
}

export function copy(to: Unpacked, from: Unpacked): void {
  memory.copy(changetype<usize>(to), changetype<usize>(from), 32);
}

/** A finite non-zero number from its magnitude × 2^exp. */
export function setMagnitude(u: Unpacked, sign: u32, magnitude: u64, exp: i32): void {
  const shift = <i32>clz(magnitude);
  u.kind = NORMAL;
  u.sign = sign;
  u.exp = exp + 63 - shift;
  u.hi = magnitude << shift;
  u.lo = 0;
}

export function setInteger(u: Unpacked, value: i64): void {
  const sign: u32 = value < 0 ? 1 : 0;
  if (value === 0) setZero(u, 0);
  else setMagnitude(u, sign, sign ? 0 - (value as u64) : (value as u64), 0);
}

export function unpack<T>(u: Unpacked, bits: T, denormalsAreZero: bool): void {
  const fractionBits = precisionOf<T>() - 1;
  const bias = biasOf<T>();
  const field = <i32>((bits >> (fractionBits as T)) & ((2 * bias + 1) as T));
  const fraction = ((bits as u64) << (64 - fractionBits)) >> 1;
  u.sign = <u32>(bits >> ((8 * sizeof<T>() - 1) as T));
  u.lo = 0;
  if (field - 1 < 2 * bias && field !== 0) {
    u.kind = NORMAL;
    u.exp = field - bias;
    u.hi = fraction | INTEGER_BIT;
  } else if (field !== 0) {
    u.kind = fraction === 0 ? INFINITE : fraction & QUIET_BIT ? QNAN : SNAN;
    u.hi = fraction | INTEGER_BIT;
  } else if (fraction === 0 || denormalsAreZero) {
    setZero(u, u.sign);
  } else {
    setMagnitude(u, u.sign, fraction, 1 - bias - 63);
    u.kind = DENORMAL;
  }
}

export function pack<T>(u: Unpacked): T {
  const fractionBits = precisionOf<T>() - 1;
  const field = biasedExponent(u, biasOf<T>()) as u64;
  const sign = (u.sign as u64) << (8 * sizeof<T>() - 1);
  return (sign | (field << fractionBits) | ((u.hi << 1) >> (64 - fractionBits))) as T;
}

/** Reads the 80-bit number at `address`, which may be unsupported: unnormal, pseudo-infinity, pseudo-NaN. */
export function unpackExtended(u: Unpacked, address: usize): void {
  const significand = load<u64>(address);
  const top = <u32>load<u16>(address, 8);
  const field = <i32>(top & 0x7fff);
  u.sign = top >> 15;
  u.hi = significand;
  u.lo = 0;
  u.exp = field - EXTENDED_BIAS;
  if (field === 0) {
    if (significand === 0) u.kind = ZERO;
    else {
      setMagnitude(u, u.sign, significand, 1 - EXTENDED_BIAS - 63);
      u.kind = DENORMAL;
    }
  } else if ((significand as i64) >= 0) u.kind = UNSUPPORTED;
  else if (field !== 0x7fff) u.kind = NORMAL;
  else u.kind = significand << 1 === 0 ? INFINITE : significand & QUIET_BIT ? QNAN : SNAN;
}

export function packExtended(address: usize, u: Unpacked): void {
  store<u64>(address, u.hi);
  store<u16>(address, <u16>(biasedExponent(u, EXTENDED_BIAS) | (u.sign << 15)), 8);
}

/** Unpacks what a memory operand of format F holds: Extended, f32, f64, i16, i32 or i64. */
export function unpackAt<F>(u: Unpacked, address: usize): void {
  if (isInteger<F>()) setInteger(u, <i64>load<F>(address));
  else if (!isFloat<F>()) unpackExtended(u, address);
  else if (sizeof<F>() === 4) unpack<u32>(u, load<u32>(address), false);
  else unpack<u64>(u, load<u64>(address), false);
}

/** The exponent field; a denormal has been shifted right by rounding, so that its integer bit is clear. */
function biasedExponent(u: Unpacked, bias: i32): u32 {
  if (u.kind >= INFINITE) return 2 * bias + 1;
  return u.hi >> 63 ? u.exp + bias : 0;
}
