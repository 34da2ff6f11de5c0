/**
 * The way out of an instruction that faults: the host throws, nothing is unwound, so whoever raises must not have changed anything yet.
 * `rip` is set back to the instruction and the instructions that will not run are given back to the budget.
 */

import { settle } from "./clock";
import { Op } from "./decode/op";
import { raised } from "./env";
import { STOP_EXCEPTION, STOP_UNIMPLEMENTED, VECTOR_GP, VECTOR_PF, VECTOR_UD } from "./generated/constants";
import { State } from "./generated/state";

/**
 * Leaves the running instruction with RIP at its first byte, as if it had not been started. A null record means an instruction that
 * could not be fetched: RIP is right already.
 */
export function leave(s: State, op: Op, stop: u32): void {
  if (changetype<usize>(op) != 0) {
    s.rip = s.blockRip + <u64>op.off;
    s.budget += <i64>op.left;
  }
  s.current = <u32>changetype<usize>(op);
  s.stop = stop;
  settle(s);
}

export function raise(s: State, op: Op, vector: u32, errorCode: u32): void {
  s.vector = vector;
  s.errorCode = errorCode;
  leave(s, op, STOP_EXCEPTION);
  raised();
  unreachable();
}

/** An exception that is reported behind its instruction, which has retired: #BP, #OF, #DB after INT1. */
export function trap(s: State, op: Op, vector: u32): void {
  s.vector = vector;
  s.errorCode = 0;
  s.stop = STOP_EXCEPTION;
  s.rip = s.blockRip + <u64>op.off + <u64>op.len;
  s.budget += <i64>op.left - 1;
  s.current = <u32>changetype<usize>(op);
  settle(s);
  raised();
  unreachable();
}

export function raiseUd(s: State, op: Op): void {
  raise(s, op, VECTOR_UD, 0);
}

export function raiseGp(s: State, op: Op): void {
  raise(s, op, VECTOR_GP, 0);
}

export function raisePf(s: State, op: Op, address: u64, errorCode: u32): void {
  s.cr2 = address;
  raise(s, op, VECTOR_PF, errorCode);
}

/** A gap in the core, by its number in UNIMPLEMENTED of src/spec/events.ts. */
export function unimplemented(s: State, op: Op, what: u32): void {
  s.vector = what;
  leave(s, op, STOP_UNIMPLEMENTED);
  raised();
  unreachable();
}
