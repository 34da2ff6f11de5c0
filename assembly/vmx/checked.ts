/**
 * Most entries find controls, host state and segments as they were at the entry before. What was found right is kept, field by field, with
 * all that the rules about it depend on besides; while nothing of it differs the rules need not be gone through again. They depend on
 * values alone, so it does not matter which VMCS these come from. Fields stand in a region in the order of their encodings.
 */
import { CR0_PE, EFER_LMA, RFLAGS_VM } from "../generated/constants";
import { State } from "../generated/state";
import * as V from "../generated/vmx";
import { CHECKED } from "../memory-map";
import { INJECTION_VALID } from "./event-types";
import { field } from "./vmcs";

/** keys: 0 while nothing is known */
let hostKey: u32 = 0;
let segmentsKey: u32 = 0;

const KNOWN: u32 = 1;

/** What the rules of the controls and of the host's state look at outside of their fields: IA-32e mode of the host. */
function keyOfHost(s: State): u32 {
  return KNOWN | ((s.efer & EFER_LMA) != 0 ? 2 : 0);
}

export function isHostKnown(s: State): bool {
  return (
    hostKey == keyOfHost(s) &&
    isSame(s, V.VIRTUAL_PROCESSOR_IDENTIFIER, V.GUEST_ES_SELECTOR) &&
    isSame(s, V.HOST_ES_SELECTOR, V.GUEST_PHYSICAL_ADDRESS) &&
    isSame(s, V.HOST_IA32_PAT, V.VM_INSTRUCTION_ERROR) &&
    isSame(s, V.HOST_IA32_SYSENTER_CS, V.CR0_GUEST_HOST_MASK) &&
    isSame(s, V.HOST_CR0, V.HOST_RIP + 8)
  );
}

/** Rules about an injected event look at CR0, those about a TPR shadow at the virtual-APIC page: these are gone through every time. */
export function keepHost(s: State): void {
  const event = <u32>field(s, V.VM_ENTRY_INTERRUPTION_INFORMATION);
  const primary = <u32>field(s, V.PRIMARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS);
  if ((event & INJECTION_VALID) != 0 || (primary & V.PRIMARY_USE_TPR_SHADOW) != 0) return;
  keep(s, V.VIRTUAL_PROCESSOR_IDENTIFIER, V.GUEST_ES_SELECTOR);
  keep(s, V.HOST_ES_SELECTOR, V.GUEST_PHYSICAL_ADDRESS);
  keep(s, V.HOST_IA32_PAT, V.VM_INSTRUCTION_ERROR);
  keep(s, V.HOST_IA32_SYSENTER_CS, V.CR0_GUEST_HOST_MASK);
  keep(s, V.HOST_CR0, V.HOST_RIP + 8);
  hostKey = keyOfHost(s);
}

function keyOfSegments(s: State, long: bool, unrestricted: bool): u32 {
  const virtual = (field(s, V.GUEST_RFLAGS) & RFLAGS_VM) != 0;
  const real = (field(s, V.GUEST_CR0) & CR0_PE) == 0;
  return KNOWN | ((<u32>virtual) << 1) | ((<u32>real) << 2) | ((<u32>long) << 3) | ((<u32>unrestricted) << 4);
}

export function areSegmentsKnown(s: State, long: bool, unrestricted: bool): bool {
  return (
    segmentsKey == keyOfSegments(s, long, unrestricted) &&
    isSame(s, V.GUEST_ES_SELECTOR, V.GUEST_INTERRUPT_STATUS) &&
    isSame(s, V.GUEST_ES_LIMIT, V.GUEST_GDTR_LIMIT) &&
    isSame(s, V.GUEST_ES_ACCESS_RIGHTS, V.GUEST_INTERRUPTIBILITY_STATE) &&
    isSame(s, V.GUEST_ES_BASE, V.GUEST_GDTR_BASE)
  );
}

export function keepSegments(s: State, long: bool, unrestricted: bool): void {
  keep(s, V.GUEST_ES_SELECTOR, V.GUEST_INTERRUPT_STATUS);
  keep(s, V.GUEST_ES_LIMIT, V.GUEST_GDTR_LIMIT);
  keep(s, V.GUEST_ES_ACCESS_RIGHTS, V.GUEST_INTERRUPTIBILITY_STATE);
  keep(s, V.GUEST_ES_BASE, V.GUEST_GDTR_BASE);
  segmentsKey = keyOfSegments(s, long, unrestricted);
}

/** The fields from one offset up to another are those that are kept. */
function isSame(s: State, from: u32, to: u32): bool {
  const region = <usize>s.vmcs;
  let at = <usize>from;
  if (((to - from) & 8) != 0) {
    if (load<u64>(region + at) != load<u64>(CHECKED + at)) return false;
    at += 8;
  }
  for (; at < <usize>to; at += 16) if (v128.any_true(v128.xor(v128.load(region + at), v128.load(CHECKED + at)))) return false;
  return true;
}

function keep(s: State, from: u32, to: u32): void {
  memory.copy(CHECKED + <usize>from, <usize>s.vmcs + <usize>from, <usize>(to - from));
}
