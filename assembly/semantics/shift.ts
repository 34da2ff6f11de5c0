/** Shifts and rotates. SDM Vol. 2 "SAL/SAR/SHL/SHR", "RCL/RCR/ROL/ROR". Flags stay as they are when the masked count is zero. */
import { Exec } from "../backend/exec";
import { Op } from "../decode/op";
import { cf, status } from "../flags";
import { RFLAGS_CF, RFLAGS_OF } from "../generated/constants";

export function shl<B, T, D, S>(b: B, op: Op): void {
  const n = b.and(b.src<u8, S>(op), b.const(sizeof<T>() == 8 ? 63 : 31));
  const at = b.open<T, D>(op);
  const x = b.fetch<T, D>(op, at);
  const r = b.shl<T>(x, n);
  b.put<T, D>(op, at, r);
  if (b.when(n)) {
    const top = b.const(sizeof<T>() * 8 - 1);
    const c = b.and(b.shr(b.shl<T>(x, b.sub<u64>(n, b.const(1))), top), b.const(1));
    const o = b.xor(c, b.shr(r, top));
    b.flagsPartial<T>(r, b.or(c, b.shl<u64>(o, b.const(11))));
    b.end();
  }
}

export function shr<B, T, D, S>(b: B, op: Op): void {
  const n = b.and(b.src<u8, S>(op), b.const(sizeof<T>() == 8 ? 63 : 31));
  const at = b.open<T, D>(op);
  const x = b.fetch<T, D>(op, at);
  const r = b.shr(x, n);
  b.put<T, D>(op, at, r);
  if (b.when(n)) {
    const c = b.and(b.shr(x, b.sub<u64>(n, b.const(1))), b.const(1));
    const o = b.shr(b.xor(r, b.shl<T>(r, b.const(1))), b.const(sizeof<T>() * 8 - 1));
    b.flagsPartial<T>(r, b.or(c, b.shl<u64>(o, b.const(11))));
    b.end();
  }
}

export function sar<B, T, D, S>(b: B, op: Op): void {
  const n = b.and(b.src<u8, S>(op), b.const(sizeof<T>() == 8 ? 63 : 31));
  const at = b.open<T, D>(op);
  const x = b.sext<T>(b.fetch<T, D>(op, at));
  const r = b.trunc<T>(b.sar(x, n));
  b.put<T, D>(op, at, r);
  if (b.when(n)) {
    b.flagsPartial<T>(r, b.and(b.sar(x, b.sub<u64>(n, b.const(1))), b.const(1)));
    b.end();
  }
}

/** CF and OF of a rotation into the status flags, the others as they are. */
function rotated(b: Exec, carry: u64, overflow: u64): void {
  b.flagsAll(<u64>(status(b) & ~(RFLAGS_CF | RFLAGS_OF)) | carry | (overflow << 11));
}

export function rol<T, D, S>(b: Exec, op: Op): void {
  const n = b.src<u8, S>(op) & (sizeof<T>() == 8 ? 63 : 31);
  const at = b.open<T, D>(op);
  const r = <u64>rotl<T>(<T>b.fetch<T, D>(op, at), <T>(n & (sizeof<T>() * 8 - 1)));
  b.put<T, D>(op, at, r);
  if (n != 0) rotated(b, r & 1, ((r >> (sizeof<T>() * 8 - 1)) ^ r) & 1);
}

export function ror<T, D, S>(b: Exec, op: Op): void {
  const n = b.src<u8, S>(op) & (sizeof<T>() == 8 ? 63 : 31);
  const at = b.open<T, D>(op);
  const r = <u64>rotr<T>(<T>b.fetch<T, D>(op, at), <T>(n & (sizeof<T>() * 8 - 1)));
  b.put<T, D>(op, at, r);
  const top = r >> (sizeof<T>() * 8 - 1);
  if (n != 0) rotated(b, top, (top ^ (r >> (sizeof<T>() * 8 - 2))) & 1);
}

export function rcl<T, D, S>(b: Exec, op: Op): void {
  const bits: u64 = sizeof<T>() * 8;
  let n = b.src<u8, S>(op) & (sizeof<T>() == 8 ? 63 : 31);
  const at = b.open<T, D>(op);
  let x = b.fetch<T, D>(op, at);
  let carry = <u64>cf(b);
  const rotates = n != 0;
  for (n %= bits + 1; n != 0; n--) {
    const out = x >> (bits - 1);
    x = b.trunc<T>((x << 1) | carry);
    carry = out;
  }
  b.put<T, D>(op, at, x);
  if (rotates) rotated(b, carry, (x >> (bits - 1)) ^ carry);
}

export function rcr<T, D, S>(b: Exec, op: Op): void {
  const bits: u64 = sizeof<T>() * 8;
  let n = b.src<u8, S>(op) & (sizeof<T>() == 8 ? 63 : 31);
  const at = b.open<T, D>(op);
  let x = b.fetch<T, D>(op, at);
  let carry = <u64>cf(b);
  const rotates = n != 0;
  for (n %= bits + 1; n != 0; n--) {
    const out = x & 1;
    x = (x >> 1) | (carry << (bits - 1));
    carry = out;
  }
  b.put<T, D>(op, at, x);
  if (rotates) rotated(b, carry, ((x >> (bits - 1)) ^ (x >> (bits - 2))) & 1);
}
