/** VM entry: checks, guest state, event injection. SDM Vol. 3 "VM Entries". */
import { endSlice } from "../clock";
import { usesPdptes } from "../cpu/control-registers";
import { deliverInjected } from "../cpu/interrupts";
import { deriveMode, jumpTo, loadFlags } from "../cpu/modes";
import { setSegment } from "../cpu/segments";
import { CR0_PG, EFER_LMA, EFER_LME, VMX_NON_ROOT, VMX_TRAP_ARMED } from "../generated/constants";
import { State } from "../generated/state";
import * as V from "../generated/vmx";
import { NO_APIC_ACCESS } from "../mmu/apic-access";
import { hostOf } from "../mmu/physical";
import { flushUntagged, leaveContext, takeContext } from "../mmu/tlb-context";
import { loadPdptes } from "../mmu/walk";
import { firstViolated, violate, violated } from "./check";
import { checkControls, secondaryOf } from "./check-controls";
import { checkGuest } from "./check-guest";
import { checkHost } from "./check-host";
import { baseField, limitField, rightsField, selectorField } from "./check-segments";
import { isHostKnown, keepHost } from "./checked";
import { INJECTION_ERROR_CODE, INJECTION_VALID, OTHER_EVENT, SOFTWARE_EVENT } from "./event-types";
import { pendTrap } from "./events";
import { failedEntry } from "./exit";
import { endTrace } from "./exit-counts";
import { CR0_KEPT } from "./fixed-bits";
import { isGated } from "./gate";
import { loadMsrs, msrNumber, msrRule } from "./msr-areas";
import { loadNonRegister, watchGuest } from "./non-register";
import { belowThreshold, deliversVirtually, evaluate, VTPR, virtualizePpr } from "./virtual-apic";
import { field, NO_POINTER, setField, setLaunched } from "./vmcs";

const LDTR: u32 = 6;
const SEGMENTS: u32 = 8;
const UNUSABLE: u32 = 1 << 16;
const RIGHTS_P: u32 = 1 << 7;

/**
 * Enters the guest that the current VMCS describes; the record of VMLAUNCH or VMRESUME has ended its block. Returns the VM-instruction
 * error, or 0 if the guest runs, or would: an entry that fails over the guest's state is a VM exit.
 */
export function enter(s: State): u32 {
  // where one group fails, the others are checked too, to be explained
  if (s.vmxClean == 0) {
    const known = isHostKnown(s);
    if (!known) checkControls(s);
    const ofControls = violated;
    if (!known) checkHost(s);
    const ofHost = violated;
    if (!known && violated == 0) keepHost(s);
    checkGuest(s);
    if (ofControls != 0) return V.VM_ERROR_ENTRY_INVALID_CONTROLS;
    if (ofHost != 0) return V.VM_ERROR_ENTRY_INVALID_HOST_STATE;
    if (violated != 0) {
      failedEntry(s, V.EXIT_REASON_INVALID_GUEST_STATE, invalidStateQualification());
      return 0;
    }
    s.vmxClean = <u32>staysRight(s);
  }
  leaveContext(s);
  s.vmx = VMX_NON_ROOT;
  s.vmxPin = <u32>field(s, V.PIN_BASED_VM_EXECUTION_CONTROLS);
  s.vmxPrimary = <u32>field(s, V.PRIMARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS);
  s.vmxSecondary = secondaryOf(s);
  s.eptPointer = (s.vmxSecondary & V.SECONDARY_ENABLE_EPT) != 0 ? field(s, V.EPT_POINTER) : 0;
  loadTimeStamp(s);
  flushUntagged(s);
  loadGuest(s);
  startVirtualApic(s);
  takeContext(s);
  const failed = loadMsrs(s, field(s, V.VM_ENTRY_MSR_LOAD_ADDRESS), <u32>field(s, V.VM_ENTRY_MSR_LOAD_COUNT));
  if (failed != 0) {
    violate(msrRule, msrRule >> 16, msrNumber);
    failedEntry(s, V.EXIT_REASON_MSR_LOADING, failed);
    return 0;
  }
  setLaunched(<usize>s.vmcs, 1);
  loadNonRegister(s);
  watchGuest(s);
  // the slice was made for the host
  if ((s.pending | s.halted) != 0 || (s.vmxPin & V.PIN_ACTIVATE_PREEMPTION_TIMER) != 0) endSlice(s);
  endTrace(s);
  inject(s);
  return 0;
}

/**
 * Whether a VMCS that is right now will be at the next entry, as long as VMWRITE changes nothing of it: an exit saves what a guest can be. The
 * VMM's own only, and none whose checks look at memory.
 */
function staysRight(s: State): bool {
  const long = (<u32>field(s, V.VM_ENTRY_CONTROLS) & V.ENTRY_IA32E_MODE_GUEST) != 0;
  return (
    isGated(s) &&
    long &&
    field(s, V.VMCS_LINK_POINTER) == NO_POINTER &&
    (<u32>field(s, V.PRIMARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS) & V.PRIMARY_USE_TPR_SHADOW) == 0
  );
}

/** SDM Vol. 3 "Timestamp-Counter Multiplier": scaling goes with offsetting only. */
function loadTimeStamp(s: State): void {
  const offsets = (s.vmxPrimary & V.PRIMARY_USE_TSC_OFFSETTING) != 0;
  const scales = offsets && (s.vmxSecondary & V.SECONDARY_USE_TSC_SCALING) != 0;
  s.vmxTscOffset = offsets ? field(s, V.TSC_OFFSET) : 0;
  s.vmxTscMultiplier = scales ? field(s, V.TSC_MULTIPLIER) : 0;
}

/** Also of a guest that becomes the host: gate.ts, `promote`. */
export function loadGuest(s: State): void {
  const controls = <u32>field(s, V.VM_ENTRY_CONTROLS);
  s.cr0 = (field(s, V.GUEST_CR0) & ~CR0_KEPT) | (s.cr0 & CR0_KEPT);
  s.cr3 = field(s, V.GUEST_CR3);
  s.cr4 = field(s, V.GUEST_CR4);
  if ((controls & V.ENTRY_LOAD_DEBUG_CONTROLS) != 0) {
    s.dr7 = (field(s, V.GUEST_DR7) & 0xffff2fff) | 0x400;
    s.debugctl = field(s, V.GUEST_IA32_DEBUGCTL);
  }
  if ((controls & V.ENTRY_LOAD_GUEST_IA32_PAT) != 0) s.pat = field(s, V.GUEST_IA32_PAT);
  if ((controls & V.ENTRY_LOAD_GUEST_IA32_EFER) != 0) s.efer = field(s, V.GUEST_IA32_EFER);
  else {
    const long = (controls & V.ENTRY_IA32E_MODE_GUEST) != 0;
    const kept: u64 = (s.cr0 & CR0_PG) != 0 ? s.efer & ~(<u64>(EFER_LMA | EFER_LME)) : s.efer & ~(<u64>EFER_LMA);
    s.efer = kept | (long ? <u64>EFER_LMA | ((s.cr0 & CR0_PG) != 0 ? <u64>EFER_LME : 0) : 0);
  }
  s.sysenterCs = field(s, V.GUEST_IA32_SYSENTER_CS);
  s.sysenterEsp = field(s, V.GUEST_IA32_SYSENTER_ESP);
  s.sysenterEip = field(s, V.GUEST_IA32_SYSENTER_EIP);
  for (let n: u32 = 0; n < SEGMENTS; n++) loadSegment(s, n);
  s.gdtrBase = field(s, V.GUEST_GDTR_BASE);
  s.gdtrLimit = <u32>field(s, V.GUEST_GDTR_LIMIT);
  s.idtrBase = field(s, V.GUEST_IDTR_BASE);
  s.idtrLimit = <u32>field(s, V.GUEST_IDTR_LIMIT);
  s.cpl = (<u32>field(s, V.GUEST_SS_ACCESS_RIGHTS) >> 5) & 3;
  s.rsp = field(s, V.GUEST_RSP);
  loadFlags(s, <u32>field(s, V.GUEST_RFLAGS), 0xffffffff);
  loadPageDirectories(s);
  deriveMode(s);
  jumpTo(s, field(s, V.GUEST_RIP));
}

/** The PDPTE registers of PAE paging: fields of the VMCS if the guest has EPT, else from memory at CR3. */
function loadPageDirectories(s: State): void {
  if (!usesPdptes(s.cr0, s.cr4, (s.efer & EFER_LMA) != 0)) return;
  if (s.eptPointer == 0) {
    loadPdptes(s, s.cr3);
    return;
  }
  s.pdpte0 = field(s, V.GUEST_PDPTE0);
  s.pdpte1 = field(s, V.GUEST_PDPTE1);
  s.pdpte2 = field(s, V.GUEST_PDPTE2);
  s.pdpte3 = field(s, V.GUEST_PDPTE3);
}

function loadSegment(s: State, n: u32): void {
  const rights = <u32>field(s, rightsField(n));
  const usable = (rights & UNUSABLE) == 0;
  const kept = usable ? rights & 0xf0ff : rights & 0xf07f & ~RIGHTS_P;
  setSegment(s, n, <u32>field(s, selectorField(n)), field(s, baseField(n)), <u32>field(s, limitField(n)), n == LDTR && !usable ? 0 : kept);
}

/** SDM Vol. 3 "Virtualizing CR8-Based TPR Accesses", "Virtual-Interrupt Delivery", at VM entry. */
function startVirtualApic(s: State): void {
  const shadow = (s.vmxPrimary & V.PRIMARY_USE_TPR_SHADOW) != 0;
  const accesses = (s.vmxSecondary & V.SECONDARY_VIRTUALIZE_APIC_ACCESSES) != 0;
  s.virtualApic = shadow ? <u32>hostOf(field(s, V.VIRTUAL_APIC_ADDRESS)) : 0;
  s.apicAccess = accesses ? field(s, V.APIC_ACCESS_ADDRESS) : NO_APIC_ACCESS;
  if (deliversVirtually(s)) {
    virtualizePpr(s);
    evaluate(s);
  } else if (shadow && accesses && belowThreshold(s)) s.vmxApicWrite = VTPR + 1;
}

/** SDM Vol. 3 "Event Injection": the event is delivered as if it had come about in the guest. With the monitor trap flag it is all that happens. */
function inject(s: State): void {
  const event = <u32>field(s, V.VM_ENTRY_INTERRUPTION_INFORMATION);
  if ((event & INJECTION_VALID) == 0) return;
  const type = (event >> 8) & 7;
  // cleared by the VM exit that follows, SDM "Information for VM Exits Due to Vectored Events"; here at once, as nobody can see it
  setField(s, V.VM_ENTRY_INTERRUPTION_INFORMATION, <u64>(event & ~INJECTION_VALID));
  if (type == OTHER_EVENT) return pendTrap(s);
  if ((s.vmxPrimary & V.PRIMARY_MONITOR_TRAP_FLAG) != 0) s.vmxTrap = VMX_TRAP_ARMED;
  const length = type >= SOFTWARE_EVENT ? <u32>field(s, V.VM_ENTRY_INSTRUCTION_LENGTH) : 0;
  const coded = (event & INJECTION_ERROR_CODE) != 0;
  deliverInjected(s, event & 0xff, type, coded, <u32>field(s, V.VM_ENTRY_EXCEPTION_ERROR_CODE), length);
  if (s.vmxTrap == VMX_TRAP_ARMED) pendTrap(s);
}

/** SDM Vol. 3 "VM-Entry Failures During or After Loading Guest State": 2 a PDPTE, 4 the link pointer; 3, injection of an NMI, not here. */
function invalidStateQualification(): u64 {
  if (firstViolated == V.RULE_GUEST_PDPTES_RESERVED_BITS || firstViolated == V.RULE_GUEST_PDPTE_FIELDS_RESERVED_BITS) return 2;
  return firstViolated >> 16 == V.VMCS_LINK_POINTER ? 4 : 0;
}
