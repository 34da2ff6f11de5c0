/**
 * Exceptions, interrupts and windows in VMX non-root operation: what exits instead of being delivered. SDM Vol. 3 "Other Causes of VM Exits",
 * "Information for VM Exits Due to Vectored Events".
 */

import { cycles, endSlice, retired } from "../clock";
import { noteDebug } from "../cpu/debug";
import { deliver, hasErrorCodeFor } from "../cpu/interrupts";
import { SHADOW_SS } from "../cpu/load";
import { Op } from "../decode/op";
import { acknowledge } from "../devices/lapic-interrupts";
import {
  EVENT_EXCEPTION,
  EVENT_EXTERNAL,
  EVENT_NMI,
  EVENT_SOFTWARE_INTERRUPT,
  HALTED_SHUTDOWN,
  HALTED_WAIT_FOR_SIPI,
  PENDING_APIC,
  PENDING_EXTINT,
  PENDING_INIT,
  PENDING_INTR,
  PENDING_NMI,
  PENDING_SIPI,
  PENDING_VMX,
  RFLAGS_IF,
  VECTOR_DB,
  VECTOR_DF,
  VECTOR_PF,
  VMX_NON_ROOT,
  VMX_TRAP_ARMED,
  VMX_TRAP_PENDING,
} from "../generated/constants";
import { State } from "../generated/state";
import * as V from "../generated/vmx";
import { raiseExit } from "../raise";
import { PENDING_BS } from "./check-guest";
import { INJECTION_ERROR_CODE, INJECTION_VALID, NMI_UNBLOCKED } from "./event-types";
import { exit, noteEvent } from "./exit";
import { isHandler } from "./gate";
import { isShadowed, watchGuest } from "./non-register";
import { finishApicWrite, isNotification, takeVirtualInterrupt } from "./virtual-apic";
import { field } from "./vmcs";

/** An exception or NMI: true if it has exited. Software interrupts never do. */
export function interceptEvent(s: State, vector: u32, type: u32, errorCode: u32): bool {
  const exception = type == EVENT_EXCEPTION;
  if (!exits(s, vector, type, errorCode)) {
    if (vector == VECTOR_PF && exception) s.cr2 = s.faultAddress;
    if (vector == VECTOR_DB && exception) noteDebug(s);
    return false;
  }
  const coded = exception && hasErrorCodeFor(s, vector);
  const unblocked = exception && vector != VECTOR_DF && s.vectoring == 0 && s.nmiUnblockedAt == retired(s) + 1;
  noteEvent(s, INJECTION_VALID | vector | (type << 8) | (coded ? INJECTION_ERROR_CODE : 0) | (unblocked ? NMI_UNBLOCKED : 0), errorCode);
  const qualification: u64 = !exception ? 0 : vector == VECTOR_PF ? s.faultAddress : vector == VECTOR_DB ? s.debugHits : 0;
  exit(s, V.EXIT_REASON_EXCEPTION_OR_NMI, qualification);
  if (type == EVENT_NMI) s.nmiBlocked = 1;
  return true;
}

/** INT3, INTO, INT1: does not come back if they exit. */
export function interceptSoftware(s: State, op: Op, vector: u32, type: u32): void {
  if (!exits(s, vector, type, 0)) return;
  noteEvent(s, INJECTION_VALID | vector | (type << 8), 0);
  raiseExit(s, op, V.EXIT_REASON_EXCEPTION_OR_NMI, vector == VECTOR_DB ? s.debugHits : 0);
}

function exits(s: State, vector: u32, type: u32, errorCode: u32): bool {
  if (type == EVENT_SOFTWARE_INTERRUPT || type == EVENT_EXTERNAL) return false;
  if (type == EVENT_NMI) return (s.vmxPin & V.PIN_NMI_EXITING) != 0;
  const bit = ((<u32>field(s, V.EXCEPTION_BITMAP) >> vector) & 1) != 0;
  // where mask and match do not fit the error code, the bit means the opposite
  return vector == VECTOR_PF ? bit == matchesPageFault(s, errorCode) : bit;
}

function matchesPageFault(s: State, errorCode: u32): bool {
  return (errorCode & <u32>field(s, V.PAGE_FAULT_ERROR_CODE_MASK)) == <u32>field(s, V.PAGE_FAULT_ERROR_CODE_MATCH);
}

const MASKABLE: u32 = PENDING_INTR | PENDING_EXTINT | PENDING_APIC;
const BREAKPOINTS: u64 = 15;

// what `respondInGuest` finds
/** nothing that is the guest's alone */
export const GOES_ON: u32 = 0;
/** there has been a VM exit */
export const EXITED: u32 = 1;
/** a virtual interrupt has been delivered */
export const DELIVERED: u32 = 2;
/** a #DB is to be delivered, `debugHits` say why */
export const DEBUG: u32 = 3;
/** only one instruction may run before the next look */
export const STEPS: u32 = 4;

/** Between two blocks of a guest. SDM Vol. 3 "Priority Among Concurrent Events", "Other Causes of VM Exits". */
export function respondInGuest(s: State): u32 {
  if (s.halted == HALTED_WAIT_FOR_SIPI) return respondToSipi(s);
  if ((s.pending & PENDING_INIT) != 0) {
    s.pending &= ~PENDING_INIT;
    return exited(s, V.EXIT_REASON_INIT_SIGNAL, 0);
  }
  const runs = s.halted != HALTED_SHUTDOWN;
  if (s.vmxApicWrite != 0 && finishApicWrite(s)) return EXITED;
  if (s.vmxTrap == VMX_TRAP_PENDING && runs) return exited(s, V.EXIT_REASON_MONITOR_TRAP_FLAG, 0);
  const traps = (s.vmxPrimary & V.PRIMARY_MONITOR_TRAP_FLAG) != 0;
  if (traps) s.vmxTrap = VMX_TRAP_ARMED;
  const shadowed = isShadowed(s);
  const movSs = shadowed && s.inhibit == SHADOW_SS;
  if (s.vmxPendingDebug != 0 && !movSs && runs) {
    s.debugHits = s.vmxPendingDebug & (BREAKPOINTS | PENDING_BS);
    s.vmxPendingDebug = 0;
    return DEBUG;
  }
  if (cycles(s) >= s.vmxTimerAt) return exited(s, V.EXIT_REASON_PREEMPTION_TIMER, 0);
  const nmiWindow = (s.vmxPrimary & V.PRIMARY_NMI_WINDOW_EXITING) != 0 && s.nmiBlocked == 0;
  if (nmiWindow && !movSs) return exited(s, V.EXIT_REASON_NMI_WINDOW, 0);
  watchGuest(s);
  if (takesNmi(s) && !shadowed) return GOES_ON;
  const open = (s.flagsOther & RFLAGS_IF) != 0;
  const window = (s.vmxPrimary & V.PRIMARY_INTERRUPT_WINDOW_EXITING) != 0 && open;
  const external = (s.pending & MASKABLE) != 0 && (s.vmxPin & V.PIN_EXTERNAL_INTERRUPT_EXITING) != 0;
  if (!shadowed && runs) {
    if (window) return exited(s, V.EXIT_REASON_INTERRUPT_WINDOW, 0);
    if (external && interruptExits(s)) return EXITED;
    if (s.vmxVirtualInterrupt != 0 && open) return deliverVirtual(s);
  }
  const waits = shadowed && (nmiWindow || window || external || s.vmxVirtualInterrupt != 0 || s.vmxPendingDebug != 0);
  return traps || waits ? STEPS : GOES_ON;
}

/** SDM Vol. 3 "Wait-for-SIPI": nothing else happens in it. */
function respondToSipi(s: State): u32 {
  if ((s.pending & PENDING_SIPI) == 0) return GOES_ON;
  s.pending &= ~PENDING_SIPI;
  return exited(s, V.EXIT_REASON_STARTUP_IPI, s.sipiVector);
}

/** An interrupt of the host's exits, whatever IF is; what notifies of posted interrupts does not. */
function interruptExits(s: State): bool {
  const acknowledges = (<u32>field(s, V.VM_EXIT_CONTROLS) & V.EXIT_ACKNOWLEDGE_INTERRUPT_ON_EXIT) != 0;
  while ((s.pending & MASKABLE) != 0) {
    s.now = <f64>cycles(s);
    const vector: u32 = acknowledges ? acknowledge(s) : 0;
    if (acknowledges && isNotification(s, vector)) continue;
    noteEvent(s, acknowledges ? INJECTION_VALID | vector : 0, 0);
    exit(s, V.EXIT_REASON_EXTERNAL_INTERRUPT, 0);
    return true;
  }
  return false;
}

/** SDM Vol. 3 "Virtual-Interrupt Delivery" */
function deliverVirtual(s: State): u32 {
  s.monitoring = 0;
  deliver(s, takeVirtualInterrupt(s), EVENT_EXTERNAL, 0);
  endTrap(s);
  return DELIVERED;
}

/** An NMI is pending and not blocked; where NMIs are virtual, the guest does not block them. */
export function takesNmi(s: State): bool {
  if ((s.pending & PENDING_NMI) == 0) return false;
  if (s.vmx != VMX_NON_ROOT) return s.nmiBlocked == 0 && !isHandler(s);
  return s.halted != HALTED_WAIT_FOR_SIPI && (s.nmiBlocked == 0 || (s.vmxPin & V.PIN_VIRTUAL_NMIS) != 0);
}

/** A maskable interrupt is pending that is not the guest's host's. */
export function hasInterrupt(s: State): bool {
  if ((s.pending & MASKABLE) == 0 || s.halted >= HALTED_SHUTDOWN) return false;
  return s.vmx != VMX_NON_ROOT || (s.vmxPin & V.PIN_EXTERNAL_INTERRUPT_EXITING) == 0;
}

/** An exit by the monitor trap flag, at the next boundary. */
export function pendTrap(s: State): void {
  s.vmxTrap = VMX_TRAP_PENDING;
  s.pending |= PENDING_VMX;
  endSlice(s);
}

/** What was under way for the monitor trap flag is done: an instruction, an iteration or the delivery of an event. */
export function endTrap(s: State): void {
  if (s.vmxTrap == VMX_TRAP_ARMED) pendTrap(s);
}

function exited(s: State, reason: u32, qualification: u64): u32 {
  exit(s, reason, qualification);
  return EXITED;
}

/** The exit that an access of the last instruction has caused; RIP is on the instruction. */
export function exitForAccess(s: State): void {
  const reason = s.vmxExit - 1;
  s.vmxExit = 0;
  exit(s, reason, s.vmxQualification);
}
