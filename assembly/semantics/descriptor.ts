/**
 * Descriptor-table registers and questions about descriptors. SDM Vol. 2 "LGDT/LIDT", "SGDT", "SIDT", "LLDT", "LTR", "SLDT", "STR", "LAR",
 * "LSL", "VERR/VERW", "ARPL".
 */
import { Exec } from "../backend/exec";
import {
  AVAILABLE_TSS,
  AVAILABLE_TSS16,
  BUSY,
  BUSY_TSS,
  BUSY_TSS16,
  baseIn,
  CALL_GATE,
  CALL_GATE16,
  descriptor,
  descriptorAt,
  dplIn,
  isConforming,
  isNull,
  isPresent,
  isReadable,
  isWritableData,
  LDT,
  limitIn,
  needDescriptor,
  raiseSelector,
  readDescriptor,
  rightsIn,
  systemBytes,
  systemType,
  TASK_GATE,
  upperHalf,
} from "../cpu/descriptors";
import { setNull } from "../cpu/load";
import { isLongMode, loadFlags, privileged, protectedOnly } from "../cpu/modes";
import { LDTR, RIGHTS_S, setSegment, TR } from "../cpu/segments";
import { Op } from "../decode/op";
import { CR4_UMIP, RFLAGS_ZF, VECTOR_GP, VECTOR_NP } from "../generated/constants";
import { writeSystem } from "../mmu/system";
import { isCanonicalBase } from "../mmu/walk";
import { raiseGp } from "../raise";

/** User-mode instruction prevention: #GP outside ring 0. */
export function preventUserMode(b: Exec, op: Op): void {
  if ((b.cr4 & CR4_UMIP) != 0) privileged(b, op);
}

export function sgdt(b: Exec, op: Op): void {
  preventUserMode(b, op);
  storeTable(b, op, b.gdtrLimit, b.gdtrBase);
}

export function sidt(b: Exec, op: Op): void {
  preventUserMode(b, op);
  storeTable(b, op, b.idtrLimit, b.idtrBase);
}

function storeTable(b: Exec, op: Op, limit: u32, base: u64): void {
  const at = b.storableAt(op, b.address(op), b.mode == 2 ? 10 : 6);
  store<u16>(at, <u16>limit);
  if (b.mode == 2) store<u64>(at, base, 2);
  else store<u32>(at, <u32>base, 2);
  b.commit(at);
}

export function lgdt(b: Exec, op: Op): void {
  privileged(b, op);
  const base = tableBase(b, op);
  b.gdtrLimit = <u32>b.read<u16>(op, b.address(op));
  b.gdtrBase = base;
}

export function lidt(b: Exec, op: Op): void {
  privileged(b, op);
  const base = tableBase(b, op);
  b.idtrLimit = <u32>b.read<u16>(op, b.address(op));
  b.idtrBase = base;
}

/** Base of a pseudo-descriptor, after everything that can fault. */
function tableBase(b: Exec, op: Op): u64 {
  const va = b.address(op);
  const at = b.readableAt(op, va, b.mode == 2 ? 10 : 6);
  if (b.mode != 2) return <u64>load<u32>(at, 2) & (op.operandSize == 0 ? 0xffffff : 0xffffffff);
  const base = load<u64>(at, 2);
  if (!isCanonicalBase(base)) raiseGp(b, op);
  return base;
}

export function sldt<T, D>(b: Exec, op: Op): void {
  protectedOnly(b, op);
  preventUserMode(b, op);
  b.set<T, D>(op, <u64>b.ldtr);
}

export function str<T, D>(b: Exec, op: Op): void {
  protectedOnly(b, op);
  preventUserMode(b, op);
  b.set<T, D>(op, <u64>b.tr);
}

export function lldt<S>(b: Exec, op: Op): void {
  protectedOnly(b, op);
  privileged(b, op);
  loadLdtr(b, op, <u32>b.src<u16, S>(op));
}

export function loadLdtr(b: Exec, op: Op, selector: u32): void {
  if (isNull(selector)) return setNull(b, LDTR, selector, 0);
  const base = systemBase(b, op, selector, LDT, LDT);
  setSegment(b, LDTR, selector, base, limitIn(descriptor), rightsIn(descriptor));
}

export function ltr<S>(b: Exec, op: Op): void {
  protectedOnly(b, op);
  privileged(b, op);
  loadTr(b, op, <u32>b.src<u16, S>(op));
}

export function loadTr(b: Exec, op: Op, selector: u32): void {
  if (isNull(selector)) raiseGp(b, op);
  const base = systemBase(b, op, selector, AVAILABLE_TSS, isLongMode(b) ? AVAILABLE_TSS : AVAILABLE_TSS16);
  const rights = rightsIn(descriptor) | BUSY;
  writeSystem<u8>(b, op, descriptorAt + 5, rights & 0xff);
  setSegment(b, TR, selector, base, limitIn(descriptor), rights);
}

/** Base of the LDT or TSS that a selector names in the GDT, of one of two types. */
function systemBase(b: Exec, op: Op, selector: u32, type: u32, otherType: u32): u64 {
  if ((selector & 4) != 0) raiseSelector(b, op, VECTOR_GP, selector);
  needDescriptor(b, op, selector, systemBytes(b), VECTOR_GP);
  const found = systemType(descriptor);
  if (found != type && found != otherType) raiseSelector(b, op, VECTOR_GP, selector);
  if (!isPresent(descriptor)) raiseSelector(b, op, VECTOR_NP, selector);
  let base = baseIn(descriptor);
  if (isLongMode(b)) base |= upperHalf(b, op, selector) << 32;
  if (isLongMode(b) && !isCanonicalBase(base)) raiseSelector(b, op, VECTOR_GP, selector);
  return base;
}

export function lar<T, S>(b: Exec, op: Op): void {
  protectedOnly(b, op);
  const valid = isVisible(b, op, <u32>b.src<u16, S>(op)) && ((rightsIn(descriptor) & RIGHTS_S) != 0 || larType(b, systemType(descriptor)));
  setZf(b, valid);
  if (valid) b.setRegister<T>(<usize>op.d, sizeof<T>() == 2 ? (descriptor >> 32) & 0xff00 : (descriptor >> 32) & 0xffff00);
}

export function lsl<T, S>(b: Exec, op: Op): void {
  protectedOnly(b, op);
  const valid = isVisible(b, op, <u32>b.src<u16, S>(op)) && ((rightsIn(descriptor) & RIGHTS_S) != 0 || lslType(b, systemType(descriptor)));
  setZf(b, valid);
  if (valid) b.setRegister<T>(<usize>op.d, <u64>limitIn(descriptor));
}

export function verr<S>(b: Exec, op: Op): void {
  protectedOnly(b, op);
  setZf(b, isVisible(b, op, <u32>b.src<u16, S>(op)) && isReadable(descriptor));
}

export function verw<S>(b: Exec, op: Op): void {
  protectedOnly(b, op);
  setZf(b, isVisible(b, op, <u32>b.src<u16, S>(op)) && isWritableData(descriptor));
}

/** The descriptor is there and CPL and RPL may know of it; it stands in `descriptor` then. */
function isVisible(b: Exec, op: Op, selector: u32): bool {
  if (isNull(selector) || !readDescriptor(b, op, selector, 8)) return false;
  const dpl = dplIn(descriptor);
  return isConforming(descriptor) || (b.cpl <= dpl && (selector & 3) <= dpl);
}

/** SDM Vol. 2 "LAR", table of segment and gate types. */
function larType(b: Exec, type: u32): bool {
  return lslType(b, type) || type == CALL_GATE || (!isLongMode(b) && (type == CALL_GATE16 || type == TASK_GATE));
}

/** SDM Vol. 2 "LSL", table of segment and gate types. */
function lslType(b: Exec, type: u32): bool {
  return type == LDT || type == AVAILABLE_TSS || type == BUSY_TSS || (!isLongMode(b) && (type == AVAILABLE_TSS16 || type == BUSY_TSS16));
}

export function arpl<D>(b: Exec, op: Op): void {
  protectedOnly(b, op);
  const selector = b.dst<u16, D>(op);
  const rpl = b.register<u16>(<usize>op.s) & 3;
  const raises = (selector & 3) < rpl;
  if (raises) b.set<u16, D>(op, (selector & ~(<u64>3)) | rpl);
  setZf(b, raises);
}

function setZf(b: Exec, set: bool): void {
  loadFlags(b, set ? RFLAGS_ZF : 0, RFLAGS_ZF);
}
