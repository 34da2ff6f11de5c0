/** Binary arithmetic and logic. SDM Vol. 2 under the mnemonics. */
import { Exec } from "../backend/exec";
import { Op } from "../decode/op";
import { cf, status } from "../flags";
import { RFLAGS_CF, RFLAGS_OF } from "../generated/constants";

export function add<B, T, D, S>(b: B, op: Op): void {
  const y = b.src<T, S>(op);
  const at = b.open<T, D>(op);
  const x = b.fetch<T, D>(op, at);
  const r = b.add<T>(x, y);
  b.put<T, D>(op, at, r);
  b.flagsAdd<T>(x, r);
}

export function sub<B, T, D, S>(b: B, op: Op): void {
  const y = b.src<T, S>(op);
  const at = b.open<T, D>(op);
  const x = b.fetch<T, D>(op, at);
  const r = b.sub<T>(x, y);
  b.put<T, D>(op, at, r);
  b.flagsSub<T>(x, r);
}

export function cmp<B, T, D, S>(b: B, op: Op): void {
  const y = b.src<T, S>(op);
  const x = b.dst<T, D>(op);
  b.flagsSub<T>(x, b.sub<T>(x, y));
}

export function and<B, T, D, S>(b: B, op: Op): void {
  const y = b.src<T, S>(op);
  const at = b.open<T, D>(op);
  const r = b.and(b.fetch<T, D>(op, at), y);
  b.put<T, D>(op, at, r);
  b.flagsLogic<T>(r);
}

export function or<B, T, D, S>(b: B, op: Op): void {
  const y = b.src<T, S>(op);
  const at = b.open<T, D>(op);
  const r = b.or(b.fetch<T, D>(op, at), y);
  b.put<T, D>(op, at, r);
  b.flagsLogic<T>(r);
}

export function xor<B, T, D, S>(b: B, op: Op): void {
  const y = b.src<T, S>(op);
  const at = b.open<T, D>(op);
  const r = b.xor(b.fetch<T, D>(op, at), y);
  b.put<T, D>(op, at, r);
  b.flagsLogic<T>(r);
}

export function test<B, T, D, S>(b: B, op: Op): void {
  const y = b.src<T, S>(op);
  b.flagsLogic<T>(b.and(b.dst<T, D>(op), y));
}

export function not<B, T, D>(b: B, op: Op): void {
  const at = b.open<T, D>(op);
  b.put<T, D>(op, at, b.not<T>(b.fetch<T, D>(op, at)));
}

export function neg<B, T, D>(b: B, op: Op): void {
  const at = b.open<T, D>(op);
  const zero = b.const(0);
  const r = b.sub<T>(zero, b.fetch<T, D>(op, at));
  b.put<T, D>(op, at, r);
  b.flagsSub<T>(zero, r);
}

/** The carries out of every bit of x + y (+ carry) = r; those of a subtraction r = x - y are the carries of r + y = x. */
function carries(x: u64, y: u64, r: u64): u64 {
  return (x & y) | ((x | y) & ~r);
}

/** CF AF OF at their RFLAGS places, from the carries. */
function carryFlags<T>(c: u64): u64 {
  const top = sizeof<T>() * 8 - 1;
  return ((c >> top) & 1) | ((c << 1) & 16) | ((((c >> top) ^ (c >> (top - 1))) & 1) << 11);
}

export function adc<T, D, S>(b: Exec, op: Op): void {
  const y = b.src<T, S>(op);
  const at = b.open<T, D>(op);
  const x = b.fetch<T, D>(op, at);
  const r = b.add<T>(x, y + <u64>cf(b));
  b.put<T, D>(op, at, r);
  b.flagsPartial<T>(r, carryFlags<T>(carries(x, y, r)));
}

export function sbb<T, D, S>(b: Exec, op: Op): void {
  const y = b.src<T, S>(op);
  const at = b.open<T, D>(op);
  const x = b.fetch<T, D>(op, at);
  const r = b.sub<T>(x, y + <u64>cf(b));
  b.put<T, D>(op, at, r);
  b.flagsPartial<T>(r, carryFlags<T>(carries(r, y, x)));
}

export function inc<T, D>(b: Exec, op: Op): void {
  const at = b.open<T, D>(op);
  const x = b.fetch<T, D>(op, at);
  const r = b.add<T>(x, 1);
  const carry = <u64>cf(b);
  b.put<T, D>(op, at, r);
  b.flagsPartial<T>(r, (carryFlags<T>(carries(x, 1, r)) & ~(<u64>RFLAGS_CF)) | carry);
}

export function dec<T, D>(b: Exec, op: Op): void {
  const at = b.open<T, D>(op);
  const x = b.fetch<T, D>(op, at);
  const r = b.sub<T>(x, 1);
  const carry = <u64>cf(b);
  b.put<T, D>(op, at, r);
  b.flagsPartial<T>(r, (carryFlags<T>(carries(r, 1, x)) & ~(<u64>RFLAGS_CF)) | carry);
}

export function adcx<T, D, S>(b: Exec, op: Op): void {
  addWithFlag<T, D, S>(b, op, RFLAGS_CF);
}

export function adox<T, D, S>(b: Exec, op: Op): void {
  addWithFlag<T, D, S>(b, op, RFLAGS_OF);
}

/** Adds with carry in and out through one flag, and leaves the others alone. */
function addWithFlag<T, D, S>(b: Exec, op: Op, flag: u32): void {
  const y = b.src<T, S>(op);
  const x = b.register<T>(<usize>op.d);
  const old = status(b);
  const r = b.add<T>(x, y + <u64>((old & flag) != 0));
  b.setRegister<T>(<usize>op.d, r);
  const out = (carries(x, y, r) >> (sizeof<T>() * 8 - 1)) & 1;
  b.flagsAll(<u64>((old & ~flag) | (out != 0 ? flag : 0)));
}
