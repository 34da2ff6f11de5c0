/**
 * Time is retired instructions, one cycle each, and the cycles spent waiting. The budget runs down a block at a time, so inside a block the
 * running record tells how much of it is still to come.
 */
import { Op } from "./decode/op";
import { State } from "./generated/state";
import { mulHigh } from "./wide";

export function startSlice(s: State, budget: i64): void {
  s.slice = budget;
  s.budget = budget;
  s.unused = 0;
}

/** The slice ends behind the running block: something has to be looked at. */
export function endSlice(s: State): void {
  s.unused += s.budget;
  s.budget = 0;
}

/** Ends the slice's account: counts what it has retired. */
export function settle(s: State): void {
  const retired = s.slice - s.budget - s.unused;
  s.instructions += <u64>retired;
  s.left -= retired;
  startSlice(s, 0);
}

/** Instructions retired up to the end of the running block. */
export function retired(s: State): u64 {
  return s.instructions + <u64>(s.slice - s.budget - s.unused);
}

/** Instructions retired before the one whose record is `op`; between instructions there is no record. */
export function retiredBefore(s: State, op: Op): u64 {
  return retired(s) - (changetype<usize>(op) == 0 ? 0 : <u64>op.left);
}

/** Cycles since power-on, up to the end of the running block. */
export function cycles(s: State): u64 {
  return retired(s) + s.idle;
}

/** Cycles since power-on, before the instruction whose record is `op`. */
export function cyclesBefore(s: State, op: Op): u64 {
  return retiredBefore(s, op) + s.idle;
}

/** Puts the time where the host and the local APIC read it; before every call out of the running instruction. */
export function stamp(s: State, op: Op): void {
  s.now = <f64>cyclesBefore(s, op);
}

/** IA32_TIME_STAMP_COUNTER before the instruction `op`. */
export function timeStamp(s: State, op: Op): u64 {
  return cyclesBefore(s, op) + s.tscOffset;
}

/** What RDTSC reads: in a guest scaled and shifted. SDM Vol. 3 "Changes to Instruction Behavior in VMX Non-Root Operation" */
export function visibleTimeStamp(s: State, op: Op): u64 {
  const t = timeStamp(s, op);
  const m = s.vmxTscMultiplier;
  return (m == 0 ? t : (mulHigh(t, m) << 16) | ((t * m) >> 48)) + s.vmxTscOffset;
}
