/**
 * The way out of an instruction that faults: the host throws, nothing is unwound, so whoever raises must not have changed anything yet.
 * `rip` is set back to the instruction and the instructions that will not run are given back to the budget. The host then ends the slice
 * if it answers exceptions itself, or enters the core again, which delivers what was raised. What is raised while another event is being
 * delivered is combined with it. SDM Vol. 3 "Interrupt 8—Double Fault Exception (#DF)".
 */

import { retired, settle } from "./clock";
import { Op } from "./decode/op";
import { raised } from "./env";
import {
  DELIVERING_TYPE,
  EVENT_EXCEPTION,
  EVENT_SOFTWARE_EXCEPTION,
  EVENT_SOFTWARE_INTERRUPT,
  STOP_BUDGET,
  STOP_EXCEPTION,
  STOP_SHUTDOWN,
  STOP_UNIMPLEMENTED,
  VECTOR_CP,
  VECTOR_DE,
  VECTOR_DF,
  VECTOR_GP,
  VECTOR_NP,
  VECTOR_PF,
  VECTOR_SS,
  VECTOR_TS,
  VECTOR_UD,
  VECTOR_VE,
  VMX_NON_ROOT,
} from "./generated/constants";
import { State } from "./generated/state";
import {
  EXIT_REASON_EPT_VIOLATION,
  EXIT_REASON_PAGE_MODIFICATION_LOG_FULL,
  EXIT_REASON_TRIPLE_FAULT,
  VM_EXIT_INSTRUCTION_LENGTH,
} from "./generated/vmx";

const SELECTOR_CODES: u32 = (1 << VECTOR_TS) | (1 << VECTOR_NP) | (1 << VECTOR_SS) | (1 << VECTOR_GP);
const CONTRIBUTORY: u32 = SELECTOR_CODES | (1 << VECTOR_DE) | (1 << VECTOR_CP);
const PAGE_FAULTS: u32 = (1 << VECTOR_PF) | (1 << VECTOR_VE);
/** Bit 0 of an error code: the event being delivered was external to the program. SDM Vol. 3 "Error Code" */
const ERROR_EXT: u32 = 1;
/** Bit of the qualification of what `raiseExit` is for: the instruction is an IRET that has ended the blocking of NMIs. */
const NMI_UNBLOCKED: u64 = 1 << 12;

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
  abandonLevel(s);
  let stop = s.delivering != 0 ? combine(s) : STOP_EXCEPTION;
  if (stop == STOP_SHUTDOWN && s.vmx == VMX_NON_ROOT) {
    s.vmxExit = EXIT_REASON_TRIPLE_FAULT + 1;
    s.vmxQualification = 0;
    stop = STOP_EXCEPTION;
  }
  leave(s, op, stop);
  raised();
  unreachable();
}

/**
 * An access in a guest ends in a VM exit instead of being made. What was being delivered stays noted for the exit. The instruction's length is
 * told as processors do, though the manual does not promise it: KVM wants it of accesses to devices.
 */
export function raiseExit(s: State, op: Op, reason: u32, qualification: u64): void {
  abandonLevel(s);
  leave(s, op, STOP_EXCEPTION);
  if (changetype<usize>(op) != 0) store<u64>(<usize>s.vmcs + VM_EXIT_INSTRUCTION_LENGTH, <u64>op.len);
  const told = reason == EXIT_REASON_EPT_VIOLATION || reason == EXIT_REASON_PAGE_MODIFICATION_LOG_FULL;
  const unblocked = told && s.nmiUnblockedAt == retired(s) + 1 && s.delivering == 0;
  s.vmxExit = reason + 1;
  s.vmxQualification = unblocked ? qualification | NMI_UNBLOCKED : qualification;
  raised();
  unreachable();
}

/** The instruction begins again. */
export function startOver(s: State, op: Op): void {
  abandonLevel(s);
  leave(s, op, STOP_BUDGET);
  raised();
  unreachable();
}

/** What the exception just raised becomes because of the event that was being delivered. */
function combine(s: State): u32 {
  const type = (s.delivering >> DELIVERING_TYPE) & 7;
  const first: u32 = type == EVENT_EXCEPTION ? 1 << (s.delivering & 31) : 0;
  const second: u32 = 1 << s.vector;
  s.vectoring = s.delivering;
  s.delivering = 0;
  if ((first & (1 << VECTOR_DF)) != 0 && (second & (CONTRIBUTORY | PAGE_FAULTS)) != 0) {
    s.vectoring = 0;
    return STOP_SHUTDOWN;
  }
  if (
    ((first & CONTRIBUTORY) != 0 && (second & CONTRIBUTORY) != 0) ||
    ((first & PAGE_FAULTS) != 0 && (second & (CONTRIBUTORY | PAGE_FAULTS)) != 0)
  ) {
    s.vector = VECTOR_DF;
    s.errorCode = 0;
    // an exit that it causes is not one during event delivery
    s.vectoring = 0;
  } else if ((second & SELECTOR_CODES) != 0 && type != EVENT_SOFTWARE_INTERRUPT && type != EVENT_SOFTWARE_EXCEPTION)
    s.errorCode |= ERROR_EXT;
  return STOP_EXCEPTION;
}

/** Goes back to the privilege level that was left for some accesses, if any. */
function abandonLevel(s: State): void {
  if (s.assumed == 0) return;
  s.cpl = s.assumed - 1;
  s.tlb = s.assumedTlb;
  s.assumed = 0;
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
  s.faultAddress = address;
  // in a guest it may exit, and CR2 stays
  if (s.vmx != VMX_NON_ROOT) s.cr2 = address;
  raise(s, op, VECTOR_PF, errorCode);
}

/** A gap in the core, by its number in UNIMPLEMENTED of src/spec/events.ts. */
export function unimplemented(s: State, op: Op, what: u32): void {
  s.vector = what;
  leave(s, op, STOP_UNIMPLEMENTED);
  raised();
  unreachable();
}
