/**
 * Debug exceptions around an instruction that is stepped because of the trap flag or of breakpoints. SDM Vol. 3 "Debug Exceptions", "Masking
 * Exceptions and Interrupts When Switching Stacks".
 */
import { codeBreakpoints } from "../breakpoints";
import { endSlice, retired } from "../clock";
import { Op } from "../decode/op";
import { DR6_BS, PENDING_VMX, RFLAGS_TF, VECTOR_DB, VMX_NON_ROOT } from "../generated/constants";
import { State } from "../generated/state";
import { raise } from "../raise";
import { isResuming } from "./interrupt-event";
import { SHADOW_SS } from "./load";
import { KEY_DEBUG, KEY_STEP } from "./modes";

/** breakpoints 0-3: what each debug exception sets anew, while the other bits of DR6 only add up */
const DR6_BREAKPOINTS: u64 = 15;
/** of IA32_DEBUGCTL: record branches; step from branch to branch */
const DEBUGCTL_LBR: u64 = 1;
const DEBUGCTL_BTF: u64 = 2;
/** of the VMCS field: an enabled breakpoint has been struck */
export const PENDING_ENABLED: u64 = 1 << 12;

/** Before the instruction at a linear address: an instruction breakpoint is a fault. */
export function beginStep(s: State, at: u64): void {
  if (isShadowed(s)) return;
  s.pendingDb = 0;
  if ((s.blockKey & KEY_DEBUG) == 0 || isResuming(s)) return;
  const hits = codeBreakpoints(s, at);
  if (hits != 0) raiseDebug(s, changetype<Op>(0), hits);
}

/**
 * Behind it: everything else is a trap. Behind an instruction that loaded SS breakpoints wait, and the single step is lost. In a guest the
 * run loop has to see first whether something of higher priority exits (vmx/events.ts).
 */
export function endStep(s: State, single: bool, branched: bool): void {
  if (s.unstepped != 0 || (!branched && (s.debugctl & DEBUGCTL_BTF) != 0)) single = false;
  s.unstepped = 0;
  if (isShadowed(s)) return;
  const hits = s.pendingDb | (single ? DR6_BS : 0);
  if (hits == 0) return;
  if (s.vmx != VMX_NON_ROOT) {
    s.pendingDb = 0;
    raiseDebug(s, changetype<Op>(0), hits);
  }
  s.vmxPendingDebug |= pendingBits(s) | <u64>(hits & DR6_BS);
  s.pendingDb = 0;
  s.pending |= PENDING_VMX;
  endSlice(s);
}

/** Breakpoints that have been struck, as in the VMCS field of pending debug exceptions. */
export function pendingBits(s: State): u64 {
  return s.pendingDb == 0 ? 0 : <u64>s.pendingDb | PENDING_ENABLED;
}

/** RFLAGS.TF means a trap behind each instruction, not only behind branches. */
export function stepsInstructions(s: State): bool {
  return (s.flagsOther & RFLAGS_TF) != 0 && (s.debugctl & DEBUGCTL_BTF) == 0;
}

/** The running instruction enters a handler: no single-step trap behind it. */
export function skipStep(s: State): void {
  if ((s.blockKey & KEY_STEP) != 0) s.unstepped = 1;
}

/** #DB with bits of DR6. */
export function raiseDebug(s: State, op: Op, bits: u32): void {
  s.debugHits = bits;
  if (s.vmx != VMX_NON_ROOT) noteDebug(s);
  raise(s, op, VECTOR_DB, 0);
}

/** A #DB that is raised in another way says which breakpoints were waiting. */
export function reportPending(s: State): void {
  if (s.debugHits != 0) noteDebug(s);
  s.pendingDb = 0;
}

/** The #DB is delivered: DR6 says why. */
export function noteDebug(s: State): void {
  s.dr6 = (s.dr6 & ~DR6_BREAKPOINTS) | s.debugHits;
  s.debugctl &= ~(DEBUGCTL_LBR | DEBUGCTL_BTF);
}

function isShadowed(s: State): bool {
  return s.inhibit == SHADOW_SS && s.inhibitAt == retired(s);
}
