/** Double-precision shifts. SDM Vol. 2 "SHLD", "SHRD". The third operand, the count, is an immediate or CL. */
import { Exec } from "../backend/exec";
import { Op } from "../decode/op";

export function shld<T, D>(b: Exec, op: Op): void {
  const n = count<T>(b, op);
  const at = b.open<T, D>(op);
  const x = b.fetch<T, D>(op, at);
  if (n == 0) return b.put<T, D>(op, at, x);
  const y = b.register<T>(<usize>op.s);
  const bits: u64 = sizeof<T>() * 8;
  // undefined for 16 bits shifted by more than that: the source comes in once more
  const r = n < bits ? (x << n) | (y >> (bits - n)) : n == bits ? y : (y << (n - bits)) | (y >> (2 * bits - n));
  const carry = n <= bits ? (x >> (bits - n)) & 1 : 0;
  b.put<T, D>(op, at, r);
  b.flagsPartial<T>(r, carry | (((b.trunc<T>(r) >> (bits - 1)) ^ carry) << 11));
}

export function shrd<T, D>(b: Exec, op: Op): void {
  const n = count<T>(b, op);
  const at = b.open<T, D>(op);
  const x = b.fetch<T, D>(op, at);
  if (n == 0) return b.put<T, D>(op, at, x);
  const y = b.register<T>(<usize>op.s);
  const bits: u64 = sizeof<T>() * 8;
  const r = n < bits ? (x >> n) | (y << (bits - n)) : n == bits ? y : (y >> (n - bits)) | (y << (2 * bits - n));
  const carry = n <= bits ? (x >> (n - 1)) & 1 : 0;
  b.put<T, D>(op, at, r);
  b.flagsPartial<T>(r, carry | ((((r >> (bits - 1)) ^ (r >> (bits - 2))) & 1) << 11));
}

function count<T>(b: Exec, op: Op): u64 {
  // a register's address is never below the first vCPU's state, an immediate is a byte
  const n = op.imm < 256 ? <u64>op.imm : b.register<u8>(<usize>op.imm);
  return n & (sizeof<T>() == 8 ? 63 : 31);
}
