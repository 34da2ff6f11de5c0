/** FS and GS bases in 64-bit mode. SDM Vol. 2 "RDFSBASE/RDGSBASE", "WRFSBASE/WRGSBASE". */
import { Exec } from "../backend/exec";
import { Op } from "../decode/op";
import { CR4_FSGSBASE } from "../generated/constants";
import { isCanonicalBase } from "../mmu/walk";
import { raiseGp, raiseUd } from "../raise";

export function rdfsbase<T>(b: Exec, op: Op): void {
  requireEnabled(b, op);
  b.setRegister<T>(<usize>op.d, b.fsBase);
}

export function rdgsbase<T>(b: Exec, op: Op): void {
  requireEnabled(b, op);
  b.setRegister<T>(<usize>op.d, b.gsBase);
}

export function wrfsbase<T>(b: Exec, op: Op): void {
  b.fsBase = newBase<T>(b, op);
}

export function wrgsbase<T>(b: Exec, op: Op): void {
  b.gsBase = newBase<T>(b, op);
}

function requireEnabled(b: Exec, op: Op): void {
  if ((b.cr4 & CR4_FSGSBASE) == 0) raiseUd(b, op);
}

function newBase<T>(b: Exec, op: Op): u64 {
  requireEnabled(b, op);
  const base = b.register<T>(<usize>op.s);
  if (!isCanonicalBase(base)) raiseGp(b, op);
  return base;
}
