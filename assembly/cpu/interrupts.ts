/**
 * Delivery of interrupts and exceptions: the way from an event to its handler's first instruction. SDM Vol. 3 "Interrupt and Exception
 * Handling", Vol. 2 "INT n/INTO/INT3/INT1" (Operation). While it is under way `delivering` says what is being delivered, so that `raise`
 * makes #DF or shutdown of an exception that gets in between.
 */
import { Op } from "../decode/op";
import { delivers } from "../env";
import {
  CR4_VME,
  DELIVERING_ERROR_CODE,
  DELIVERING_TYPE,
  DELIVERING_VALID,
  DR7_GD,
  EVENT_EXCEPTION,
  EVENT_EXTERNAL,
  EVENT_NMI,
  EVENT_SOFTWARE_INTERRUPT,
  OPTION_TRACE,
  RFLAGS_IOPL,
  VECTOR_AC,
  VECTOR_CP,
  VECTOR_DB,
  VECTOR_DF,
  VECTOR_GP,
  VECTOR_NP,
  VECTOR_PF,
  VECTOR_SS,
  VECTOR_TS,
} from "../generated/constants";
import { State } from "../generated/state";
import { DELIVERED } from "../memory-map";
import { raiseGp } from "../raise";
import { throughGate } from "./interrupt-gates";
import { throughLongGate } from "./interrupt-gates-long";
import { isRedirected, throughTable, throughTableOfTask } from "./interrupt-table";
import { isLongMode, isReal, isVirtual8086, KEY_STEP } from "./modes";

/** exceptions that push an error code */
const ERROR_CODES: u32 =
  (1 << VECTOR_DF) |
  (1 << VECTOR_TS) |
  (1 << VECTOR_NP) |
  (1 << VECTOR_SS) |
  (1 << VECTOR_GP) |
  (1 << VECTOR_PF) |
  (1 << VECTOR_AC) |
  (1 << VECTOR_CP);

/** Delivers an event at an instruction boundary: RIP is what the handler returns to. `type` is an EVENT. */
export function deliver(s: State, vector: u32, type: u32, errorCode: u32): void {
  deliverTo(s, changetype<Op>(0), s.rip, vector, type, errorCode);
}

/** INT n, INT3, INTO, INT1: the handler returns behind the instruction, a fault on the way points to it. */
export function deliverSoftware(s: State, op: Op, vector: u32, type: u32): void {
  deliverTo(s, op, s.blockRip + <u64>op.off + <u64>op.len, vector, type, 0);
}

/**
 * An event that VM entry injects into the guest at its RIP: `length` is that of the instruction which a software event stands for.
 * SDM Vol. 3 "Vectored-Event Injection".
 */
export function deliverInjected(s: State, vector: u32, type: u32, coded: bool, errorCode: u32, length: u32): void {
  s.deliveringLength = length;
  through(s, changetype<Op>(0), s.rip + <u64>length, vector, type, coded, errorCode);
}

/** The handler returns to `returnRip`; a fault on the way is one of `op`, or of none. */
function deliverTo(s: State, op: Op, returnRip: u64, vector: u32, type: u32, errorCode: u32): void {
  if (changetype<usize>(op) != 0) s.deliveringLength = op.len;
  through(s, op, returnRip, vector, type, type == EVENT_EXCEPTION && hasErrorCodeFor(s, vector), errorCode);
  if (vector == VECTOR_DB && type == EVENT_EXCEPTION) s.dr7 &= ~DR7_GD;
}

/** Whether an exception that the processor raises itself comes with an error code. */
export function hasErrorCodeFor(s: State, vector: u32): bool {
  return ((ERROR_CODES >> vector) & 1) != 0 && !isReal(s);
}

function through(s: State, op: Op, returnRip: u64, vector: u32, type: u32, coded: bool, errorCode: u32): void {
  const stepped = changetype<usize>(op) != 0 && (s.blockKey & KEY_STEP) != 0;
  tell(s, op, vector, type, errorCode);
  s.delivering = DELIVERING_VALID | (type << DELIVERING_TYPE) | vector | (coded ? DELIVERING_ERROR_CODE : 0);
  s.errorCode = errorCode;
  s.deliveringCode = errorCode;
  s.vectoring = 0;
  // a trap behind HLT
  s.halted = 0;
  if (type == EVENT_NMI) s.nmiBlocked = 1;
  if (isReal(s)) throughTable(s, op, returnRip);
  else if (isLongMode(s)) throughLongGate(s, op, returnRip);
  else if (type == EVENT_SOFTWARE_INTERRUPT && isVirtual8086(s)) fromVirtual8086(s, op, vector, returnRip);
  else throughGate(s, op, returnRip);
  s.delivering = 0;
  s.inhibit = 0;
  if (stepped) s.unstepped = 1;
}

/** For whoever watches from outside. */
function tell(s: State, op: Op, vector: u32, type: u32, errorCode: u32): void {
  const kind: u32 = type == EVENT_EXTERNAL ? 1 : type == EVENT_SOFTWARE_INTERRUPT ? 2 : 0;
  const count = DELIVERED + ((<usize>((kind << 8) + vector)) << 2);
  store<u32>(count, load<u32>(count) + 1);
  if ((s.options & OPTION_TRACE) == 0) return;
  if (changetype<usize>(op) != 0) s.rip = s.blockRip + <u64>op.off;
  delivers(vector, type, errorCode);
}

/** INT n of a virtual-8086 task. SDM Vol. 3 "Software Interrupt Handling in Virtual-8086 Mode". */
function fromVirtual8086(s: State, op: Op, vector: u32, returnRip: u64): void {
  if ((s.cr4 & CR4_VME) != 0 && isRedirected(s, op, vector)) return throughTableOfTask(s, op, vector, returnRip);
  if ((s.flagsOther & RFLAGS_IOPL) != RFLAGS_IOPL) {
    s.delivering = 0;
    raiseGp(s, op);
  }
  throughGate(s, op, returnRip);
}
