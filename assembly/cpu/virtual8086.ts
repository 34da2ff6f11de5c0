/**
 * The virtual interrupt flag of a virtual-8086 task: with CR4.VME it stands in for IF below IOPL 3. SDM Vol. 3 "Interrupt and Exception
 * Handling in Virtual-8086 Mode".
 */
import { Op } from "../decode/op";
import { RFLAGS_IF, RFLAGS_IOPL, RFLAGS_TF, RFLAGS_VIF, RFLAGS_VIP } from "../generated/constants";
import { State } from "../generated/state";
import { raiseGp } from "../raise";

/** Flags as the task sees them: IOPL 3, and VIF for IF. */
export function withVif(flags: u32): u32 {
  return (flags & ~RFLAGS_IF) | RFLAGS_IOPL | ((flags & RFLAGS_VIF) != 0 ? RFLAGS_IF : 0);
}

/** #GP(0) if the task may not have the flags that it pops: the trap flag, or interrupts while one waits for it. */
export function checkVirtualFlags(s: State, op: Op, flags: u32): void {
  if ((flags & RFLAGS_TF) != 0 || ((flags & RFLAGS_IF) != 0 && (s.flagsOther & RFLAGS_VIP) != 0)) raiseGp(s, op);
}
