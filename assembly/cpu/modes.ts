/**
 * Operating modes: what follows from CR0, EFER, CS and SS, kept in the state so that nobody has to ask for it twice.
 * SDM Vol. 3 "Modes of Operation". Whoever changes one of the four calls `deriveMode`; who changes only what blocks or
 * translations depend on (CR4, DR7, RFLAGS.AC, RFLAGS.TF) calls `settleMode`.
 *
 *     block key   0-1 code size: 0 16-bit 1 32-bit 2 64-bit · 2 one instruction, then STEP (trap flag) · 3 x87: #NM · 4 MMX: #UD
 *                 5 MMX and SSE: #NM · 6 SSE: #UD · 7 as 2 (breakpoints) · 8-14 options · 15 VMX non-root · 16-31 number of the code segment
 */
import { anyBreakpoint } from "../breakpoints";
import { endSlice, retired } from "../clock";
import { Op } from "../decode/op";
import { STATUS, setStatus, status } from "../flags";
import {
  CR0_EM,
  CR0_PE,
  CR0_TS,
  CR4_OSFXSR,
  EFER_LMA,
  OPTION_SINGLE_STEP,
  RFLAGS_FIXED,
  RFLAGS_RF,
  RFLAGS_TF,
  RFLAGS_VM,
  VMX_NON_ROOT,
} from "../generated/constants";
import { State } from "../generated/state";
import { selectTlb } from "../mmu/tlb";
import { raiseGp, raiseUd } from "../raise";
import { codeSegmentNumber } from "./code-segments";
import { RIGHTS_DB, RIGHTS_L } from "./segments";

export const KEY_MODE: u32 = 3;
export const KEY_TRAP: u32 = 1 << 2;
export const KEY_X87_NM: u32 = 1 << 3;
export const KEY_MMX_UD: u32 = 1 << 4;
export const KEY_VECTOR_NM: u32 = 1 << 5;
export const KEY_SSE_UD: u32 = 1 << 6;
/** every block is one instruction */
export const KEY_SINGLE: u32 = OPTION_SINGLE_STEP << 8;
export const KEY_DEBUG: u32 = 1 << 7;
/** one instruction to a block, with STEP behind it */
/** VMX non-root operation: instructions ask whether they exit */
export const KEY_NON_ROOT: u32 = 1 << 15;
export const KEY_STEP: u32 = KEY_TRAP | KEY_DEBUG;

export function isReal(s: State): bool {
  return (s.cr0 & CR0_PE) == 0;
}

export function isVirtual8086(s: State): bool {
  return (s.flagsOther & RFLAGS_VM) != 0;
}

/** Protected mode in the manual's sense: selectors name descriptors. */
export function hasDescriptors(s: State): bool {
  return !isReal(s) && !isVirtual8086(s);
}

export function isLongMode(s: State): bool {
  return (s.efer & EFER_LMA) != 0;
}

/** Code size and stack width from CS and SS, then what depends on them. */
export function deriveMode(s: State): void {
  s.mode = isLongMode(s) && (s.csRights & RIGHTS_L) != 0 ? 2 : <u32>((s.csRights & RIGHTS_DB) != 0);
  s.stackMask = s.mode == 2 ? ~(<u64>0) : (s.ssRights & RIGHTS_DB) != 0 ? 0xffffffff : 0xffff;
  settleMode(s);
}

/** The TLB and the block key for mode, CPL and options as they stand. */
export function settleMode(s: State): void {
  selectTlb(s);
  let key = s.mode | ((s.options | (s.once * OPTION_SINGLE_STEP)) << 8);
  if ((s.flagsOther & RFLAGS_TF) != 0) key |= KEY_TRAP;
  if (anyBreakpoint(s)) key |= KEY_DEBUG;
  if ((s.cr0 & (CR0_EM | CR0_TS)) != 0) key |= KEY_X87_NM;
  if ((s.cr0 & CR0_TS) != 0) key |= KEY_VECTOR_NM;
  if ((s.cr0 & CR0_EM) != 0) key |= KEY_MMX_UD;
  if ((s.cr0 & CR0_EM) != 0 || (s.cr4 & CR4_OSFXSR) == 0) key |= KEY_SSE_UD;
  if (s.vmx == VMX_NON_ROOT) key |= KEY_NON_ROOT;
  if (s.mode != 2) key |= codeSegmentNumber(s) << 16;
  s.blockKey = key;
}

/**
 * Replaces the bits of RFLAGS in `mask`; an interrupt that waits for IF is then looked at. RF counts for the instruction behind the block
 * only; `resumeAt` keeps it.
 */
export function loadFlags(s: State, value: u32, mask: u32): void {
  setStatus(s, (status(s) & ~mask) | (value & mask));
  const others = mask & ~STATUS;
  s.flagsOther = (s.flagsOther & ~(others | RFLAGS_RF)) | (value & others & ~RFLAGS_RF) | RFLAGS_FIXED;
  if ((mask & RFLAGS_RF) != 0) s.resumeAt = (value & RFLAGS_RF) != 0 ? retired(s) + 1 : 0;
  if (s.pending != 0) endSlice(s);
  settleMode(s);
}

/** Goes on at `target`, which is cut to its width already. */
export function jumpTo(s: State, target: u64): void {
  s.rip = target;
  s.link = <u32>(changetype<usize>(s) + offsetof<State>("zero"));
}

/** #GP(0) outside ring 0. */
export function privileged(s: State, op: Op): void {
  if (s.cpl != 0) raiseGp(s, op);
}

/** #UD in real-address and virtual-8086 mode. */
export function protectedOnly(s: State, op: Op): void {
  if (!hasDescriptors(s)) raiseUd(s, op);
}
