/**
 * Exceptions, interrupts and windows in VMX non-root operation: what exits instead of being delivered. SDM Vol. 3 "Other Causes of VM Exits",
 * "Information for VM Exits Due to Vectored Events".
 */

import { cycles } from "../clock";
import { noteDebug } from "../cpu/debug";
import { deliver } from "../cpu/interrupts";
import { SHADOW_SS } from "../cpu/load";
import { isReal } from "../cpu/modes";
import { acknowledge } from "../devices/lapic-interrupts";
import {
  EVENT_EXCEPTION,
  EVENT_EXTERNAL,
  EVENT_NMI,
  EVENT_SOFTWARE_INTERRUPT,
  HALTED_SHUTDOWN,
  PENDING_APIC,
  PENDING_EXTINT,
  PENDING_INTR,
  RFLAGS_IF,
  VECTOR_AC,
  VECTOR_DB,
  VECTOR_DF,
  VECTOR_GP,
  VECTOR_NP,
  VECTOR_PF,
  VECTOR_SS,
  VECTOR_TS,
} from "../generated/constants";
import { State } from "../generated/state";
import * as V from "../generated/vmx";
import { INJECTION_ERROR_CODE, INJECTION_VALID } from "./event-types";
import { exit, noteEvent } from "./exit";
import { finishApicWrite, isNotification, takeVirtualInterrupt } from "./virtual-apic";
import { field } from "./vmcs";

const ERROR_CODES: u32 =
  (1 << VECTOR_DF) | (1 << VECTOR_TS) | (1 << VECTOR_NP) | (1 << VECTOR_SS) | (1 << VECTOR_GP) | (1 << VECTOR_PF) | (1 << VECTOR_AC);

/** An exception or NMI: true if it has exited. Software interrupts never do. */
export function interceptEvent(s: State, vector: u32, type: u32, errorCode: u32): bool {
  if (!exits(s, vector, type, errorCode)) {
    if (vector == VECTOR_PF && type == EVENT_EXCEPTION) s.cr2 = s.faultAddress;
    if (vector == VECTOR_DB && type == EVENT_EXCEPTION) noteDebug(s);
    return false;
  }
  const coded = type == EVENT_EXCEPTION && ((ERROR_CODES >> vector) & 1) != 0 && !isReal(s);
  noteEvent(s, INJECTION_VALID | vector | (type << 8) | (coded ? INJECTION_ERROR_CODE : 0), errorCode);
  const qualification: u64 = vector == VECTOR_PF ? s.faultAddress : vector == VECTOR_DB && type == EVENT_EXCEPTION ? s.debugHits : 0;
  exit(s, V.EXIT_REASON_EXCEPTION_OR_NMI, qualification);
  if (type == EVENT_NMI) s.nmiBlocked = 1;
  return true;
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

/** Between two blocks of a guest: true if there has been a VM exit. Priorities: SDM Vol. 3 "Priority Among Concurrent Events". */
export function respondInGuest(s: State): bool {
  if (s.vmxApicWrite != 0 && finishApicWrite(s)) return true;
  if (s.vmxTrap != 0) return exited(s, V.EXIT_REASON_MONITOR_TRAP_FLAG);
  if (cycles(s) >= s.vmxTimerAt) return exited(s, V.EXIT_REASON_PREEMPTION_TIMER);
  const shadowed = s.inhibit != 0 && s.inhibitAt == s.instructions;
  const movSs = shadowed && s.inhibit == SHADOW_SS;
  if ((s.vmxPrimary & V.PRIMARY_NMI_WINDOW_EXITING) != 0 && s.nmiBlocked == 0 && !movSs) return exited(s, V.EXIT_REASON_NMI_WINDOW);
  const open = (s.flagsOther & RFLAGS_IF) != 0;
  if ((s.vmxPrimary & V.PRIMARY_INTERRUPT_WINDOW_EXITING) != 0 && open && !shadowed) return exited(s, V.EXIT_REASON_INTERRUPT_WINDOW);
  if (shadowed) return false;
  if ((s.vmxPin & V.PIN_EXTERNAL_INTERRUPT_EXITING) != 0 && interruptExits(s)) return true;
  if (s.vmxVirtualInterrupt == 0 || !open || s.halted == HALTED_SHUTDOWN) return false;
  s.monitoring = 0;
  deliver(s, takeVirtualInterrupt(s), EVENT_EXTERNAL, 0);
  return true;
}

/** An interrupt of the host's exits, whatever IF is; what notifies of posted interrupts does not. */
function interruptExits(s: State): bool {
  const acknowledges = (<u32>field(s, V.VM_EXIT_CONTROLS) & V.EXIT_ACKNOWLEDGE_INTERRUPT_ON_EXIT) != 0;
  while ((s.pending & MASKABLE) != 0) {
    s.now = <f64>cycles(s);
    const vector: u32 = acknowledges ? acknowledge(s) : 0;
    if (acknowledges && isNotification(s, vector)) continue;
    noteEvent(s, acknowledges ? INJECTION_VALID | vector : 0, 0);
    return exited(s, V.EXIT_REASON_EXTERNAL_INTERRUPT);
  }
  return false;
}

function exited(s: State, reason: u32): bool {
  exit(s, reason, 0);
  return true;
}

/** The exit that an access of the last instruction has caused; RIP is on the instruction. */
export function exitForAccess(s: State): void {
  const reason = s.vmxExit - 1;
  s.vmxExit = 0;
  exit(s, reason, s.vmxQualification);
}
