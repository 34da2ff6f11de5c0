/** VM exits: what they record, the guest's state, the host's state. SDM Vol. 3 "VM Exits". */
import { endSlice } from "../clock";
import { usesPdptes } from "../cpu/control-registers";
import { isResuming } from "../cpu/interrupt-event";
import { deriveMode, jumpTo, loadFlags } from "../cpu/modes";
import { CS, LDTR, rightsOf, segmentBase, segmentLimit, selectorOf, setSegment, TR } from "../cpu/segments";
import { Op } from "../decode/op";
import { rflags } from "../flags";
import {
  CR4_PAE,
  CR4_PCIDE,
  DELIVERING_ERROR_CODE,
  DELIVERING_VALID,
  EFER_LMA,
  EFER_LME,
  PENDING_VMX,
  RFLAGS_FIXED,
  RFLAGS_RF,
  STOP_SHUTDOWN,
  VECTOR_DB,
  VMX_ROOT,
  VMX_TRAP_NONE,
} from "../generated/constants";
import { State } from "../generated/state";
import * as V from "../generated/vmx";
import { NO_APIC_ACCESS } from "../mmu/apic-access";
import { flushUntagged, leaveContext, takeContext } from "../mmu/tlb-context";
import { loadPdptes } from "../mmu/walk";
import { baseField, limitField, rightsField, selectorField } from "./check-segments";
import { HARDWARE_EXCEPTION_EVENT, INJECTION_ERROR_CODE, INJECTION_VALID, SOFTWARE_EVENT } from "./event-types";
import { countExit } from "./exit-counts";
import { CR0_KEPT } from "./fixed-bits";
import { arrive } from "./gate";
import { loadMsrs, storeMsrs } from "./msr-areas";
import { NEVER, saveNonRegister } from "./non-register";
import { field, setAbort, setField } from "./vmcs";

const SEGMENTS: u32 = 8;
const UNUSABLE: u32 = 1 << 16;
const RIGHTS_P: u32 = 1 << 7;
const FAILED_ENTRY: u64 = 1 << 31;
const HOST_CODE: u32 = 0x809b;
const HOST_DATA: u32 = 0xc093;
const HOST_TSS: u32 = 0x8b;
const RIGHTS_L: u32 = 1 << 13;
const RIGHTS_DB: u32 = 1 << 14;
const ABORT_SAVING_MSRS: u32 = 1;
const ABORT_HOST_PDPTES: u32 = 2;
const ABORT_LOADING_MSRS: u32 = 4;

/** An instruction exits: RIP is on it, its length is told. The caller's record goes on at the host's RIP. */
export function exitInstruction(s: State, op: Op, reason: u32, qualification: u64): void {
  setField(s, V.VM_EXIT_INSTRUCTION_LENGTH, <u64>op.len);
  s.rip = s.blockRip + <u64>op.off;
  s.budget += <i64>op.left;
  // RFLAGS.RF is saved as 0
  s.resumeAt = 0;
  exit(s, reason, qualification);
}

/** A VM exit with the guest at an instruction boundary, or on the instruction that causes it. */
export function exit(s: State, reason: u32, qualification: u64): void {
  countExit(s, reason, qualification, s.rip);
  setField(s, V.EXIT_REASON, <u64>reason);
  setField(s, V.EXIT_QUALIFICATION, qualification);
  noteDelivery(s);
  if (reason != V.EXIT_REASON_EXCEPTION_OR_NMI && reason != V.EXIT_REASON_EXTERNAL_INTERRUPT)
    setField(s, V.VM_EXIT_INTERRUPTION_INFORMATION, 0);
  saveGuest(s);
  saveNonRegister(s, reason);
  if (resumes(s, reason)) setField(s, V.GUEST_RFLAGS, field(s, V.GUEST_RFLAGS) | RFLAGS_RF);
  if ((s.vmxPin & V.PIN_VIRTUAL_NMIS) != 0) s.nmiBlocked = 0;
  // the list of MSRs takes the TSC as the host has it
  s.vmxTscOffset = 0;
  s.vmxTscMultiplier = 0;
  if (!storeMsrs(s, field(s, V.VM_EXIT_MSR_STORE_ADDRESS), <u32>field(s, V.VM_EXIT_MSR_STORE_COUNT))) return abort(s, ABORT_SAVING_MSRS);
  loadHost(s);
}

/** An entry that fails after its controls and the host's state were found right. */
export function failedEntry(s: State, reason: u32, qualification: u64): void {
  countExit(s, reason, qualification, field(s, V.GUEST_RIP));
  s.vmxFailure = reason | <u32>FAILED_ENTRY;
  setField(s, V.EXIT_REASON, <u64>reason | FAILED_ENTRY);
  setField(s, V.EXIT_QUALIFICATION, qualification);
  loadHost(s);
}

/** What was being delivered when the exit came about. SDM Vol. 3 "Information for VM Exits That Occur During Event Delivery". */
function noteDelivery(s: State): void {
  const event = s.delivering != 0 ? s.delivering : s.vectoring;
  setField(s, V.IDT_VECTORING_INFORMATION, (event & DELIVERING_VALID) != 0 ? <u64>event : 0);
  if ((event & DELIVERING_ERROR_CODE) != 0) setField(s, V.IDT_VECTORING_ERROR_CODE, <u64>s.deliveringCode);
  if ((event & DELIVERING_VALID) != 0 && ((event >> 8) & 7) >= SOFTWARE_EVENT)
    setField(s, V.VM_EXIT_INSTRUCTION_LENGTH, <u64>s.deliveringLength);
  s.delivering = 0;
  s.vectoring = 0;
}

/** SDM Vol. 3 "Saving Guest State". */
function saveGuest(s: State): void {
  const controls = <u32>field(s, V.VM_EXIT_CONTROLS);
  setField(s, V.GUEST_CR0, s.cr0);
  setField(s, V.GUEST_CR3, s.cr3);
  setField(s, V.GUEST_CR4, s.cr4);
  setField(s, V.GUEST_IA32_SYSENTER_CS, s.sysenterCs);
  setField(s, V.GUEST_IA32_SYSENTER_ESP, s.sysenterEsp);
  setField(s, V.GUEST_IA32_SYSENTER_EIP, s.sysenterEip);
  if ((controls & V.EXIT_SAVE_DEBUG_CONTROLS) != 0) {
    setField(s, V.GUEST_DR7, s.dr7);
    setField(s, V.GUEST_IA32_DEBUGCTL, s.debugctl);
  }
  if ((controls & V.EXIT_SAVE_IA32_PAT) != 0) setField(s, V.GUEST_IA32_PAT, s.pat);
  if ((controls & V.EXIT_SAVE_IA32_EFER) != 0) setField(s, V.GUEST_IA32_EFER, s.efer);
  for (let n: u32 = 0; n < SEGMENTS; n++) saveSegment(s, n);
  setField(s, V.GUEST_GDTR_BASE, s.gdtrBase);
  setField(s, V.GUEST_GDTR_LIMIT, <u64>s.gdtrLimit);
  setField(s, V.GUEST_IDTR_BASE, s.idtrBase);
  setField(s, V.GUEST_IDTR_LIMIT, <u64>s.idtrLimit);
  if (s.eptPointer != 0 && usesPdptes(s.cr0, s.cr4, (s.efer & EFER_LMA) != 0)) savePageDirectories(s);
  setField(s, V.GUEST_RIP, s.rip);
  setField(s, V.GUEST_RSP, s.rsp);
  setField(s, V.GUEST_RFLAGS, <u64>rflags(s));
  // the control that tells whether the guest is in IA-32e mode follows it
  const entry = <u32>field(s, V.VM_ENTRY_CONTROLS) & ~V.ENTRY_IA32E_MODE_GUEST;
  setField(s, V.VM_ENTRY_CONTROLS, <u64>(entry | ((s.efer & EFER_LMA) != 0 ? V.ENTRY_IA32E_MODE_GUEST : 0)));
}

/**
 * RFLAGS.RF as saved. Of an event it is what the handler's frame would have; of an access that could not be made, as for a fault; else as it
 * was. SDM Vol. 3 "Saving RIP, RSP, RFLAGS, and SSP"
 */
function resumes(s: State, reason: u32): bool {
  if (isResuming(s)) return true;
  const access =
    reason == V.EXIT_REASON_EPT_VIOLATION || reason == V.EXIT_REASON_EPT_MISCONFIGURATION || reason == V.EXIT_REASON_APIC_ACCESS;
  const event = <u32>field(s, access ? V.IDT_VECTORING_INFORMATION : V.VM_EXIT_INTERRUPTION_INFORMATION);
  if (access && (event & INJECTION_VALID) == 0) return true;
  if (!access && reason != V.EXIT_REASON_EXCEPTION_OR_NMI) return false;
  return ((event >> 8) & 7) == HARDWARE_EXCEPTION_EVENT && (event & 0xff) != VECTOR_DB;
}

function saveSegment(s: State, n: u32): void {
  const rights = rightsOf(s, n);
  setField(s, selectorField(n), <u64>selectorOf(s, n));
  setField(s, baseField(n), segmentBase(s, n));
  setField(s, limitField(n), <u64>segmentLimit(s, n));
  setField(s, rightsField(n), <u64>((rights & RIGHTS_P) != 0 ? rights : rights | UNUSABLE));
}

function savePageDirectories(s: State): void {
  setField(s, V.GUEST_PDPTE0, s.pdpte0);
  setField(s, V.GUEST_PDPTE1, s.pdpte1);
  setField(s, V.GUEST_PDPTE2, s.pdpte2);
  setField(s, V.GUEST_PDPTE3, s.pdpte3);
}

/** SDM Vol. 3 "Loading Host State". */
function loadHost(s: State): void {
  const controls = <u32>field(s, V.VM_EXIT_CONTROLS);
  const wide = (controls & V.EXIT_HOST_ADDRESS_SPACE_SIZE) != 0;
  flushUntagged(s);
  leaveContext(s);
  s.vmx = VMX_ROOT;
  s.pending &= ~PENDING_VMX;
  s.vmxTimerAt = NEVER;
  s.vmxTrap = VMX_TRAP_NONE;
  s.vmxPendingDebug = 0;
  s.pendingDb = 0;
  s.monitoring = 0;
  s.vmxTscOffset = 0;
  s.eptPointer = 0;
  s.virtualApic = 0;
  s.apicAccess = NO_APIC_ACCESS;
  s.vmxApicWrite = 0;
  s.vmxVirtualInterrupt = 0;
  s.vmxTscMultiplier = 0;
  s.halted = 0;
  s.inhibit = 0;
  s.cr0 = (field(s, V.HOST_CR0) & ~CR0_KEPT) | (s.cr0 & CR0_KEPT);
  s.cr3 = field(s, V.HOST_CR3);
  s.cr4 = wide ? field(s, V.HOST_CR4) | CR4_PAE : field(s, V.HOST_CR4) & ~(<u64>CR4_PCIDE);
  s.dr7 = 0x400;
  s.debugctl = 0;
  s.sysenterCs = field(s, V.HOST_IA32_SYSENTER_CS);
  s.sysenterEsp = field(s, V.HOST_IA32_SYSENTER_ESP);
  s.sysenterEip = field(s, V.HOST_IA32_SYSENTER_EIP);
  const long: u64 = wide ? EFER_LMA | EFER_LME : 0;
  if ((controls & V.EXIT_LOAD_HOST_IA32_EFER) != 0) s.efer = field(s, V.HOST_IA32_EFER);
  else s.efer = (s.efer & ~(<u64>(EFER_LMA | EFER_LME))) | long;
  if ((controls & V.EXIT_LOAD_HOST_IA32_PAT) != 0) s.pat = field(s, V.HOST_IA32_PAT);
  setSegment(s, CS, <u32>field(s, V.HOST_CS_SELECTOR), 0, 0xffffffff, HOST_CODE | (wide ? RIGHTS_L : RIGHTS_DB));
  for (let n: u32 = 0; n < LDTR; n++) {
    if (n == CS) continue;
    // the selectors of the host stand in the same order as those of the guest
    const selector = <u32>field(s, V.HOST_ES_SELECTOR + (n << 3));
    const base: u64 = n == 4 ? field(s, V.HOST_FS_BASE) : n == 5 ? field(s, V.HOST_GS_BASE) : 0;
    setSegment(s, n, selector, base, 0xffffffff, selector == 0 ? HOST_DATA & ~RIGHTS_P : HOST_DATA);
  }
  setSegment(s, TR, <u32>field(s, V.HOST_TR_SELECTOR), field(s, V.HOST_TR_BASE), 0x67, HOST_TSS);
  setSegment(s, LDTR, 0, 0, 0, 0);
  s.gdtrBase = field(s, V.HOST_GDTR_BASE);
  s.gdtrLimit = 0xffff;
  s.idtrBase = field(s, V.HOST_IDTR_BASE);
  s.idtrLimit = 0xffff;
  s.cpl = 0;
  s.rsp = field(s, V.HOST_RSP);
  loadFlags(s, RFLAGS_FIXED, 0xffffffff);
  takeContext(s);
  deriveMode(s);
  jumpTo(s, field(s, V.HOST_RIP));
  if (usesPdptes(s.cr0, s.cr4, wide) && !loadPdptes(s, s.cr3)) return abort(s, ABORT_HOST_PDPTES);
  if (loadMsrs(s, field(s, V.VM_EXIT_MSR_LOAD_ADDRESS), <u32>field(s, V.VM_EXIT_MSR_LOAD_COUNT)) != 0) return abort(s, ABORT_LOADING_MSRS);
  arrive(s);
}

/** SDM Vol. 3 "VMX Aborts": the processor stops. */
function abort(s: State, indicator: u32): void {
  setAbort(s, indicator);
  s.stop = STOP_SHUTDOWN;
  endSlice(s);
}

/** Interruption information of an event, with its error code if it has one. */
export function noteEvent(s: State, information: u32, errorCode: u32): void {
  setField(s, V.VM_EXIT_INTERRUPTION_INFORMATION, <u64>information);
  if ((information & INJECTION_ERROR_CODE) != 0) setField(s, V.VM_EXIT_INTERRUPTION_ERROR_CODE, <u64>errorCode);
}
