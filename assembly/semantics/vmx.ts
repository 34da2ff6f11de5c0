/**
 * The VMX instructions in VMX root operation: operands, faults, flags; what they do is in assembly/vmx/instructions.ts. SDM Vol. 3 "VMX
 * Instruction Reference". In non-root operation they cause VM exits before anything here is reached (assembly/vmx/intercept.ts). They tell
 * how they ended by flags: all clear, CF (no current VMCS to put an error into), ZF with an error number in the current VMCS.
 */
import { Exec } from "../backend/exec";
import { retired } from "../clock";
import { SHADOW_SS } from "../cpu/load";
import { hasDescriptors, isLongMode, privileged } from "../cpu/modes";
import { Op } from "../decode/op";
import { CR4_VMXE, RFLAGS_CF, RFLAGS_ZF, VMX_NON_ROOT, VMX_OFF } from "../generated/constants";
import * as V from "../generated/vmx";
import { raiseGp, raiseUd } from "../raise";
import * as work from "../vmx/instructions";
import { switchEptPointer } from "../vmx/vm-functions";

/** How the instruction ended, as flags. */
function tell(b: Exec, result: u32): void {
  b.flagsAll(result == work.SUCCEEDED ? 0 : result == work.FAILED_INVALID ? RFLAGS_CF : RFLAGS_ZF);
}

/** The same of an instruction that ends its block. */
function end(b: Exec, op: Op, result: u32): void {
  tell(b, result);
  b.jump(b.nextRip(op));
}

/** What all but VMXON check first. */
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
  if (b.vmx != VMX_OFF) return end(b, op, work.fail(b, V.VM_ERROR_VMXON_IN_ROOT));
  if (!work.mayVmxon(b)) raiseGp(b, op);
  end(b, op, work.vmxon(b, pointerOperand(b, op)));
}

export function vmxoff(b: Exec, op: Op): void {
  begin(b, op);
  end(b, op, work.vmxoff(b));
}

export function vmclear(b: Exec, op: Op): void {
  begin(b, op);
  end(b, op, work.vmclear(b, pointerOperand(b, op)));
}

export function vmptrld(b: Exec, op: Op): void {
  begin(b, op);
  end(b, op, work.vmptrld(b, pointerOperand(b, op)));
}

export function vmptrst(b: Exec, op: Op): void {
  begin(b, op);
  b.write<u64>(op, b.address(op), b.vmcsPointer);
  tell(b, work.SUCCEEDED);
}

export function vmread<T, D>(b: Exec, op: Op): void {
  begin(b, op);
  const result = work.vmread(b, b.register<T>(<usize>op.s));
  if (result == work.SUCCEEDED) b.set<T, D>(op, work.fieldValue);
  tell(b, result);
}

export function vmwrite<T, S>(b: Exec, op: Op): void {
  begin(b, op);
  const v = b.src<T, S>(op);
  tell(b, work.vmwrite(b, b.register<T>(<usize>op.d), v));
}

/** RIP is behind the instruction when the checks begin: where an entry fails, it goes on there, and nothing is left of it where not. */
export function vmlaunch(b: Exec, op: Op): void {
  const blocked = beginEntry(b, op);
  tellFailure(b, work.vmlaunch(b, blocked));
}

export function vmresume(b: Exec, op: Op): void {
  const blocked = beginEntry(b, op);
  tellFailure(b, work.vmresume(b, blocked));
}

/** Whether events are blocked by MOV SS. */
function beginEntry(b: Exec, op: Op): bool {
  begin(b, op);
  const blocked = b.inhibit == SHADOW_SS && b.inhibitAt == retired(b) - <u64>op.left;
  b.jump(b.nextRip(op));
  return blocked;
}

/** Behind a VM entry the flags are the guest's. */
function tellFailure(b: Exec, result: u32): void {
  if (result != work.SUCCEEDED) tell(b, result);
}

export function vmcall(b: Exec, op: Op): void {
  begin(b, op);
  end(b, op, work.fail(b, V.VM_ERROR_VMCALL_IN_ROOT));
}

/** Functions are a guest's; where one cannot be done it has exited. At any privilege level. */
export function vmfunc(b: Exec, op: Op): void {
  if (b.vmx != VMX_NON_ROOT || (b.vmxSecondary & V.SECONDARY_ENABLE_VM_FUNCTIONS) == 0) raiseUd(b, op);
  switchEptPointer(b);
  b.jump(b.nextRip(op));
}

export function invept<T>(b: Exec, op: Op): void {
  begin(b, op);
  const at = b.readableAt(op, b.address(op), 16);
  end(b, op, work.invept(b, b.register<T>(<usize>op.d), load<u64>(at)));
}

export function invvpid<T>(b: Exec, op: Op): void {
  begin(b, op);
  const at = b.readableAt(op, b.address(op), 16);
  end(b, op, work.invvpid(b, b.register<T>(<usize>op.d), load<u64>(at), load<u64>(at, 8)));
}
