/** BMI1 and BMI2. SDM Vol. 2 "ANDN", "BEXTR", "BLSI", "BLSMSK", "BLSR", "BZHI", "MULX", "PDEP", "PEXT", "RORX", "SARX/SHLX/SHRX". */
import { Exec } from "../backend/exec";
import { Op } from "../decode/op";
import { RFLAGS_CF } from "../generated/constants";
import { mulHigh } from "../wide";

/** The third operand where it is a general register or memory; a register's address stands in the immediate. */
function third<T>(b: Exec, op: Op): u64 {
  return op.imm != 0 ? b.register<T>(<usize>op.imm) : b.read<T>(op, b.address(op));
}

export function andn<T>(b: Exec, op: Op): void {
  const r = ~b.register<T>(<usize>op.s) & third<T>(b, op);
  b.setRegister<T>(<usize>op.d, r);
  b.flagsLogic<T>(r);
}

export function blsi<T, S>(b: Exec, op: Op): void {
  const x = b.src<T, S>(op);
  lowest<T>(b, op, x & (0 - x), x != 0);
}

export function blsmsk<T, S>(b: Exec, op: Op): void {
  const x = b.src<T, S>(op);
  lowest<T>(b, op, b.trunc<T>(x ^ (x - 1)), x == 0);
}

export function blsr<T, S>(b: Exec, op: Op): void {
  const x = b.src<T, S>(op);
  lowest<T>(b, op, x & (x - 1), x == 0);
}

function lowest<T>(b: Exec, op: Op, r: u64, carry: bool): void {
  b.setRegister<T>(<usize>op.d, r);
  b.flagsPartial<T>(r, carry ? RFLAGS_CF : 0);
}

/** CF: the index lies behind the last bit. */
export function bzhi<T, S>(b: Exec, op: Op): void {
  const x = b.src<T, S>(op);
  const n = b.register<u8>(<usize>op.imm);
  const inside = n < sizeof<T>() * 8;
  const r = inside ? x & (((<u64>1) << n) - 1) : x;
  b.setRegister<T>(<usize>op.d, r);
  b.flagsPartial<T>(r, inside ? 0 : RFLAGS_CF);
}

export function bextr<T, S>(b: Exec, op: Op): void {
  const x = b.src<T, S>(op);
  const control = b.register<u16>(<usize>op.imm);
  const start = control & 0xff;
  const length = control >> 8;
  const shifted = start < 64 ? x >> start : 0;
  const r = length < 64 ? shifted & (((<u64>1) << length) - 1) : shifted;
  b.setRegister<T>(<usize>op.d, r);
  b.flagsLogic<T>(r);
}

export function pdep<T>(b: Exec, op: Op): void {
  let from = b.register<T>(<usize>op.s);
  let r: u64 = 0;
  for (let mask = third<T>(b, op); mask != 0; mask &= mask - 1) {
    if ((from & 1) != 0) r |= mask & (0 - mask);
    from >>= 1;
  }
  b.setRegister<T>(<usize>op.d, r);
}

export function pext<T>(b: Exec, op: Op): void {
  const from = b.register<T>(<usize>op.s);
  let r: u64 = 0;
  let to: u64 = 1;
  for (let mask = third<T>(b, op); mask != 0; mask &= mask - 1) {
    if ((from & mask & (0 - mask)) != 0) r |= to;
    to <<= 1;
  }
  b.setRegister<T>(<usize>op.d, r);
}

/** rDX times the source: high half to the first operand, low half to the second; of one register it gets the high half. */
export function mulx<T>(b: Exec, op: Op): void {
  const y = third<T>(b, op);
  const x = b.gpr<T>(2);
  const low = x * y;
  b.setRegister<T>(<usize>op.s, low);
  b.setRegister<T>(<usize>op.d, sizeof<T>() == 8 ? mulHigh(x, y) : low >> 32);
}

export function rorx<T, S>(b: Exec, op: Op): void {
  const x = b.src<T, S>(op);
  b.setRegister<T>(<usize>op.d, <u64>rotr<T>(<T>x, <T>(op.imm & (sizeof<T>() * 8 - 1))));
}

export function sarx<T, S>(b: Exec, op: Op): void {
  const x = b.sext<T>(b.src<T, S>(op));
  b.setRegister<T>(<usize>op.d, b.sar(x, count<T>(b, op)));
}

export function shlx<T, S>(b: Exec, op: Op): void {
  const x = b.src<T, S>(op);
  b.setRegister<T>(<usize>op.d, b.shl<T>(x, count<T>(b, op)));
}

export function shrx<T, S>(b: Exec, op: Op): void {
  const x = b.src<T, S>(op);
  b.setRegister<T>(<usize>op.d, x >> count<T>(b, op));
}

function count<T>(b: Exec, op: Op): u64 {
  return b.register<u8>(<usize>op.imm) & (sizeof<T>() * 8 - 1);
}
