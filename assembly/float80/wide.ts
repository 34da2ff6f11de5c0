/**
 * 128-bit integer arithmetic that wasm lacks: high half of a product, division by 64 bits, square root of 128 bits, top half of a
 * 256-bit product.
 */

const LOW: u64 = 0xffffffff;

/** High 64 bits of a × b; the low ones are plain a * b. */
export function multiplyHigh(a: u64, b: u64): u64 {
  const aHigh = a >> 32;
  const aLow = a & LOW;
  const bHigh = b >> 32;
  const bLow = b & LOW;
  const middle = aHigh * bLow + ((aLow * bLow) >> 32);
  const other = aLow * bHigh + (middle & LOW);
  return aHigh * bHigh + (middle >> 32) + (other >> 32);
}

/**
 * high:low / d for a normalised d (bit 63 set) and high < d; the remainder is low - quotient * d. Knuth's algorithm D with 32-bit
 * digits.
 */
export function divideWide(high: u64, low: u64, d: u64): u64 {
  const q1 = quotientDigit(high, low >> 32, d);
  const middle = ((high << 32) | (low >> 32)) - q1 * d;
  return (q1 << 32) | quotientDigit(middle, low & LOW, d);
}

/** One 32-bit digit of (rest × 2^32 + next) / d. */
function quotientDigit(rest: u64, next: u64, d: u64): u64 {
  const dHigh = d >> 32;
  const dLow = d & LOW;
  let q = rest / dHigh;
  let r = rest - q * dHigh;
  while (q > LOW || q * dLow > ((r << 32) | next)) {
    q--;
    r += dHigh;
    if (r > LOW) break;
  }
  return q;
}

/**
 * floor(sqrt(high:low)) for high ≥ 2^62: half the digits from the FPU, the other half by one division (Zimmermann, "Karatsuba square
 * root").
 */
export function squareRoot(high: u64, low: u64): u64 {
  let s = <u64>Math.sqrt(<f64>high);
  if (s > LOW) s = LOW;
  if (s * s > high) s--;
  const rest = high - s * s; // at most 2s, so 33 bits
  const halved = (rest << 31) | (low >> 33); // divide by 2s, both sides halved to stay within 64 bits
  let q = halved / s;
  let r = ((halved - q * s) << 1) | ((low >> 32) & 1);
  if (q > LOW) {
    q = LOW;
    r += 2 * s;
  }
  const root = (s << 32) + q;
  const isTooLarge = r >> 32 === 0 && ((r << 32) | (low & LOW)) < q * q;
  return isTooLarge ? root - 1 : root;
}

/** Lower half of the last `multiplyWide`. */
export let low: u64 = 0;

/** Top 128 bits of a1:a0 × b1:b0, at most three units too small; the upper half is returned. */
export function multiplyWide(a1: u64, a0: u64, b1: u64, b0: u64): u64 {
  const p = a1 * b1;
  const q = multiplyHigh(a1, b0);
  const r = multiplyHigh(a0, b1);
  const sum = p + q;
  const carry: u64 = sum < p ? 1 : 0;
  low = sum + r;
  return multiplyHigh(a1, b1) + carry + (low < sum ? 1 : 0);
}
