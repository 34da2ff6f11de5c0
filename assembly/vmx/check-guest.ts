/** SDM Vol. 3 "Checking and Loading Guest State": registers, RIP, RFLAGS and non-register state. Segments: check-segments.ts. */
import { isPat } from "../cpu/mtrr";
import {
  CR0_PE,
  CR0_PG,
  CR4_LA57,
  CR4_PAE,
  CR4_PCIDE,
  EFER_LMA,
  EFER_LME,
  RFLAGS_FIXED,
  RFLAGS_IF,
  RFLAGS_TF,
  RFLAGS_VM,
  VECTOR_DB,
  VECTOR_MC,
} from "../generated/constants";
import { State } from "../generated/state";
import * as V from "../generated/vmx";
import { MODEL_CR4 } from "../memory-map";
import { hostOf } from "../mmu/physical";
import { isCanonicalBase, isPdpte } from "../mmu/walk";
import { fieldRule, rule, violated } from "./check";
import { secondaryOf } from "./check-controls";
import { checkSegments, RIGHTS_LONG } from "./check-segments";
import { areSegmentsKnown, keepSegments } from "./checked";
import { EXTERNAL_EVENT, HARDWARE_EXCEPTION_EVENT, INJECTION_VALID, NMI_EVENT, OTHER_EVENT } from "./event-types";
import { CR0_FIXED0, CR4_FIXED0, cr4Fixed1, EFER_KNOWN } from "./fixed-bits";
import { field, isAligned, NO_POINTER, PHYSICAL_MASK, REVISION, revisionAt, SHADOW } from "./vmcs";

const UPPER: u64 = 0xffffffff00000000;
/** IA32_DEBUGCTL: LBR and BTF can be set, and do nothing yet */
const DEBUGCTL_KNOWN: u64 = 3;
const BTF: u64 = 2;
/** bits of RFLAGS that are always 0 */
const RFLAGS_ZEROS: u64 = 0xffffffffffc08028;
const DPL: u32 = 3 << 5;
const PDPTES: u32 = 4;
const PDPT_ADDRESS: u64 = 0xffffffe0;

export const ACTIVE: u32 = 0;
export const HLT: u32 = 1;
export const SHUTDOWN: u32 = 2;
export const WAIT_FOR_SIPI: u32 = 3;
/** interruptibility state */
export const BLOCKED_BY_STI: u32 = 1;
export const BLOCKED_BY_MOV_SS: u32 = 2;
export const BLOCKED_BY_SMI: u32 = 4;
export const BLOCKED_BY_NMI: u32 = 8;
const ENCLAVE_INTERRUPTION: u32 = 16;
/** pending debug exceptions */
export const PENDING_BS: u64 = 1 << 14;
const PENDING_RTM: u64 = 1 << 16;
const PENDING_ZEROS: u64 = 0xfffffffffffeaff0;

export function checkGuest(s: State): void {
  const entry = <u32>field(s, V.VM_ENTRY_CONTROLS);
  const secondary = secondaryOf(s);
  const long = (entry & V.ENTRY_IA32E_MODE_GUEST) != 0;
  const unrestricted = (secondary & V.SECONDARY_UNRESTRICTED_GUEST) != 0;
  checkRegisters(s, entry, long, unrestricted);
  if (!areSegmentsKnown(s, long, unrestricted)) {
    const before = violated;
    checkSegments(s, long, unrestricted);
    if (violated == before) keepSegments(s, long, unrestricted);
  }
  rule(s, V.RULE_GUEST_GDTR_BASE_CANONICAL, isCanonicalBase(field(s, V.GUEST_GDTR_BASE)));
  rule(s, V.RULE_GUEST_IDTR_BASE_CANONICAL, isCanonicalBase(field(s, V.GUEST_IDTR_BASE)));
  rule(s, V.RULE_GUEST_GDTR_LIMIT_FITS, field(s, V.GUEST_GDTR_LIMIT) >> 16 == 0);
  rule(s, V.RULE_GUEST_IDTR_LIMIT_FITS, field(s, V.GUEST_IDTR_LIMIT) >> 16 == 0);
  checkRip(s, long);
  checkActivity(s);
  checkLink(s, secondary);
  checkPdptes(s, long, secondary);
}

function checkRegisters(s: State, entry: u32, long: bool, unrestricted: bool): void {
  const cr0 = field(s, V.GUEST_CR0);
  const cr4 = field(s, V.GUEST_CR4);
  const fixed0 = unrestricted ? CR0_FIXED0 & ~(<u64>(CR0_PE | CR0_PG)) : CR0_FIXED0;
  const paging = (cr0 & CR0_PG) != 0;
  rule(s, V.RULE_GUEST_CR0_FIXED_BITS, (fixed0 & ~cr0) == 0 && (cr0 & UPPER) == 0);
  rule(s, V.RULE_GUEST_PAGING_NEEDS_PROTECTION, !paging || (cr0 & CR0_PE) != 0);
  rule(s, V.RULE_GUEST_CR4_FIXED_BITS, (CR4_FIXED0 & ~cr4) == 0 && (cr4 & ~cr4Fixed1()) == 0);
  const debug = (entry & V.ENTRY_LOAD_DEBUG_CONTROLS) != 0;
  rule(s, V.RULE_GUEST_DEBUGCTL_RESERVED_BITS_CLEAR, !debug || (field(s, V.GUEST_IA32_DEBUGCTL) & ~DEBUGCTL_KNOWN) == 0);
  rule(s, V.RULE_GUEST_PAGING_IN_LONG_MODE, !long || paging);
  rule(s, V.RULE_GUEST_PAE_IN_LONG_MODE, !long || (cr4 & CR4_PAE) != 0);
  rule(s, V.RULE_GUEST_PCIDE_NEEDS_LONG_MODE, long || (cr4 & CR4_PCIDE) == 0);
  rule(s, V.RULE_GUEST_CR3_WITHIN_WIDTH, (field(s, V.GUEST_CR3) & ~PHYSICAL_MASK) == 0);
  rule(s, V.RULE_GUEST_DR7_UPPER_HALF_CLEAR, !debug || (field(s, V.GUEST_DR7) & UPPER) == 0);
  rule(s, V.RULE_GUEST_SYSENTER_ESP_CANONICAL, isCanonicalBase(field(s, V.GUEST_IA32_SYSENTER_ESP)));
  rule(s, V.RULE_GUEST_SYSENTER_EIP_CANONICAL, isCanonicalBase(field(s, V.GUEST_IA32_SYSENTER_EIP)));
  rule(s, V.RULE_GUEST_PAT_VALID, (entry & V.ENTRY_LOAD_GUEST_IA32_PAT) == 0 || isPat(field(s, V.GUEST_IA32_PAT)));
  const loads = (entry & V.ENTRY_LOAD_GUEST_IA32_EFER) != 0;
  const efer = field(s, V.GUEST_IA32_EFER);
  rule(s, V.RULE_GUEST_EFER_RESERVED_BITS_CLEAR, !loads || (efer & ~EFER_KNOWN) == 0);
  rule(s, V.RULE_GUEST_LMA_MATCHES_CONTROL, !loads || ((efer & EFER_LMA) != 0) == long);
  rule(s, V.RULE_GUEST_LME_MATCHES_LMA, !loads || !paging || ((efer & EFER_LMA) != 0) == ((efer & EFER_LME) != 0));
}

function checkRip(s: State, long: bool): void {
  const rip = field(s, V.GUEST_RIP);
  const wide = long && (<u32>field(s, V.GUEST_CS_ACCESS_RIGHTS) & RIGHTS_LONG) != 0;
  rule(s, V.RULE_GUEST_RIP_BELOW4_G, wide || (rip & UPPER) == 0);
  // one bit fewer than canonical addresses have: RIP may be the one behind the last instruction of the lower half
  rule(s, V.RULE_GUEST_RIP_UPPER_BITS_IDENTICAL, !wide || areUpperBitsIdentical(rip));
  const flags = field(s, V.GUEST_RFLAGS);
  rule(s, V.RULE_GUEST_RFLAGS_RESERVED_BITS, (flags & RFLAGS_ZEROS) == 0 && (flags & RFLAGS_FIXED) != 0);
  const virtual = (flags & RFLAGS_VM) != 0;
  rule(s, V.RULE_GUEST_RFLAGS_VM_OUTSIDE_LONG_MODE, !virtual || !long);
  rule(s, V.RULE_GUEST_RFLAGS_VM_NEEDS_PROTECTION, !virtual || (field(s, V.GUEST_CR0) & CR0_PE) != 0);
  rule(s, V.RULE_GUEST_RFLAGS_IF_FOR_INTERRUPT, !injects(s, EXTERNAL_EVENT) || (flags & RFLAGS_IF) != 0);
}

/** Bits 63-N, of the processor's N bits of linear addresses. */
function areUpperBitsIdentical(rip: u64): bool {
  const unused: i64 = (load<u64>(MODEL_CR4) & CR4_LA57) != 0 ? 6 : 15;
  return <u64>(((<i64>rip) << unused) >> unused) == rip;
}

/** An event of the type is injected. */
function injects(s: State, type: u32): bool {
  const event = <u32>field(s, V.VM_ENTRY_INTERRUPTION_INFORMATION);
  return (event & INJECTION_VALID) != 0 && ((event >> 8) & 7) == type;
}

function checkActivity(s: State): void {
  const activity = <u32>field(s, V.GUEST_ACTIVITY_STATE);
  const state = <u32>field(s, V.GUEST_INTERRUPTIBILITY_STATE);
  const flags = field(s, V.GUEST_RFLAGS);
  const sti = (state & BLOCKED_BY_STI) != 0;
  const movSs = (state & BLOCKED_BY_MOV_SS) != 0;
  rule(s, V.RULE_GUEST_ACTIVITY_SUPPORTED, activity <= WAIT_FOR_SIPI);
  rule(s, V.RULE_GUEST_HLT_NEEDS_RING0, activity != HLT || (<u32>field(s, V.GUEST_SS_ACCESS_RIGHTS) & DPL) == 0);
  rule(s, V.RULE_GUEST_ACTIVE_WHILE_BLOCKED, activity == ACTIVE || (!sti && !movSs));
  rule(s, V.RULE_GUEST_ACTIVITY_FITS_INJECTION, fitsActivity(s, activity));
  rule(s, V.RULE_GUEST_INTERRUPTIBILITY_RESERVED_BITS, (state & ~31) == 0);
  rule(s, V.RULE_GUEST_NOT_BLOCKED_TWICE, !sti || !movSs);
  rule(s, V.RULE_GUEST_STI_BLOCKING_NEEDS_IF, !sti || (flags & RFLAGS_IF) != 0);
  rule(s, V.RULE_GUEST_NOT_BLOCKED_FOR_INTERRUPT, !injects(s, EXTERNAL_EVENT) || (!sti && !movSs));
  rule(s, V.RULE_GUEST_NOT_BLOCKED_FOR_NMI, !injects(s, NMI_EVENT) || !movSs);
  rule(s, V.RULE_GUEST_NOT_IN_SMM, (state & BLOCKED_BY_SMI) == 0);
  const virtualNmis = (<u32>field(s, V.PIN_BASED_VM_EXECUTION_CONTROLS) & V.PIN_VIRTUAL_NMIS) != 0;
  rule(s, V.RULE_GUEST_VIRTUAL_NMI_NOT_BLOCKED, !virtualNmis || !injects(s, NMI_EVENT) || (state & BLOCKED_BY_NMI) == 0);
  rule(s, V.RULE_GUEST_ENCLAVE_INTERRUPTION_SUPPORTED, (state & ENCLAVE_INTERRUPTION) == 0);
  const pending = field(s, V.GUEST_PENDING_DEBUG_EXCEPTIONS);
  rule(s, V.RULE_GUEST_PENDING_DEBUG_RESERVED_BITS, (pending & PENDING_ZEROS) == 0);
  const steps = (flags & RFLAGS_TF) != 0 && (field(s, V.GUEST_IA32_DEBUGCTL) & BTF) == 0;
  const stepped = (pending & PENDING_BS) != 0;
  const held = sti || movSs || activity == HLT;
  rule(s, V.RULE_GUEST_PENDING_SINGLE_STEP_SET, !held || !steps || stepped);
  rule(s, V.RULE_GUEST_PENDING_SINGLE_STEP_CLEAR, !held || steps || !stepped);
  rule(s, V.RULE_GUEST_PENDING_RTM_SUPPORTED, (pending & PENDING_RTM) == 0);
}

/** SDM Vol. 3 "Checks on Guest Non-Register State": what may be injected into a guest that does not run. */
function fitsActivity(s: State, activity: u32): bool {
  const event = <u32>field(s, V.VM_ENTRY_INTERRUPTION_INFORMATION);
  if (activity == ACTIVE || (event & INJECTION_VALID) == 0) return true;
  const type = (event >> 8) & 7;
  const vector = event & 0xff;
  const check = type == HARDWARE_EXCEPTION_EVENT && vector == VECTOR_MC;
  if (activity == SHUTDOWN) return type == NMI_EVENT || check;
  if (activity == WAIT_FOR_SIPI) return false;
  return (
    type == EXTERNAL_EVENT || type == NMI_EVENT || type == OTHER_EVENT || check || (type == HARDWARE_EXCEPTION_EVENT && vector == VECTOR_DB)
  );
}

function checkLink(s: State, secondary: u32): void {
  const link = field(s, V.VMCS_LINK_POINTER);
  if (link == NO_POINTER) return;
  const valid = isAligned(link, 12);
  rule(s, V.RULE_GUEST_LINK_POINTER_VALID, valid);
  if (!valid) return;
  const shadow = (secondary & V.SECONDARY_VMCS_SHADOWING) != 0 ? SHADOW : 0;
  rule(s, V.RULE_GUEST_LINK_REVISION_FITS, revisionAt(link) == (REVISION | shadow));
  rule(s, V.RULE_GUEST_LINK_NOT_CURRENT, link != s.vmcsPointer);
}

/** SDM Vol. 3 "Checks on Guest Page-Directory-Pointer-Table Entries": of a guest with PAE paging, those that it will use. */
function checkPdptes(s: State, long: bool, secondary: u32): void {
  if (long || (field(s, V.GUEST_CR0) & CR0_PG) == 0 || (field(s, V.GUEST_CR4) & CR4_PAE) == 0) return;
  if ((secondary & V.SECONDARY_ENABLE_EPT) != 0) {
    for (let n: u32 = 0; n < PDPTES; n++) {
      const at = V.GUEST_PDPTE0 + (n << 3);
      fieldRule(s, V.RULE_GUEST_PDPTE_FIELDS_RESERVED_BITS, at, isPdpte(field(s, at)));
    }
    return;
  }
  const table = field(s, V.GUEST_CR3) & PDPT_ADDRESS;
  let right = true;
  for (let n: u64 = 0; n < PDPTES; n++) {
    const at = hostOf(table + (n << 3));
    if (at != 0 && !isPdpte(load<u64>(at))) right = false;
  }
  rule(s, V.RULE_GUEST_PDPTES_RESERVED_BITS, right);
}
