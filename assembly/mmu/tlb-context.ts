/**
 * Which translations the TLB holds at a time, and which of them an operation invalidates. SDM Vol. 3 "VMX Support for Address Translation",
 * "Information That May Be Cached", "Operations that Invalidate Cached Mappings".
 *
 * A context is what is known under one VPID and one EPT pointer: 0 and 0 outside of guests. An entry to a guest changes from one context to
 * another, so nothing is flushed unless the guest shares the VPID 0. What entries of a TLB mean depends on control registers too; a context
 * remembers those it was left with, and loses its translations if it is taken up with others. That, and that a context keeps one PCID only,
 * is more than the manual asks for.
 */
import { anyBreakpoint } from "../breakpoints";
import { count } from "../counters";
import {
  COUNTER_PAGE_FLUSHES,
  COUNTER_TLB_FLUSHES,
  CR0_PG,
  CR0_WP,
  CR4_LA57,
  CR4_PAE,
  CR4_PCIDE,
  CR4_PGE,
  CR4_PKE,
  CR4_PSE,
  CR4_SMAP,
  CR4_SMEP,
  EFER_LMA,
  EFER_NXE,
  VMX_NON_ROOT,
} from "../generated/constants";
import { State } from "../generated/state";
import { SECONDARY_ENABLE_VPID, SECONDARY_MODE_BASED_EXECUTE_CONTROL_FOR_EPT, VIRTUAL_PROCESSOR_IDENTIFIER } from "../generated/vmx";
import { TLB_CONTEXT, TLB_HEADER, TLBS, TLBS_END } from "../memory-map";
import { context, flushContext, flushContextLocal, flushContextPage, isChecking, setContext } from "./tlb";

const CR0_BITS: u64 = CR0_PG | CR0_WP;
const CR4_BITS: u64 = CR4_PSE | CR4_PAE | CR4_PGE | CR4_PCIDE | CR4_SMEP | CR4_SMAP | CR4_PKE | CR4_LA57;
const EFER_BITS: u64 = EFER_LMA | EFER_NXE;
const PCID: u64 = 0xfff;
/** the EPT PML4 table's address in an EPT pointer: the tag that INVEPT means */
const EP4TA: u64 = ((<u64>1) << 52) - 0x1000;

// in a context's header, behind the lengths of its lists
const VPID: usize = TLB_HEADER + 8;
const EPT: usize = TLB_HEADER + 16;
const LAST_USE: usize = TLB_HEADER + 24;
/** what its translations depend on: CR3, and the rest that is compared as a whole */
const LEFT_CR3: usize = TLB_HEADER + 32;
const LEFT_CR0: usize = TLB_HEADER + 40;
const LEFT_CR4: usize = TLB_HEADER + 48;
const LEFT_EFER: usize = TLB_HEADER + 56;
const LEFT_PKRU: usize = TLB_HEADER + 64;
const LEFT_APIC: usize = TLB_HEADER + 72;

let uses: u64 = 0;

// ---- from one context to another

/** Before the processor's state becomes that of a guest or a host. */
export function leaveContext(s: State): void {
  store<u64>(context, s.cr3, LEFT_CR3);
  store<u64>(context, s.cr0 & CR0_BITS, LEFT_CR0);
  store<u64>(context, s.cr4 & CR4_BITS, LEFT_CR4);
  store<u64>(context, efer(s), LEFT_EFER);
  store<u64>(context, pkru(s), LEFT_PKRU);
  store<u64>(context, s.apicAccess, LEFT_APIC);
}

/** When it has become so: the context of its VPID and EPT pointer. */
export function takeContext(s: State): void {
  const c = find(vpidOf(s), s.eptPointer);
  store<u64>(c, ++uses, LAST_USE);
  if (!fits(s, c)) flushContext(c);
  else if (load<u64>(c, LEFT_CR3) != s.cr3 && !mayKeep(s, load<u64>(c, LEFT_CR3))) flushContextLocal(c);
  setContext(s, c);
}

/** While translations are checked, what a processor may keep under another CR3: it is software that has to invalidate. */
function mayKeep(s: State, cr3: u64): bool {
  return isChecking(s) && ((s.cr4 & CR4_PCIDE) == 0 || ((s.cr3 ^ cr3) & PCID) == 0);
}

/** At a VM entry or exit without VPID, the mappings of VPID 0 go. */
export function flushUntagged(s: State): void {
  if (vpidOf(s) == 0) flushVpid(0);
}

/** Nothing is known, and the processor is no guest. */
export function resetContexts(s: State): void {
  flushAll();
  setContext(s, TLBS);
}

export function vpidOf(s: State): u32 {
  const tagged = s.vmx == VMX_NON_ROOT && (s.vmxSecondary & SECONDARY_ENABLE_VPID) != 0;
  return tagged ? load<u16>(<usize>s.vmcs + VIRTUAL_PROCESSOR_IDENTIFIER) : 0;
}

function fits(s: State, c: usize): bool {
  return (
    load<u64>(c, LEFT_CR0) == (s.cr0 & CR0_BITS) &&
    load<u64>(c, LEFT_CR4) == (s.cr4 & CR4_BITS) &&
    load<u64>(c, LEFT_EFER) == efer(s) &&
    load<u64>(c, LEFT_PKRU) == pkru(s) &&
    load<u64>(c, LEFT_APIC) == s.apicAccess &&
    // pages with breakpoints are left out
    !anyBreakpoint(s)
  );
}

/** With whether the right to execute depends on the mode, in a bit that EFER does not have. */
function efer(s: State): u64 {
  const modes: u64 = s.eptPointer != 0 && (s.vmxSecondary & SECONDARY_MODE_BASED_EXECUTE_CONTROL_FOR_EPT) != 0 ? 1 << 63 : 0;
  return (s.efer & EFER_BITS) | modes;
}

function pkru(s: State): u64 {
  return (s.cr4 & CR4_PKE) != 0 ? <u64>s.pkru : 0;
}

/** The context of a tag, or the one that was used longest ago, emptied for it. */
function find(vpid: u32, ept: u64): usize {
  let oldest = TLBS + TLB_CONTEXT;
  for (let c = TLBS; c < TLBS_END; c += TLB_CONTEXT) {
    if (load<u32>(c, VPID) == vpid && load<u64>(c, EPT) == ept) return c;
    // the first one is always there for VPID 0 without EPT
    if (c != TLBS && load<u64>(c, LAST_USE) < load<u64>(oldest, LAST_USE)) oldest = c;
  }
  flushContext(oldest);
  store<u32>(oldest, vpid, VPID);
  store<u64>(oldest, ept, EPT);
  return oldest;
}

// ---- invalidation under the current VPID, whatever the EPT pointer

/** Everything, with global pages. */
export function flushTlb(): void {
  flushVpid(load<u32>(context, VPID));
}

/** Everything but global pages: what belongs to the current PCID. */
export function flushLocal(): void {
  flushVpidLocal(load<u32>(context, VPID));
}

/** The page that `va` lies in, whatever its size, global or not. */
export function flushPage(va: u64): void {
  flushVpidPage(load<u32>(context, VPID), va);
}

// ---- invalidation by tags

/** Everything under every tag. */
export function flushAll(): void {
  count(COUNTER_TLB_FLUSHES);
  for (let c = TLBS; c < TLBS_END; c += TLB_CONTEXT) flushContext(c);
}

export function flushVpid(vpid: u32): void {
  count(COUNTER_TLB_FLUSHES);
  for (let c = TLBS; c < TLBS_END; c += TLB_CONTEXT) if (load<u32>(c, VPID) == vpid) flushContext(c);
}

export function flushVpidLocal(vpid: u32): void {
  count(COUNTER_TLB_FLUSHES);
  for (let c = TLBS; c < TLBS_END; c += TLB_CONTEXT) if (load<u32>(c, VPID) == vpid) flushContextLocal(c);
}

export function flushVpidPage(vpid: u32, va: u64): void {
  count(COUNTER_PAGE_FLUSHES);
  for (let c = TLBS; c < TLBS_END; c += TLB_CONTEXT) if (load<u32>(c, VPID) == vpid) flushContextPage(c, va);
}

/** Every VPID but 0. */
export function flushVpids(): void {
  count(COUNTER_TLB_FLUSHES);
  for (let c = TLBS; c < TLBS_END; c += TLB_CONTEXT) if (load<u32>(c, VPID) != 0) flushContext(c);
}

/** What was translated by the EPT tables of an EPT pointer. */
export function flushEpt(pointer: u64): void {
  count(COUNTER_TLB_FLUSHES);
  for (let c = TLBS; c < TLBS_END; c += TLB_CONTEXT) {
    const ept = load<u64>(c, EPT);
    if (ept != 0 && ((ept ^ pointer) & EP4TA) == 0) flushContext(c);
  }
}

/** What was translated by any EPT tables. */
export function flushEpts(): void {
  count(COUNTER_TLB_FLUSHES);
  for (let c = TLBS; c < TLBS_END; c += TLB_CONTEXT) if (load<u64>(c, EPT) != 0) flushContext(c);
}
