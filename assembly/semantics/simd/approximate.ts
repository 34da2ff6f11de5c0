/**
 * Approximations: SDM Vol. 2 "RCPPS", "RSQRTPS". The manual promises a relative error of at most 1.5 × 2^-12 and no particular digits, and AMD's
 * and Intel's differ. Ours are the quotient and root rounded to 12 bits, half of that error; nothing is signalled, whatever MXCSR says.
 */
import { Exec } from "../../backend/exec";
import { Op } from "../../decode/op";

export function rcps<S>(b: Exec, op: Op): void {
  store<u32>(<usize>op.d, reciprocal(<u32>b.src<u32, S>(op)));
}

export function rsqrts<S>(b: Exec, op: Op): void {
  store<u32>(<usize>op.d, reciprocalRoot(<u32>b.src<u32, S>(op)));
}

export function rcpp<S>(b: Exec, op: Op): void {
  const y = b.srcX<v128, S>(op);
  v128.store(<usize>op.d, y);
  for (let at = <usize>op.d; at < <usize>op.d + 16; at += 4) store<u32>(at, reciprocal(load<u32>(at)));
}

export function rsqrtp<S>(b: Exec, op: Op): void {
  const y = b.srcX<v128, S>(op);
  v128.store(<usize>op.d, y);
  for (let at = <usize>op.d; at < <usize>op.d + 16; at += 4) store<u32>(at, reciprocalRoot(load<u32>(at)));
}

const SIGN: u32 = 0x80000000;
const INFINITY_BITS: u32 = 0x7f800000;
const QUIET_BIT: u32 = 0x00400000;
const INDEFINITE: u32 = 0xffc00000;
const LEAST_NORMAL: u32 = 0x00800000;
/** 2^126 */
const TINY_RECIPROCAL: u32 = 0x7e800000;

/** Denormals count as zeros, and where the result would be one, or nearly, it is zero. */
function reciprocal(x: u32): u32 {
  const magnitude = x & ~SIGN;
  const sign = x & SIGN;
  if (magnitude > INFINITY_BITS) return x | QUIET_BIT;
  if (magnitude < LEAST_NORMAL) return sign | INFINITY_BITS;
  if (magnitude >= TINY_RECIPROCAL) return sign;
  return sign | twelveBits(1.0 / <f64>reinterpret<f32>(magnitude));
}

function reciprocalRoot(x: u32): u32 {
  const magnitude = x & ~SIGN;
  if (magnitude > INFINITY_BITS) return x | QUIET_BIT;
  if (magnitude < LEAST_NORMAL) return (x & SIGN) | INFINITY_BITS;
  if ((x & SIGN) != 0) return INDEFINITE;
  return twelveBits(1.0 / sqrt<f64>(<f64>reinterpret<f32>(magnitude)));
}

/** Bits of a positive number as a float with 12 significant bits. */
function twelveBits(x: f64): u32 {
  return (reinterpret<u32>(<f32>x) + 0x800) & 0xfffff000;
}
