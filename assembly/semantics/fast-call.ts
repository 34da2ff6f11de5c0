/** The fast system calls. SDM Vol. 2 "SYSCALL", "SYSRET", "SYSENTER", "SYSEXIT". */
import { Exec } from "../backend/exec";
import { skipStep } from "../cpu/debug";
import { FLAT_32, FLAT_64, setFlat } from "../cpu/far";
import { isLongMode, isReal, loadFlags, privileged } from "../cpu/modes";
import { Op } from "../decode/op";
import { rflags } from "../flags";
import { EFER_SCE, OPTION_HOST_SYSCALLS, RFLAGS_IF, RFLAGS_RF, RFLAGS_TF, RFLAGS_VM, STOP_SYSCALL } from "../generated/constants";
import { isCanonical } from "../mmu/walk";
import { raiseGp, raiseUd } from "../raise";

/** what SYSRET takes from R11: all flags but RF and VM */
const SYSRET_FLAGS: u32 = 0x3c7fd7;
const ALL_FLAGS: u32 = 0x3f7fd5;

export function syscall(b: Exec, op: Op): void {
  if ((b.efer & EFER_SCE) == 0) raiseUd(b, op);
  b.rcx = b.nextRip(op);
  b.r11 = <u64>(rflags(b) & ~RFLAGS_RF);
  if ((b.options & OPTION_HOST_SYSCALLS) != 0) return askHost(b, op);
  const selector = <u32>(b.star >> 32) & 0xfffc;
  // a trap flag that is masked does not trap behind this instruction any more
  if ((b.fmask & RFLAGS_TF) != 0) skipStep(b);
  loadFlags(b, 0, <u32>b.fmask & ALL_FLAGS);
  setFlat(b, selector, selector + 8, FLAT_64, 0);
  b.jump(b.lstar);
}

function askHost(b: Exec, op: Op): void {
  b.stop = STOP_SYSCALL;
  b.endSlice();
  b.jump(b.nextRip(op));
}

/** U = u64 goes back to 64-bit, u32 to 32-bit code. */
export function sysret<U>(b: Exec, op: Op): void {
  if ((b.efer & EFER_SCE) == 0) raiseUd(b, op);
  privileged(b, op);
  if (sizeof<U>() == 8 && !isCanonical(b.rcx)) raiseGp(b, op);
  const selector = <u32>(b.star >> 48);
  const code = (selector + (sizeof<U>() == 8 ? 16 : 0)) | 3;
  loadFlags(b, <u32>b.r11 & SYSRET_FLAGS, ALL_FLAGS);
  setFlat(b, code & 0xffff, ((selector + 8) | 3) & 0xffff, sizeof<U>() == 8 ? FLAT_64 : FLAT_32, 3);
  b.jump(<u64>(<U>b.rcx));
}

export function sysenter(b: Exec, op: Op): void {
  const selector = <u32>b.sysenterCs & 0xfffc;
  if ((b.options & OPTION_HOST_SYSCALLS) != 0) return askHost(b, op);
  if (isReal(b) || selector == 0) raiseGp(b, op);
  loadFlags(b, 0, RFLAGS_VM | RFLAGS_IF);
  const long = isLongMode(b);
  setFlat(b, selector, selector + 8, long ? FLAT_64 : FLAT_32, 0);
  b.rsp = long ? b.sysenterEsp : <u64>(<u32>b.sysenterEsp);
  b.jump(long ? b.sysenterEip : <u64>(<u32>b.sysenterEip));
}

export function sysexit<U>(b: Exec, op: Op): void {
  const selector = <u32>b.sysenterCs & 0xfffc;
  if (isReal(b) || selector == 0) raiseGp(b, op);
  privileged(b, op);
  if (sizeof<U>() == 8 && !(isCanonical(b.rcx) && isCanonical(b.rdx))) raiseGp(b, op);
  const code = selector + (sizeof<U>() == 8 ? 32 : 16);
  setFlat(b, code | 3, (code + 8) | 3, sizeof<U>() == 8 ? FLAT_64 : FLAT_32, 3);
  b.rsp = <u64>(<U>b.rcx);
  b.jump(<u64>(<U>b.rdx));
}
