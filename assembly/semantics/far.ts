/**
 * Far jumps and calls, directly and through call gates. SDM Vol. 2 "JMP", "CALL"; Vol. 3 "Call Gates", "IA-32e Mode Call Gates",
 * "Stack Switching".
 */
import { Exec } from "../backend/exec";
import {
  AVAILABLE_TSS,
  AVAILABLE_TSS16,
  CALL_GATE,
  CALL_GATE16,
  descriptor,
  descriptorAt,
  dplIn,
  isConforming,
  isNull,
  isPresent,
  markAccessed,
  needDescriptor,
  raiseSelector,
  rightsIn,
  setFromDescriptor,
  systemType,
  TASK_GATE,
  upperHalf,
} from "../cpu/descriptors";
import { checkDirect, checkTarget, innerSp, innerSs, needCodeSegment, readInnerStack, setCode } from "../cpu/far";
import { assumeLevel, keepLevel, pushFrame, setFramePointer, useLongStack, useSegmentStack } from "../cpu/frame";
import { setNull, setRealSegment, stackDescriptor } from "../cpu/load";
import { hasDescriptors, isLongMode } from "../cpu/modes";
import { CS, RIGHTS_L, RIGHTS_S, SS } from "../cpu/segments";
import { callTask, jumpToTask } from "../cpu/task";
import { Op } from "../decode/op";
import { VECTOR_GP, VECTOR_NP, VECTOR_TS } from "../generated/constants";
import { raise, raiseGp } from "../raise";

export function jmpFar(b: Exec, op: Op): void {
  jumpFar(b, op, <u32>(op.imm >> 32) & 0xffff, <u64>op.imm & 0xffffffff);
}

export function jmpFarTo(b: Exec, op: Op): void {
  const offset = pointerOffset(b, op);
  jumpFar(b, op, pointerSelector(b, op), offset);
}

export function callFar(b: Exec, op: Op): void {
  enterFar(b, op, <u32>(op.imm >> 32) & 0xffff, <u64>op.imm & 0xffffffff);
}

export function callFarTo(b: Exec, op: Op): void {
  const offset = pointerOffset(b, op);
  enterFar(b, op, pointerSelector(b, op), offset);
}

function pointerOffset(b: Exec, op: Op): u64 {
  const va = b.address(op);
  return op.operandSize == 2 ? b.read<u64>(op, va) : op.operandSize == 1 ? b.read<u32>(op, va) : b.read<u16>(op, va);
}

function pointerSelector(b: Exec, op: Op): u32 {
  return <u32>b.read<u16>(op, b.address(op) + ((<u64>2) << op.operandSize));
}

function jumpFar(b: Exec, op: Op, selector: u32, offset: u64): void {
  const to = op.operandSize == 0 ? offset & 0xffff : offset;
  if (!hasDescriptors(b)) return jumpReal(b, op, selector, to);
  if (isNull(selector)) raiseGp(b, op);
  needDescriptor(b, op, selector, 8, VECTOR_GP);
  if ((rightsIn(descriptor) & RIGHTS_S) == 0) return jumpThroughGate(b, op, selector);
  checkDirect(b, op, selector);
  checkTarget(b, op, descriptor, to);
  setCode(b, selector, markAccessed(b, op, descriptor, descriptorAt), b.cpl);
  b.jump(to);
}

function jumpReal(b: Exec, op: Op, selector: u32, to: u64): void {
  if (to > <u64>b.csLimit) raiseGp(b, op);
  setRealSegment(b, CS, selector);
  b.jump(to);
}

function jumpThroughGate(b: Exec, op: Op, selector: u32): void {
  if (isTask(b, op, selector)) return jumpToTask(b, op, taskSelector(selector));
  openGate(b, op, selector);
  if (!isConforming(descriptor) && dplIn(descriptor) != b.cpl) raiseSelector(b, op, VECTOR_GP, gateSelector);
  checkTarget(b, op, descriptor, gateOffset);
  setCode(b, gateSelector, markAccessed(b, op, descriptor, descriptorAt), b.cpl);
  b.jump(gateOffset);
}

function enterFar(b: Exec, op: Op, selector: u32, offset: u64): void {
  const bytes: u64 = (<u64>2) << op.operandSize;
  const to = op.operandSize == 0 ? offset & 0xffff : offset;
  if (!hasDescriptors(b)) {
    if (to > <u64>b.csLimit) raiseGp(b, op);
    pushReturn(b, op, bytes);
    return jumpReal(b, op, selector, to);
  }
  if (isNull(selector)) raiseGp(b, op);
  needDescriptor(b, op, selector, 8, VECTOR_GP);
  if ((rightsIn(descriptor) & RIGHTS_S) == 0) return callThroughGate(b, op, selector);
  checkDirect(b, op, selector);
  enterSamePrivilege(b, op, selector, to, bytes);
}

/** The code segment's checked descriptor is the last one read. */
function enterSamePrivilege(b: Exec, op: Op, selector: u32, to: u64, bytes: u64): void {
  checkTarget(b, op, descriptor, to);
  const d = markAccessed(b, op, descriptor, descriptorAt);
  pushReturn(b, op, bytes);
  setCode(b, selector, d, b.cpl);
  b.jump(to);
}

function pushReturn(b: Exec, op: Op, bytes: u64): void {
  const sp = b.rsp;
  writeStackBytes(b, op, sp - bytes, bytes, <u64>b.cs);
  writeStackBytes(b, op, sp - bytes * 2, bytes, b.nextRip(op));
  b.setStackPointer(sp - bytes * 2);
}

export function writeStackBytes(b: Exec, op: Op, sp: u64, bytes: u64, v: u64): void {
  if (bytes == 8) b.writeStack<u64>(op, sp, v);
  else if (bytes == 4) b.writeStack<u32>(op, sp, v);
  else b.writeStack<u16>(op, sp, v);
}

export function readStackBytes(b: Exec, op: Op, sp: u64, bytes: u64): u64 {
  return bytes == 8 ? b.readStack<u64>(op, sp) : bytes == 4 ? b.readStack<u32>(op, sp) : b.readStack<u16>(op, sp);
}

// ---- call gates

// the gate opened last
let gateSelector: u32 = 0;
let gateOffset: u64 = 0;
/** width of what a call pushes */
let gateBytes: u64 = 0;
const PARAMETERS: usize = memory.data(31 * 8);
/** parameters a call copies to the inner stack */
let gateParameters: u64 = 0;

/** Whether the system descriptor just found leads to a task: a task gate, which is checked, or a TSS, outside IA-32e mode. */
function isTask(b: Exec, op: Op, selector: u32): bool {
  const d = descriptor;
  const type = systemType(d);
  if (isLongMode(b) || (type != TASK_GATE && type != AVAILABLE_TSS && type != AVAILABLE_TSS16)) return false;
  checkGate(b, op, d, selector);
  return true;
}

/** Of the TSS itself, or the one in the task gate. */
function taskSelector(selector: u32): u32 {
  return systemType(descriptor) == TASK_GATE ? <u32>(descriptor >> 16) & 0xffff : selector;
}

function checkGate(b: Exec, op: Op, d: u64, selector: u32): void {
  if (dplIn(d) < b.cpl || dplIn(d) < (selector & 3)) raiseSelector(b, op, VECTOR_GP, selector);
  if (!isPresent(d)) raiseSelector(b, op, VECTOR_NP, selector);
}

/** Reads the gate that was just found to be a system descriptor; leaves the descriptor of its code segment behind. */
function openGate(b: Exec, op: Op, selector: u32): void {
  const d = descriptor;
  const type = systemType(d);
  const long = isLongMode(b);
  const known = type == CALL_GATE || (!long && type == CALL_GATE16);
  if (!known || dplIn(d) < b.cpl || dplIn(d) < (selector & 3)) raiseSelector(b, op, VECTOR_GP, selector);
  let upper: u64 = 0;
  if (long) {
    needDescriptor(b, op, selector, 16, VECTOR_GP);
    upper = upperHalf(b, op, selector);
  }
  if (!isPresent(d)) raiseSelector(b, op, VECTOR_NP, selector);
  gateSelector = <u32>(d >> 16) & 0xffff;
  gateOffset = type == CALL_GATE16 ? d & 0xffff : (d & 0xffff) | ((d >> 32) & 0xffff0000) | (upper << 32);
  gateBytes = long ? 8 : type == CALL_GATE ? 4 : 2;
  gateParameters = long ? 0 : (d >> 32) & 31;
  if (isNull(gateSelector)) raiseGp(b, op);
  needDescriptor(b, op, gateSelector, 8, VECTOR_GP);
  needCodeSegment(b, op, gateSelector);
  if (dplIn(descriptor) > b.cpl || (long && (rightsIn(descriptor) & RIGHTS_L) == 0)) raiseSelector(b, op, VECTOR_GP, gateSelector);
  if (!isPresent(descriptor)) raiseSelector(b, op, VECTOR_NP, gateSelector);
}

function callThroughGate(b: Exec, op: Op, selector: u32): void {
  if (isTask(b, op, selector)) return callTask(b, op, taskSelector(selector));
  openGate(b, op, selector);
  if (!isConforming(descriptor) && dplIn(descriptor) < b.cpl) enterInner(b, op, dplIn(descriptor));
  else if (isLongMode(b)) enterLong(b, op);
  else enterSamePrivilege(b, op, gateSelector, gateOffset, gateBytes);
}

/** Into 64-bit mode at the same level, from compatibility mode perhaps: the stack is flat. */
function enterLong(b: Exec, op: Op): void {
  checkTarget(b, op, descriptor, gateOffset);
  const d = markAccessed(b, op, descriptor, descriptorAt);
  useLongStack(b, op, b.rsp, 16);
  pushFrame(b, op, 8, <u64>b.cs);
  pushFrame(b, op, 8, b.nextRip(op));
  setFramePointer(b);
  setCode(b, gateSelector, d, b.cpl);
  b.jump(gateOffset);
}

/** Changes to the inner stack and pushes the old one's SS and RSP, the parameters, CS and RIP there. */
function enterInner(b: Exec, op: Op, cpl: u32): void {
  const code = descriptor;
  const codeAt = descriptorAt;
  const long = isLongMode(b);
  readInnerStack(b, op, cpl);
  if (!long && isNull(innerSs)) raise(b, op, VECTOR_TS, 0);
  const stack = long ? 0 : stackDescriptor(b, op, innerSs, cpl, VECTOR_TS);
  const bytes = gateBytes;
  const total = bytes * (4 + gateParameters);
  if (long) useLongStack(b, op, innerSp, total);
  else useSegmentStack(b, op, innerSs, stack, innerSp, total);
  checkTarget(b, op, code, gateOffset);
  const marked = markAccessed(b, op, code, codeAt);
  pushFromLevel(b, op, cpl, bytes);
  if (long) setNull(b, SS, innerSs, cpl);
  else setFromDescriptor(b, SS, innerSs, stack);
  setFramePointer(b);
  setCode(b, gateSelector, marked, cpl);
  b.jump(gateOffset);
}

/** The parameters are read with the caller's rights, all before the level changes. */
function pushFromLevel(b: Exec, op: Op, cpl: u32, bytes: u64): void {
  for (let i: u64 = 0; i < gateParameters; i++) store<u64>(PARAMETERS + ((<usize>i) << 3), readStackBytes(b, op, b.rsp + i * bytes, bytes));
  assumeLevel(b, cpl);
  pushFrame(b, op, bytes, <u64>b.ss);
  pushFrame(b, op, bytes, b.rsp);
  for (let i = gateParameters; i > 0; i--) pushFrame(b, op, bytes, load<u64>(PARAMETERS + ((<usize>(i - 1)) << 3)));
  pushFrame(b, op, bytes, <u64>b.cs);
  pushFrame(b, op, bytes, b.nextRip(op));
  keepLevel(b);
}
