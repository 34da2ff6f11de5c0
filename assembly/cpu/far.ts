/**
 * What far transfers share: the checks on a new code segment and the change to it. SDM Vol. 2 "CALL", "JMP", "RET", "IRET";
 * Vol. 3 "Privilege Level Checking When Transferring Program Control Between Code Segments".
 */
import { Op } from "../decode/op";
import { VECTOR_GP, VECTOR_NP, VECTOR_TS } from "../generated/constants";
import { State } from "../generated/state";
import { readSystem } from "../mmu/system";
import { isCanonical } from "../mmu/walk";
import { raiseGp } from "../raise";
import {
  AVAILABLE_TSS16,
  BUSY,
  descriptor,
  dplIn,
  isCodeSegment,
  isConforming,
  isNull,
  isPresent,
  isReservedCode,
  limitIn,
  needDescriptor,
  raiseSelector,
  rightsIn,
  setFromDescriptor,
} from "./descriptors";
import { deriveMode, isLongMode } from "./modes";
import { CS, RIGHTS_L, RIGHTS_S, SS, setSegment } from "./segments";

/** rights of the flat segments that SYSCALL and its kin load: accessed, present, 4-KiB granularity */
const FLAT_CODE: u32 = 0x809b;
const FLAT_DATA: u32 = 0xc093;
export const FLAT_64: u32 = 0x2000;
export const FLAT_32: u32 = 0x4000;

export function needCodeSegment(s: State, op: Op, selector: u32): void {
  if (!isCodeSegment(descriptor) || isReservedCode(s, descriptor)) raiseSelector(s, op, VECTOR_GP, selector);
}

/** The checks on a code segment jumped or called directly, the descriptor being the last one read. */
export function checkDirect(s: State, op: Op, selector: u32): void {
  needCodeSegment(s, op, selector);
  const dpl = dplIn(descriptor);
  if (isConforming(descriptor) ? dpl > s.cpl : (selector & 3) > s.cpl || dpl != s.cpl) raiseSelector(s, op, VECTOR_GP, selector);
  if (!isPresent(descriptor)) raiseSelector(s, op, VECTOR_NP, selector);
}

/** The checks on the code segment that RET and IRET go back to. */
export function checkReturn(s: State, op: Op, selector: u32): void {
  if (isNull(selector)) raiseGp(s, op);
  needDescriptor(s, op, selector, 8, VECTOR_GP);
  needCodeSegment(s, op, selector);
  const rpl = selector & 3;
  const dpl = dplIn(descriptor);
  if (rpl < s.cpl || (isConforming(descriptor) ? dpl > rpl : dpl != rpl)) raiseSelector(s, op, VECTOR_GP, selector);
  if (!isPresent(descriptor)) raiseSelector(s, op, VECTOR_NP, selector);
}

/** `d` is code of 64-bit mode */
export function is64(s: State, d: u64): bool {
  return isLongMode(s) && (rightsIn(d) & RIGHTS_L) != 0;
}

/** #GP(0) if RIP may not be `to` in the code segment `d`. */
export function checkTarget(s: State, op: Op, d: u64, to: u64): void {
  if (is64(s, d) ? !isCanonical(to) : to > <u64>limitIn(d)) raiseGp(s, op);
}

/** Makes `d` the code segment and `cpl` the privilege level. */
export function setCode(s: State, selector: u32, d: u64, cpl: u32): void {
  setFromDescriptor(s, CS, (selector & ~3) | cpl, d);
  s.cpl = cpl;
  deriveMode(s);
}

/** CS and SS as the fast system calls load them, without descriptors. `size` is FLAT_64 or FLAT_32. */
export function setFlat(s: State, code: u32, stack: u32, size: u32, cpl: u32): void {
  setSegment(s, CS, code, 0, 0xffffffff, FLAT_CODE | size | (cpl << 5));
  setSegment(s, SS, stack, 0, 0xffffffff, FLAT_DATA | (cpl << 5));
  s.cpl = cpl;
  deriveMode(s);
}

/** the stack of an inner privilege level, as the TSS has it */
export let innerSp: u64 = 0;
export let innerSs: u32 = 0;

/** Reads the stack for `cpl` from the TSS. SDM Vol. 3 "Task-State Segment (TSS)", "TSS Format in 64-bit Mode". */
export function readInnerStack(s: State, op: Op, cpl: u32): void {
  const type = s.trRights & (RIGHTS_S | 15);
  const narrow = type == (AVAILABLE_TSS16 | BUSY);
  const offset: u64 = isLongMode(s) ? 4 + 8 * <u64>cpl : narrow ? 2 + 4 * <u64>cpl : 4 + 8 * <u64>cpl;
  if (offset + (narrow ? 3 : isLongMode(s) ? 7 : 5) > <u64>s.trLimit) raiseSelector(s, op, VECTOR_TS, s.tr);
  const at = s.trBase + offset;
  if (isLongMode(s)) {
    innerSp = readSystem<u64>(s, op, at);
    innerSs = cpl;
  } else if (narrow) {
    innerSp = readSystem<u16>(s, op, at);
    innerSs = <u32>readSystem<u16>(s, op, at + 2);
  } else {
    innerSp = readSystem<u32>(s, op, at);
    innerSs = <u32>readSystem<u16>(s, op, at + 4);
  }
}

/** Reads the stack that a gate names by its number in the interrupt stack table. SDM Vol. 3 "Interrupt Stack Table". */
export function readInterruptStack(s: State, op: Op, number: u32): void {
  const offset = 28 + ((<u64>number) << 3);
  if (offset + 7 > <u64>s.trLimit) raiseSelector(s, op, VECTOR_TS, s.tr);
  innerSp = readSystem<u64>(s, op, s.trBase + offset);
}
