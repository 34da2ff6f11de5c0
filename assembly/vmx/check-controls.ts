/** SDM Vol. 3 "Checks on VMX Controls". */
import { CR0_PE, VECTOR_AC, VECTOR_DF, VECTOR_GP, VECTOR_NMI, VECTOR_NP, VECTOR_PF, VECTOR_SS, VECTOR_TS } from "../generated/constants";
import { State } from "../generated/state";
import * as V from "../generated/vmx";
import { hostOf } from "../mmu/physical";
import { addressRule, rule } from "./check";
import {
  EXTERNAL_EVENT,
  HARDWARE_EXCEPTION_EVENT,
  INJECTION_ERROR_CODE,
  INJECTION_VALID,
  NMI_EVENT,
  OTHER_EVENT,
  SOFTWARE_EVENT,
} from "./event-types";
import { field, isAligned, PHYSICAL_MASK } from "./vmcs";

const PAGE: u64 = 12;
const VTPR: usize = 0x80;
const ERROR_CODES: u32 =
  (1 << VECTOR_DF) | (1 << VECTOR_TS) | (1 << VECTOR_NP) | (1 << VECTOR_SS) | (1 << VECTOR_GP) | (1 << VECTOR_PF) | (1 << VECTOR_AC);

/** A trap by the monitor trap flag can be injected just where the control is offered. */
const OTHER_EVENTS_OFFERED: bool = ((V.TRUE_PRIMARY_CONTROLS >> 32) & V.PRIMARY_MONITOR_TRAP_FLAG) != 0;

/** Bits that must be 1 are, and no others than may be. */
export function allows(capability: u64, controls: u64): bool {
  return (capability & 0xffffffff & ~controls) == 0 && (controls & ~(capability >> 32)) == 0;
}

/** The secondary controls in force: none unless the primary ones activate them. */
export function secondaryOf(s: State): u32 {
  const active = (<u32>field(s, V.PRIMARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS) & V.PRIMARY_ACTIVATE_SECONDARY_CONTROLS) != 0;
  return active ? <u32>field(s, V.SECONDARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS) : 0;
}

export function checkControls(s: State): void {
  const pin = <u32>field(s, V.PIN_BASED_VM_EXECUTION_CONTROLS);
  const primary = <u32>field(s, V.PRIMARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS);
  const secondary = secondaryOf(s);
  rule(s, V.RULE_PIN_BASED_CONTROLS_ALLOWED, allows(V.TRUE_PIN_CONTROLS, pin));
  rule(s, V.RULE_PRIMARY_CONTROLS_ALLOWED, allows(V.TRUE_PRIMARY_CONTROLS, primary));
  rule(s, V.RULE_SECONDARY_CONTROLS_ALLOWED, allows(V.SECONDARY_CONTROLS, secondary));
  rule(s, V.RULE_CR3_TARGET_COUNT_AT_MOST4, field(s, V.CR3_TARGET_COUNT) <= 4);
  const bitmaps = (primary & V.PRIMARY_USE_IO_BITMAPS) != 0;
  addressRule(s, V.RULE_IO_BITMAP_AVALID, bitmaps, PAGE);
  addressRule(s, V.RULE_IO_BITMAP_BVALID, bitmaps, PAGE);
  addressRule(s, V.RULE_MSR_BITMAPS_VALID, (primary & V.PRIMARY_USE_MSR_BITMAPS) != 0, PAGE);
  checkApic(s, pin, primary, secondary);
  checkEpt(s, secondary);
  checkExit(s, pin);
  checkEntry(s, secondary);
}

function checkApic(s: State, pin: u32, primary: u32, secondary: u32): void {
  const shadow = (primary & V.PRIMARY_USE_TPR_SHADOW) != 0;
  const delivery = (secondary & V.SECONDARY_VIRTUAL_INTERRUPT_DELIVERY) != 0;
  const accesses = (secondary & V.SECONDARY_VIRTUALIZE_APIC_ACCESSES) != 0;
  const x2apic = (secondary & V.SECONDARY_VIRTUALIZE_X2APIC_MODE) != 0;
  const threshold = <u32>field(s, V.TPR_THRESHOLD);
  addressRule(s, V.RULE_VIRTUAL_APIC_ADDRESS_VALID, shadow, PAGE);
  rule(s, V.RULE_TPR_THRESHOLD_UPPER_BITS_CLEAR, !shadow || delivery || (threshold & ~15) == 0);
  const page = hostOf(field(s, V.VIRTUAL_APIC_ADDRESS) & PHYSICAL_MASK & ~(<u64>0xfff));
  const vtpr: u32 = page == 0 ? 0 : load<u8>(page, VTPR);
  rule(s, V.RULE_TPR_THRESHOLD_AT_MOST_VTPR, !shadow || delivery || accesses || (threshold & 15) <= vtpr >> 4);
  rule(s, V.RULE_X2APIC_MODE_NEEDS_TPR_SHADOW, shadow || !x2apic);
  rule(s, V.RULE_REGISTER_VIRTUALIZATION_NEEDS_TPR_SHADOW, shadow || (secondary & V.SECONDARY_APIC_REGISTER_VIRTUALIZATION) == 0);
  rule(s, V.RULE_INTERRUPT_DELIVERY_NEEDS_TPR_SHADOW, shadow || !delivery);
  const virtualNmis = (pin & V.PIN_VIRTUAL_NMIS) != 0;
  rule(s, V.RULE_VIRTUAL_NMIS_NEED_NMI_EXITING, !virtualNmis || (pin & V.PIN_NMI_EXITING) != 0);
  rule(s, V.RULE_NMI_WINDOW_NEEDS_VIRTUAL_NMIS, virtualNmis || (primary & V.PRIMARY_NMI_WINDOW_EXITING) == 0);
  addressRule(s, V.RULE_APIC_ACCESS_ADDRESS_VALID, accesses, PAGE);
  rule(s, V.RULE_X2APIC_MODE_EXCLUDES_APIC_ACCESSES, !x2apic || !accesses);
  rule(s, V.RULE_INTERRUPT_DELIVERY_NEEDS_INTERRUPT_EXITING, !delivery || (pin & V.PIN_EXTERNAL_INTERRUPT_EXITING) != 0);
  const posted = (pin & V.PIN_PROCESS_POSTED_INTERRUPTS) != 0;
  rule(s, V.RULE_POSTED_INTERRUPTS_NEED_DELIVERY, !posted || delivery);
  const acknowledge = (<u32>field(s, V.VM_EXIT_CONTROLS) & V.EXIT_ACKNOWLEDGE_INTERRUPT_ON_EXIT) != 0;
  rule(s, V.RULE_POSTED_INTERRUPTS_NEED_ACKNOWLEDGE, !posted || acknowledge);
  rule(s, V.RULE_NOTIFICATION_VECTOR_AT_MOST255, !posted || field(s, V.POSTED_INTERRUPT_NOTIFICATION_VECTOR) < 256);
  addressRule(s, V.RULE_POSTED_DESCRIPTOR_VALID, posted, 6);
  rule(s, V.RULE_VPID_NOT_ZERO, (secondary & V.SECONDARY_ENABLE_VPID) == 0 || field(s, V.VIRTUAL_PROCESSOR_IDENTIFIER) != 0);
}

/** Whether an EPT pointer could be used. SDM Vol. 3 "Extended-Page-Table Pointer (EPTP)" */
export function isEptPointer(v: u64): bool {
  return isEptMemoryType(v) && isEptWalkLength(v) && !hasEptReservedBits(v);
}

function isEptMemoryType(v: u64): bool {
  return (v & 7) == 0 || (v & 7) == 6;
}

function isEptWalkLength(v: u64): bool {
  return ((v >> 3) & 7) == 3;
}

function hasEptReservedBits(v: u64): bool {
  return (v & (~PHYSICAL_MASK | 0xf80)) != 0;
}

function checkEpt(s: State, secondary: u32): void {
  const ept = (secondary & V.SECONDARY_ENABLE_EPT) != 0;
  const pointer = field(s, V.EPT_POINTER);
  rule(s, V.RULE_EPT_MEMORY_TYPE_SUPPORTED, !ept || isEptMemoryType(pointer));
  rule(s, V.RULE_EPT_WALK_LENGTH_IS4, !ept || isEptWalkLength(pointer));
  rule(s, V.RULE_EPT_POINTER_RESERVED_BITS_CLEAR, !ept || !hasEptReservedBits(pointer));
  const pml = (secondary & V.SECONDARY_ENABLE_PML) != 0;
  rule(s, V.RULE_PML_NEEDS_EPT, !pml || ept);
  addressRule(s, V.RULE_PML_ADDRESS_VALID, pml, PAGE);
  rule(s, V.RULE_UNRESTRICTED_GUEST_NEEDS_EPT, ept || (secondary & V.SECONDARY_UNRESTRICTED_GUEST) == 0);
  rule(s, V.RULE_MODE_BASED_EXECUTE_NEEDS_EPT, ept || (secondary & V.SECONDARY_MODE_BASED_EXECUTE_CONTROL_FOR_EPT) == 0);
  const functions = (secondary & V.SECONDARY_ENABLE_VM_FUNCTIONS) != 0;
  const switching = functions && (field(s, V.VM_FUNCTION_CONTROLS) & 1) != 0;
  rule(s, V.RULE_VM_FUNCTION_CONTROLS_ALLOWED, !functions || (field(s, V.VM_FUNCTION_CONTROLS) & ~(<u64>1)) == 0);
  rule(s, V.RULE_EPTP_SWITCHING_NEEDS_EPT, !switching || ept);
  addressRule(s, V.RULE_EPTP_LIST_ADDRESS_VALID, switching, PAGE);
  const shadowing = (secondary & V.SECONDARY_VMCS_SHADOWING) != 0;
  addressRule(s, V.RULE_VMREAD_BITMAP_VALID, shadowing, PAGE);
  addressRule(s, V.RULE_VMWRITE_BITMAP_VALID, shadowing, PAGE);
  addressRule(s, V.RULE_VE_INFORMATION_ADDRESS_VALID, (secondary & V.SECONDARY_EPT_VIOLATION_VE) != 0, PAGE);
}

function checkExit(s: State, pin: u32): void {
  const exit = <u32>field(s, V.VM_EXIT_CONTROLS);
  rule(s, V.RULE_EXIT_CONTROLS_ALLOWED, allows(V.TRUE_EXIT_CONTROLS, exit));
  const timer = (pin & V.PIN_ACTIVATE_PREEMPTION_TIMER) != 0;
  rule(s, V.RULE_SAVE_TIMER_NEEDS_TIMER, timer || (exit & V.EXIT_SAVE_VMX_PREEMPTION_TIMER_VALUE) == 0);
  msrAreaRule(s, V.RULE_EXIT_MSR_STORE_AREA_VALID, V.VM_EXIT_MSR_STORE_COUNT);
  msrAreaRule(s, V.RULE_EXIT_MSR_LOAD_AREA_VALID, V.VM_EXIT_MSR_LOAD_COUNT);
}

/** An area of 16 bytes an entry, of which the last byte is looked at too. */
function msrAreaRule(s: State, id: u32, countField: u32): void {
  const count = field(s, countField);
  const at = field(s, id >> 16);
  rule(s, id, count == 0 || (isAligned(at, 4) && at + (count << 4) - 1 <= PHYSICAL_MASK));
}

function checkEntry(s: State, secondary: u32): void {
  rule(s, V.RULE_ENTRY_CONTROLS_ALLOWED, allows(V.TRUE_ENTRY_CONTROLS, field(s, V.VM_ENTRY_CONTROLS)));
  const event = <u32>field(s, V.VM_ENTRY_INTERRUPTION_INFORMATION);
  if ((event & INJECTION_VALID) != 0) {
    const type = (event >> 8) & 7;
    const vector = event & 0xff;
    rule(s, V.RULE_INJECTION_TYPE_NOT_RESERVED, type != 1 && (type != OTHER_EVENT || OTHER_EVENTS_OFFERED));
    rule(
      s,
      V.RULE_INJECTION_VECTOR_FITS_TYPE,
      type == NMI_EVENT ? vector == VECTOR_NMI : type == HARDWARE_EXCEPTION_EVENT ? vector < 32 : type != OTHER_EVENT || vector == 0,
    );
    const real = (secondary & V.SECONDARY_UNRESTRICTED_GUEST) != 0 && (field(s, V.GUEST_CR0) & CR0_PE) == 0;
    const coded = type == HARDWARE_EXCEPTION_EVENT && vector < 32 && ((ERROR_CODES >> vector) & 1) != 0 && !real;
    rule(s, V.RULE_INJECTION_ERROR_CODE_FITS_VECTOR, coded == ((event & INJECTION_ERROR_CODE) != 0));
    rule(s, V.RULE_INJECTION_RESERVED_BITS_CLEAR, (event & 0x7ffff000) == 0);
    const code = field(s, V.VM_ENTRY_EXCEPTION_ERROR_CODE);
    rule(s, V.RULE_INJECTION_ERROR_CODE_UPPER_BITS_CLEAR, (event & INJECTION_ERROR_CODE) == 0 || code >> 16 == 0);
    const software = type >= SOFTWARE_EVENT && type != OTHER_EVENT && type != EXTERNAL_EVENT;
    rule(s, V.RULE_INJECTION_LENGTH_AT_MOST15, !software || field(s, V.VM_ENTRY_INSTRUCTION_LENGTH) <= 15);
  }
  msrAreaRule(s, V.RULE_ENTRY_MSR_LOAD_AREA_VALID, V.VM_ENTRY_MSR_LOAD_COUNT);
}
