/**
 * Time is retired instructions: one cycle each. The budget runs down a block at a time, so inside a block the running record tells how much
 * of it is still to come.
 */
import { Op } from "./decode/op";
import { State } from "./generated/state";

export function startSlice(s: State, budget: i64): void {
  s.slice = budget;
  s.budget = budget;
  s.unused = 0;
}

/** Ends the slice's account: counts what it has retired, which is returned. */
export function settle(s: State): i64 {
  const retired = s.slice - s.budget - s.unused;
  s.instructions += <u64>retired;
  startSlice(s, 0);
  return retired;
}

/** Instructions retired up to the end of the running block. */
export function retired(s: State): u64 {
  return s.instructions + <u64>(s.slice - s.budget - s.unused);
}

/** Instructions retired before the one whose record is `op`. */
export function retiredBefore(s: State, op: Op): u64 {
  return retired(s) - <u64>op.left;
}

/** Puts the time where the host reads it; before every call out of the running instruction. */
export function stamp(s: State, op: Op): void {
  s.now = <f64>retiredBefore(s, op);
}
