/** Bit scans and counts, byte swaps. SDM Vol. 2 "BSF", "BSR", "POPCNT", "LZCNT", "TZCNT", "BSWAP", "MOVBE". */
import { Exec } from "../backend/exec";
import { Op } from "../decode/op";
import { status } from "../flags";
import { RFLAGS_CF, RFLAGS_ZF } from "../generated/constants";
import { reverseBytes } from "../wide";

/** The destination stays as it is, all 64 bits, if the source is zero. */
export function bsf<T, S>(b: Exec, op: Op): void {
  const x = b.src<T, S>(op);
  if (x != 0) b.setRegister<T>(<usize>op.d, ctz<u64>(x));
  zeroFlag(b, x == 0);
}

export function bsr<T, S>(b: Exec, op: Op): void {
  const x = b.src<T, S>(op);
  if (x != 0) b.setRegister<T>(<usize>op.d, 63 - clz<u64>(x));
  zeroFlag(b, x == 0);
}

function zeroFlag(b: Exec, zero: bool): void {
  b.flagsAll(<u64>((status(b) & ~RFLAGS_ZF) | (zero ? RFLAGS_ZF : 0)));
}

export function popcnt<T, S>(b: Exec, op: Op): void {
  const x = b.src<T, S>(op);
  b.setRegister<T>(<usize>op.d, i64.popcnt(x));
  b.flagsAll(x == 0 ? RFLAGS_ZF : 0);
}

export function tzcnt<T, S>(b: Exec, op: Op): void {
  const x = b.src<T, S>(op);
  counted<T>(b, op, x == 0 ? sizeof<T>() * 8 : ctz<u64>(x));
}

export function lzcnt<T, S>(b: Exec, op: Op): void {
  counted<T>(b, op, clz<u64>(b.src<T, S>(op)) - (64 - sizeof<T>() * 8));
}

/** CF: the source was zero; ZF: the count is. The other flags stay. */
function counted<T>(b: Exec, op: Op, n: u64): void {
  b.setRegister<T>(<usize>op.d, n);
  const carry: u32 = n == sizeof<T>() * 8 ? RFLAGS_CF : 0;
  b.flagsAll(<u64>((status(b) & ~(RFLAGS_ZF | RFLAGS_CF)) | carry | (n == 0 ? RFLAGS_ZF : 0)));
}

/** Undefined for 16 bits, where every CPU clears the register. */
export function bswap<T>(b: Exec, op: Op): void {
  b.setRegister<T>(<usize>op.d, sizeof<T>() == 2 ? 0 : reverseBytes<T>(b.register<T>(<usize>op.d)));
}

export function movbe<T, D, S>(b: Exec, op: Op): void {
  b.set<T, D>(op, reverseBytes<T>(b.src<T, S>(op)));
}
