/**
 * What the VMX instructions do in VMX root operation, on values: their operands, faults and flags are in semantics/vmx.ts, and TypeScript
 * calls the same functions (index.ts). Each returns how it ended. SDM Vol. 3 "VMX Instruction Reference", "Conventions".
 */
import { CR4_VMXE, VMX_FAILURE_NO_VMCS, VMX_FAILURE_SHADOW_VMCS, VMX_NON_ROOT, VMX_OFF, VMX_ROOT } from "../generated/constants";
import { State } from "../generated/state";
import * as V from "../generated/vmx";
import { flushEpt, flushEpts, flushVpid, flushVpidLocal, flushVpidPage, flushVpids } from "../mmu/tlb-context";
import { isCanonical } from "../mmu/walk";
import { startChecks } from "./check";
import { isEptPointer } from "./check-controls";
import { enter } from "./enter";
import { endTrace } from "./exit-counts";
import { CR0_FIXED0, CR4_FIXED0 } from "./fixed-bits";
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
  SHADOW,
  setField,
  setLaunched,
} from "./vmcs";

/** Results: VMsucceed; VMfailInvalid; anything else is VMfailValid with this error number, which is in the current VMCS. */
export const SUCCEEDED: u32 = 0;
export const FAILED_INVALID: u32 = 0x100;

/** IA32_FEATURE_CONTROL: locked, VMX outside SMX */
const FEATURE_CONTROL_VMX: u64 = 5;
const PAGE: u64 = 12;

/** what `vmread` has read */
export let fieldValue: u64 = 0;

/** VMfail: with an error number only where a VMCS can take it. */
export function fail(s: State, error: u32): u32 {
  if (s.vmcsPointer == NO_POINTER) return FAILED_INVALID;
  setField(s, V.VM_INSTRUCTION_ERROR, <u64>error);
  return error;
}

/** Whether CR0, CR4 and IA32_FEATURE_CONTROL let VMXON be executed; it is #GP(0) otherwise, and #UD without CR4.VMXE. */
export function mayVmxon(s: State): bool {
  const fixed = (CR0_FIXED0 & ~s.cr0) == 0 && (CR4_FIXED0 & ~s.cr4) == 0 && (s.cr4 & CR4_VMXE) != 0;
  return fixed && (s.featureControl & FEATURE_CONTROL_VMX) == FEATURE_CONTROL_VMX;
}

/** Outside VMX operation. */
export function vmxon(s: State, pointer: u64): u32 {
  if (!isAligned(pointer, PAGE) || revisionAt(pointer) != REVISION) return FAILED_INVALID;
  s.vmxonPointer = pointer;
  makeCurrent(s, NO_POINTER);
  s.vmx = VMX_ROOT;
  return SUCCEEDED;
}

/** Nothing of VMX operation is left behind: a VMM that has come and gone leaves the state as it was. */
export function vmxoff(s: State): u32 {
  endTrace(s);
  makeCurrent(s, NO_POINTER);
  s.vmxonPointer = 0;
  s.vmx = VMX_OFF;
  return SUCCEEDED;
}

export function vmclear(s: State, pointer: u64): u32 {
  if (!isAligned(pointer, PAGE)) return fail(s, V.VM_ERROR_VMCLEAR_INVALID_ADDRESS);
  if (pointer == s.vmxonPointer) return fail(s, V.VM_ERROR_VMCLEAR_VMXON_POINTER);
  const region = regionOf(pointer);
  if (region != 0) setLaunched(region, 0);
  if (pointer == s.vmcsPointer) makeCurrent(s, NO_POINTER);
  return SUCCEEDED;
}

export function vmptrld(s: State, pointer: u64): u32 {
  if (!isAligned(pointer, PAGE)) return fail(s, V.VM_ERROR_VMPTRLD_INVALID_ADDRESS);
  if (pointer == s.vmxonPointer) return fail(s, V.VM_ERROR_VMPTRLD_VMXON_POINTER);
  if ((revisionAt(pointer) & ~SHADOW) != REVISION) return fail(s, V.VM_ERROR_VMPTRLD_WRONG_REVISION);
  makeCurrent(s, pointer);
  return SUCCEEDED;
}

/** The region that VMREAD and VMWRITE access: the current VMCS, in a guest the shadow VMCS that it links to; 0: there is none. */
function accessedRegion(s: State): usize {
  if (s.vmcsPointer == NO_POINTER) return 0;
  if (s.vmx != VMX_NON_ROOT) return <usize>s.vmcs;
  const link = field(s, V.VMCS_LINK_POINTER);
  return link == NO_POINTER ? 0 : regionOf(link);
}

/** Reads into `fieldValue`. The upper half of a 64-bit field has an encoding of its own. */
export function vmread(s: State, encoding: u64): u32 {
  const region = accessedRegion(s);
  if (region == 0) return FAILED_INVALID;
  const found = findField(encoding);
  if (found == 0) return fail(s, V.VM_ERROR_UNSUPPORTED_FIELD);
  const v = load<u64>(region + <usize>(found & FIELD_OFFSET)) & fieldMask(found);
  fieldValue = (encoding & 1) != 0 ? v >> 32 : v;
  return SUCCEEDED;
}

/** IA32_VMX_MISC bit 29: any field can be written. */
export function vmwrite(s: State, encoding: u64, v: u64): u32 {
  const region = accessedRegion(s);
  if (region == 0) return FAILED_INVALID;
  const found = findField(encoding);
  if (found == 0) return fail(s, V.VM_ERROR_UNSUPPORTED_FIELD);
  const at = region + <usize>(found & FIELD_OFFSET);
  // RIP moves with every exit
  if ((found & FIELD_OFFSET) != V.GUEST_RIP || (load<u64>(at) ^ v) >> 32 != 0) s.vmxClean = 0;
  if ((encoding & 1) != 0) store<u64>(at, (load<u64>(at) & 0xffffffff) | (v << 32));
  else store<u64>(at, v & fieldMask(found));
  return SUCCEEDED;
}

/** VMLAUNCH. `blocked`: right behind MOV SS or POP SS. RIP is where a failed entry goes on. */
export function vmlaunch(s: State, blocked: bool): u32 {
  return launch(s, blocked, false, V.VM_ERROR_VMLAUNCH_NOT_CLEAR);
}

export function vmresume(s: State, blocked: bool): u32 {
  return launch(s, blocked, true, V.VM_ERROR_VMRESUME_NOT_LAUNCHED);
}

function launch(s: State, blocked: bool, launched: bool, otherwise: u32): u32 {
  startChecks();
  s.vmxFailure = 0;
  if (s.vmcsPointer == NO_POINTER) s.vmxFailure = VMX_FAILURE_NO_VMCS;
  else if ((revisionAt(s.vmcsPointer) & SHADOW) != 0) s.vmxFailure = VMX_FAILURE_SHADOW_VMCS;
  if (s.vmxFailure != 0) return FAILED_INVALID;
  const error: u32 = blocked ? V.VM_ERROR_ENTRY_EVENTS_BLOCKED_BY_MOV_SS : isLaunched(s) != launched ? otherwise : enter(s);
  if (error == 0) return SUCCEEDED;
  s.vmxFailure = error;
  return fail(s, error);
}

const SINGLE_CONTEXT: u64 = 1;
const ALL_CONTEXTS: u64 = 2;

export function invept(s: State, type: u64, eptPointer: u64): u32 {
  if (type != ALL_CONTEXTS && (type != SINGLE_CONTEXT || !isEptPointer(eptPointer)))
    return fail(s, V.VM_ERROR_INVALID_INVEPT_INVVPID_OPERAND);
  if (type == ALL_CONTEXTS) flushEpts();
  else flushEpt(eptPointer);
  return SUCCEEDED;
}

const INDIVIDUAL_ADDRESS: u64 = 0;
const RETAINING_GLOBALS: u64 = 3;

/** `vpid` is the descriptor's first half: bits 63-16 are reserved. */
export function invvpid(s: State, type: u64, vpid: u64, address: u64): u32 {
  const known =
    type <= RETAINING_GLOBALS &&
    vpid >> 16 == 0 &&
    (vpid != 0 || type == ALL_CONTEXTS) &&
    (type != INDIVIDUAL_ADDRESS || isCanonical(address));
  if (!known) return fail(s, V.VM_ERROR_INVALID_INVEPT_INVVPID_OPERAND);
  if (type == INDIVIDUAL_ADDRESS) flushVpidPage(<u32>vpid, address);
  else if (type == ALL_CONTEXTS) flushVpids();
  else if (type == RETAINING_GLOBALS) flushVpidLocal(<u32>vpid);
  else flushVpid(<u32>vpid);
  return SUCCEEDED;
}
