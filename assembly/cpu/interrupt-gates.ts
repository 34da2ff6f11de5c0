/**
 * Interrupt, trap and task gates of 8 bytes, outside IA-32e mode. SDM Vol. 3 "IDT Descriptors", "Exception- or Interrupt-Handler Procedures",
 * Vol. 2 "INT n/INTO/INT3/INT1" (PROTECTED-MODE).
 */
import { Op } from "../decode/op";
import { RFLAGS_IF, RFLAGS_NT, RFLAGS_RF, RFLAGS_TF, RFLAGS_VM, VECTOR_GP, VECTOR_NP, VECTOR_TS } from "../generated/constants";
import { State } from "../generated/state";
import { readSystem } from "../mmu/system";
import { raise, raiseGp } from "../raise";
import {
  descriptor,
  descriptorAt,
  dplIn,
  isConforming,
  isNull,
  isPresent,
  markAccessed,
  needDescriptor,
  raiseSelector,
  setFromDescriptor,
  systemType,
  TASK_GATE,
} from "./descriptors";
import { checkTarget, innerSp, innerSs, needCodeSegment, readInnerStack, setCode } from "./far";
import { assumeLevel, keepLevel, pushFrame, setFramePointer, useCurrentStack, useSegmentStack } from "./frame";
import { eventVector, hasErrorCode, isSoftware, pushedFlags, raiseForGate } from "./interrupt-event";
import { setNull, stackDescriptor } from "./load";
import { isVirtual8086, jumpTo, loadFlags } from "./modes";
import { DS, ES, FS, GS, SS } from "./segments";
import { interruptTask } from "./task";

const INTERRUPT_GATE16: u32 = 6;
const TRAP_GATE16: u32 = 7;
export const INTERRUPT_GATE: u32 = 14;
export const TRAP_GATE: u32 = 15;
/** every handler starts without these; through an interrupt gate without IF too */
export const CLEARED: u32 = RFLAGS_TF | RFLAGS_NT | RFLAGS_RF | RFLAGS_VM;

export function throughGate(s: State, op: Op, returnRip: u64): void {
  const offset = eventVector(s) << 3;
  if (offset + 7 > s.idtrLimit) raiseForGate(s, op, VECTOR_GP);
  const gate = readSystem<u64>(s, op, s.idtrBase + <u64>offset);
  const type = systemType(gate);
  const wide = type == INTERRUPT_GATE || type == TRAP_GATE;
  if (!wide && type != INTERRUPT_GATE16 && type != TRAP_GATE16 && type != TASK_GATE) raiseForGate(s, op, VECTOR_GP);
  if (isSoftware(s) && dplIn(gate) < s.cpl) raiseForGate(s, op, VECTOR_GP);
  if (!isPresent(gate)) raiseForGate(s, op, VECTOR_NP);
  const selector = <u32>(gate >> 16) & 0xffff;
  if (type == TASK_GATE) return interruptTask(s, op, selector, returnRip);
  const to = wide ? (gate & 0xffff) | ((gate >> 32) & 0xffff0000) : gate & 0xffff;
  checkHandler(s, op, selector);
  const code = descriptor;
  const cleared = CLEARED | (type == INTERRUPT_GATE || type == INTERRUPT_GATE16 ? RFLAGS_IF : 0);
  if (!isConforming(code) && dplIn(code) < s.cpl) {
    if (isVirtual8086(s) && dplIn(code) != 0) raiseSelector(s, op, VECTOR_GP, selector);
    toInnerLevel(s, op, selector, to, wide ? 4 : 2, returnRip, cleared);
  } else {
    if (isVirtual8086(s)) raiseSelector(s, op, VECTOR_GP, selector);
    toSameLevel(s, op, selector, to, wide ? 4 : 2, returnRip, cleared);
  }
}

/** The checks on a handler's code segment, whose descriptor is left behind. */
export function checkHandler(s: State, op: Op, selector: u32): void {
  if (isNull(selector)) raiseGp(s, op);
  needDescriptor(s, op, selector, 8, VECTOR_GP);
  needCodeSegment(s, op, selector);
  if (dplIn(descriptor) > s.cpl) raiseSelector(s, op, VECTOR_GP, selector);
  if (!isPresent(descriptor)) raiseSelector(s, op, VECTOR_NP, selector);
}

function toSameLevel(s: State, op: Op, selector: u32, to: u64, bytes: u64, returnRip: u64, cleared: u32): void {
  checkTarget(s, op, descriptor, to);
  const code = markAccessed(s, op, descriptor, descriptorAt);
  useCurrentStack(s);
  pushReturn(s, op, bytes, returnRip);
  setFramePointer(s);
  loadFlags(s, 0, cleared);
  setCode(s, selector, code, s.cpl);
  jumpTo(s, to);
}

/** Changes to the stack that the TSS has for the handler's level; a virtual-8086 task's data segments are kept there too. */
function toInnerLevel(s: State, op: Op, selector: u32, to: u64, bytes: u64, returnRip: u64, cleared: u32): void {
  const code = descriptor;
  const codeAt = descriptorAt;
  const cpl = dplIn(code);
  const virtual = isVirtual8086(s);
  readInnerStack(s, op, cpl);
  if (isNull(innerSs)) raise(s, op, VECTOR_TS, 0);
  const stack = stackDescriptor(s, op, innerSs, cpl, VECTOR_TS);
  useSegmentStack(s, op, innerSs, stack, innerSp, bytes * (5 + <u64>hasErrorCode(s) + (virtual ? 4 : 0)));
  checkTarget(s, op, code, to);
  const marked = markAccessed(s, op, code, codeAt);
  assumeLevel(s, cpl);
  if (virtual) {
    pushFrame(s, op, bytes, <u64>s.gs);
    pushFrame(s, op, bytes, <u64>s.fs);
    pushFrame(s, op, bytes, <u64>s.ds);
    pushFrame(s, op, bytes, <u64>s.es);
  }
  pushFrame(s, op, bytes, <u64>s.ss);
  pushFrame(s, op, bytes, s.rsp);
  pushReturn(s, op, bytes, returnRip);
  keepLevel(s);
  setFramePointer(s);
  setFromDescriptor(s, SS, innerSs, stack);
  loadFlags(s, 0, cleared);
  if (virtual) {
    setNull(s, ES, 0, 0);
    setNull(s, DS, 0, 0);
    setNull(s, FS, 0, 0);
    setNull(s, GS, 0, 0);
  }
  setCode(s, selector, marked, cpl);
  jumpTo(s, to);
}

/** What IRET pops, and the error code. */
export function pushReturn(s: State, op: Op, bytes: u64, returnRip: u64): void {
  pushFrame(s, op, bytes, <u64>pushedFlags(s));
  pushFrame(s, op, bytes, <u64>s.cs);
  pushFrame(s, op, bytes, returnRip);
  if (hasErrorCode(s)) pushFrame(s, op, bytes, <u64>s.errorCode);
}
