/** What the ways to a handler ask about the event being delivered, and the flags they push for it. */
import { retired } from "../clock";
import { Op } from "../decode/op";
import { rflags } from "../flags";
import {
  DELIVERING_ERROR_CODE,
  DELIVERING_TYPE,
  EVENT_EXCEPTION,
  EVENT_SOFTWARE_EXCEPTION,
  EVENT_SOFTWARE_INTERRUPT,
  RFLAGS_RF,
  VECTOR_DB,
} from "../generated/constants";
import { State } from "../generated/state";
import { raise } from "../raise";

/** Bit 1 of an error code: it names a gate of the IDT. SDM Vol. 3 "Error Code" */
const ERROR_IDT: u32 = 2;

export function eventVector(s: State): u32 {
  return s.delivering & 0xff;
}

export function eventType(s: State): u32 {
  return (s.delivering >> DELIVERING_TYPE) & 7;
}

/** INT n, INT3 or INTO: the gate's DPL counts. */
export function isSoftware(s: State): bool {
  const type = eventType(s);
  return type == EVENT_SOFTWARE_INTERRUPT || type == EVENT_SOFTWARE_EXCEPTION;
}

export function hasErrorCode(s: State): bool {
  return (s.delivering & DELIVERING_ERROR_CODE) != 0;
}

/** Raises `vector` because of the event's gate. */
export function raiseForGate(s: State, op: Op, vector: u32): void {
  raise(s, op, vector, (eventVector(s) << 3) | ERROR_IDT);
}

/** RFLAGS.RF is set for the next instruction. */
export function isResuming(s: State): bool {
  return s.resumeAt == retired(s) + 1;
}

/** RFLAGS as pushed: with RF for faults, so that an instruction breakpoint does not strike twice. SDM Vol. 3 "Instruction-Breakpoint Exception Condition" */
export function pushedFlags(s: State): u32 {
  const fault = eventType(s) == EVENT_EXCEPTION && eventVector(s) != VECTOR_DB;
  return rflags(s) | (fault || isResuming(s) ? RFLAGS_RF : 0);
}
