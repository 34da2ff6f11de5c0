/**
 * Counts of VM exits by basic reason, and their trace: with OPTION_TRACE_EXITS the host is told of each when the guest goes on, because only
 * then is known what it cost.
 */
import { cycles } from "../clock";
import { exited } from "../env";
import { OPTION_TRACE_EXITS } from "../generated/constants";
import { State } from "../generated/state";
import { EXIT_COUNTS, EXIT_REASONS } from "../memory-map";

const FAST: usize = 8;

function cell(reason: u32): usize {
  return EXIT_COUNTS + ((<usize>(reason & (EXIT_REASONS - 1))) << 4);
}

/** A VM exit, or an entry that fails as one; `rip` is the guest's. */
export function countExit(s: State, reason: u32, qualification: u64, rip: u64): void {
  const at = cell(reason);
  store<u64>(at, load<u64>(at) + 1);
  if ((s.options & OPTION_TRACE_EXITS) == 0) return;
  endTrace(s);
  s.tracedExit = reason + 1;
  s.tracedQualification = qualification;
  s.tracedRip = rip;
  s.tracedAt = cycles(s);
}

/** One that the fast path answers: it costs nothing. */
export function countFast(s: State, reason: u32, qualification: u64, rip: u64): void {
  const at = cell(reason);
  store<u64>(at, load<u64>(at) + 1);
  store<u64>(at, load<u64>(at, FAST) + 1, FAST);
  if ((s.options & OPTION_TRACE_EXITS) != 0) exited(reason, qualification, rip, 0, 1);
}

/** The guest goes on, or never will: the host is told of its last exit, if it has not been. */
export function endTrace(s: State): void {
  if (s.tracedExit == 0) return;
  const reason = s.tracedExit - 1;
  s.tracedExit = 0;
  exited(reason, s.tracedQualification, s.tracedRip, <f64>(cycles(s) - s.tracedAt), 0);
}
