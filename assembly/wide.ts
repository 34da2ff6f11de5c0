/** 64 × 64 → 128-bit products and 128 / 64-bit quotients, which WebAssembly does not have. */

export function mulHigh(a: u64, b: u64): u64 {
  const a0 = a & 0xffffffff;
  const a1 = a >> 32;
  const b0 = b & 0xffffffff;
  const b1 = b >> 32;
  const middle = a1 * b0 + ((a0 * b0) >> 32);
  const middle2 = a0 * b1 + (middle & 0xffffffff);
  return a1 * b1 + (middle >> 32) + (middle2 >> 32);
}

export function mulHighSigned(a: u64, b: u64): u64 {
  return mulHigh(a, b) - (<i64>a < 0 ? b : 0) - (<i64>b < 0 ? a : 0);
}

/** remainder of the last `divide128` */
export let remainder: u64 = 0;

/** high:low / d, with high below d: two 32-bit quotient digits (Knuth, TAOCP 2, 4.3.1 Algorithm D). */
export function divide128(high: u64, low: u64, d: u64): u64 {
  if (high == 0) {
    remainder = low % d;
    return low / d;
  }
  const shift = clz<u64>(d);
  const v = d << shift;
  const u = shift == 0 ? high : (high << shift) | (low >> (64 - shift));
  const below = low << shift;
  const q1 = digit(u, below >> 32, v);
  const rest = (u << 32) + (below >> 32) - q1 * v;
  const q0 = digit(rest, below & 0xffffffff, v);
  remainder = ((rest << 32) + (below & 0xffffffff) - q0 * v) >> shift;
  return (q1 << 32) + q0;
}

/** One digit of (u << 32 | below) / v: the estimate by v's upper half, corrected by its lower half. */
function digit(u: u64, below: u64, v: u64): u64 {
  const v1 = v >> 32;
  const v0 = v & 0xffffffff;
  let q = u / v1;
  let r = u - q * v1;
  while (q > 0xffffffff || q * v0 > ((r << 32) | below)) {
    q--;
    r += v1;
    if (r > 0xffffffff) break;
  }
  return q;
}

/** The bytes of a T in reverse order. */
export function reverseBytes<T>(v: u64): u64 {
  return <u64>bswap<T>(<T>v);
}
