/**
 * The VMX instructions in VMX root operation. SDM Vol. 3 "VMX Instruction Reference". In non-root operation they cause VM exits before
 * anything here is reached (assembly/vmx/intercept.ts). They tell how they ended by flags: all clear, CF (no current VMCS to put an error
 * into), ZF with an error number in the current VMCS.
 */
import { Exec } from "../backend/exec";
import { retired } from "../clock";
import { SHADOW_SS } from "../cpu/load";
import { hasDescriptors, isLongMode, privileged } from "../cpu/modes";
import { Op } from "../decode/op";
import { CR4_VMXE, RFLAGS_CF, RFLAGS_ZF, VMX_NON_ROOT, VMX_OFF, VMX_ROOT } from "../generated/constants";
import * as V from "../generated/vmx";
import { flushTlb } from "../mmu/tlb";
import { isCanonical } from "../mmu/walk";
import { raiseGp, raiseUd } from "../raise";
import { isEptPointer } from "../vmx/check-controls";
import { enter } from "../vmx/enter";
import { CR0_FIXED0, CR4_FIXED0 } from "../vmx/fixed-bits";
import {
  FIELD_OFFSET,
  field,
  fieldMask,
  findField,
  isAligned,
  isLaunched,
  makeCurrent,
  NO_POINTER,
  REVISION,
  regionOf,
  revisionAt,
  setField,
  setLaunched,
} from "../vmx/vmcs";

/** IA32_FEATURE_CONTROL: locked, VMX outside SMX */
const FEATURE_CONTROL_VMX: u64 = 5;
const PAGE: u64 = 12;

function succeed(b: Exec): void {
  b.flagsAll(0);
}

function failInvalid(b: Exec): void {
  b.flagsAll(RFLAGS_CF);
}

function fail(b: Exec, error: u32): void {
  if (b.vmcsPointer == NO_POINTER) return failInvalid(b);
  setField(b, V.VM_INSTRUCTION_ERROR, <u64>error);
  b.flagsAll(RFLAGS_ZF);
}

/** What all but VMXON and VMCALL check first. */
function begin(b: Exec, op: Op): void {
  exists(b, op, b.vmx != VMX_OFF);
  privileged(b, op);
}

/** #UD outside VMX operation and in modes without VMX instructions. */
function exists(b: Exec, op: Op, on: bool): void {
  if (!on || !hasDescriptors(b) || (isLongMode(b) && b.mode != 2)) raiseUd(b, op);
}

function pointerOperand(b: Exec, op: Op): u64 {
  return b.read<u64>(op, b.address(op));
}

export function vmxon(b: Exec, op: Op): void {
  exists(b, op, (b.cr4 & CR4_VMXE) != 0);
  privileged(b, op);
  if (b.vmx != VMX_OFF) {
    fail(b, V.VM_ERROR_VMXON_IN_ROOT);
    return b.jump(b.nextRip(op));
  }
  const fixed = (CR0_FIXED0 & ~b.cr0) == 0 && (CR4_FIXED0 & ~b.cr4) == 0;
  if (!fixed || (b.featureControl & FEATURE_CONTROL_VMX) != FEATURE_CONTROL_VMX) raiseGp(b, op);
  const pointer = pointerOperand(b, op);
  if (!isAligned(pointer, PAGE) || revisionAt(pointer) != REVISION) failInvalid(b);
  else {
    b.vmxonPointer = pointer;
    makeCurrent(b, NO_POINTER);
    b.vmx = VMX_ROOT;
    succeed(b);
  }
  b.jump(b.nextRip(op));
}

export function vmxoff(b: Exec, op: Op): void {
  begin(b, op);
  b.vmx = VMX_OFF;
  succeed(b);
  b.jump(b.nextRip(op));
}

export function vmclear(b: Exec, op: Op): void {
  begin(b, op);
  const pointer = pointerOperand(b, op);
  if (!isAligned(pointer, PAGE)) fail(b, V.VM_ERROR_VMCLEAR_INVALID_ADDRESS);
  else if (pointer == b.vmxonPointer) fail(b, V.VM_ERROR_VMCLEAR_VMXON_POINTER);
  else {
    const region = regionOf(pointer);
    if (region != 0) setLaunched(region, 0);
    if (pointer == b.vmcsPointer) makeCurrent(b, NO_POINTER);
    succeed(b);
  }
  b.jump(b.nextRip(op));
}

export function vmptrld(b: Exec, op: Op): void {
  begin(b, op);
  const pointer = pointerOperand(b, op);
  if (!isAligned(pointer, PAGE)) fail(b, V.VM_ERROR_VMPTRLD_INVALID_ADDRESS);
  else if (pointer == b.vmxonPointer) fail(b, V.VM_ERROR_VMPTRLD_VMXON_POINTER);
  else if (revisionAt(pointer) != REVISION) fail(b, V.VM_ERROR_VMPTRLD_WRONG_REVISION);
  else {
    makeCurrent(b, pointer);
    succeed(b);
  }
  b.jump(b.nextRip(op));
}

export function vmptrst(b: Exec, op: Op): void {
  begin(b, op);
  b.write<u64>(op, b.address(op), b.vmcsPointer);
  succeed(b);
}

/** The upper half of a 64-bit field has an encoding of its own. */
export function vmread<T, D>(b: Exec, op: Op): void {
  begin(b, op);
  const encoding = b.register<T>(<usize>op.s);
  const found = findField(encoding);
  if (b.vmcsPointer == NO_POINTER) return failInvalid(b);
  if (found == 0) return fail(b, V.VM_ERROR_UNSUPPORTED_FIELD);
  const v = field(b, found & FIELD_OFFSET) & fieldMask(found);
  b.set<T, D>(op, (encoding & 1) != 0 ? v >> 32 : v);
  succeed(b);
}

export function vmwrite<T, S>(b: Exec, op: Op): void {
  begin(b, op);
  const encoding = b.register<T>(<usize>op.d);
  const v = b.src<T, S>(op);
  const found = findField(encoding);
  if (b.vmcsPointer == NO_POINTER) return failInvalid(b);
  if (found == 0) return fail(b, V.VM_ERROR_UNSUPPORTED_FIELD);
  const offset = found & FIELD_OFFSET;
  const old = field(b, offset);
  if ((encoding & 1) != 0) setField(b, offset, (old & 0xffffffff) | (v << 32));
  else setField(b, offset, v & fieldMask(found));
  succeed(b);
}

export function vmlaunch(b: Exec, op: Op): void {
  launch(b, op, false, V.VM_ERROR_VMLAUNCH_NOT_CLEAR);
}

export function vmresume(b: Exec, op: Op): void {
  launch(b, op, true, V.VM_ERROR_VMRESUME_NOT_LAUNCHED);
}

/** RIP is behind the instruction when the checks begin: where an entry fails, it goes on there. */
function launch(b: Exec, op: Op, launched: bool, otherwise: u32): void {
  begin(b, op);
  const blocked = b.inhibit == SHADOW_SS && b.inhibitAt == retired(b) - <u64>op.left;
  b.jump(b.nextRip(op));
  if (b.vmcsPointer == NO_POINTER) return failInvalid(b);
  if (blocked) return fail(b, V.VM_ERROR_ENTRY_EVENTS_BLOCKED_BY_MOV_SS);
  if (isLaunched(b) != launched) return fail(b, otherwise);
  const error = enter(b);
  if (error != 0) fail(b, error);
}

export function vmcall(b: Exec, op: Op): void {
  if (b.vmx == VMX_OFF) raiseUd(b, op);
  privileged(b, op);
  fail(b, V.VM_ERROR_VMCALL_IN_ROOT);
  b.jump(b.nextRip(op));
}

/** Of the functions only EPTP switching (0) exists, and only in non-root operation. */
export function vmfunc(b: Exec, op: Op): void {
  if (b.vmx != VMX_NON_ROOT || (b.vmxSecondary & V.SECONDARY_ENABLE_VM_FUNCTIONS) == 0) raiseUd(b, op);
  raiseUd(b, op);
}

const SINGLE_CONTEXT: u64 = 1;
const ALL_CONTEXTS: u64 = 2;

export function invept<T>(b: Exec, op: Op): void {
  begin(b, op);
  const type = b.register<T>(<usize>op.d);
  const at = b.readableAt(op, b.address(op), 16);
  const known = type == ALL_CONTEXTS || (type == SINGLE_CONTEXT && isEptPointer(load<u64>(at)));
  if (known) {
    flushTlb();
    succeed(b);
  } else fail(b, V.VM_ERROR_INVALID_INVEPT_INVVPID_OPERAND);
  b.jump(b.nextRip(op));
}

const INDIVIDUAL_ADDRESS: u64 = 0;
const RETAINING_GLOBALS: u64 = 3;

export function invvpid<T>(b: Exec, op: Op): void {
  begin(b, op);
  const type = b.register<T>(<usize>op.d);
  const at = b.readableAt(op, b.address(op), 16);
  const vpid = load<u64>(at);
  const known =
    type <= RETAINING_GLOBALS &&
    vpid >> 16 == 0 &&
    (vpid != 0 || type == ALL_CONTEXTS) &&
    (type != INDIVIDUAL_ADDRESS || isCanonical(load<u64>(at, 8)));
  if (known) {
    flushTlb();
    succeed(b);
  } else fail(b, V.VM_ERROR_INVALID_INVEPT_INVVPID_OPERAND);
  b.jump(b.nextRip(op));
}
