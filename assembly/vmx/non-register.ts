/**
 * What of a guest is not in its registers: interruptibility, activity, pending debug exceptions, the VMX-preemption timer. SDM Vol. 3 "Guest
 * Non-Register State", "Loading Guest State", "Delivery of Pending Debug Exceptions after VM Entry", "Saving Non-Register State".
 */
import { cycles, retired, timeStamp } from "../clock";
import { PENDING_ENABLED, pendingBits, stepsInstructions } from "../cpu/debug";
import { SHADOW_SS, SHADOW_STI } from "../cpu/load";
import { Op } from "../decode/op";
import { HALTED_HLT, HALTED_SHUTDOWN, HALTED_WAIT_FOR_SIPI, PENDING_VMX, VECTOR_DB, VMX_TRAP_NONE } from "../generated/constants";
import { State } from "../generated/state";
import * as V from "../generated/vmx";
import { BLOCKED_BY_MOV_SS, BLOCKED_BY_NMI, BLOCKED_BY_STI, HLT, PENDING_BS, SHUTDOWN, WAIT_FOR_SIPI } from "./check-guest";
import { HARDWARE_EXCEPTION_EVENT, INJECTION_VALID, OTHER_EVENT, PRIVILEGED_EVENT, SOFTWARE_EVENT } from "./event-types";
import { field, setField, TIMER_SHIFT } from "./vmcs";

/** `vmxTimerAt` of a timer that does not run */
export const NEVER: u64 = ~(<u64>0);
const BREAKPOINTS: u64 = 15;
const WATCHED: u32 = V.PRIMARY_INTERRUPT_WINDOW_EXITING | V.PRIMARY_NMI_WINDOW_EXITING | V.PRIMARY_MONITOR_TRAP_FLAG;

export function loadNonRegister(s: State): void {
  const state = <u32>field(s, V.GUEST_INTERRUPTIBILITY_STATE);
  s.inhibit = (state & BLOCKED_BY_STI) != 0 ? SHADOW_STI : (state & BLOCKED_BY_MOV_SS) != 0 ? SHADOW_SS : 0;
  s.inhibitAt = retired(s);
  s.nmiBlocked = <u32>((state & BLOCKED_BY_NMI) != 0);
  const activity = <u32>field(s, V.GUEST_ACTIVITY_STATE);
  s.halted = activity == HLT ? HALTED_HLT : activity == SHUTDOWN ? HALTED_SHUTDOWN : activity == WAIT_FOR_SIPI ? HALTED_WAIT_FOR_SIPI : 0;
  s.monitoring = 0;
  s.vmxTrap = VMX_TRAP_NONE;
  s.vmxPauseLast = 0;
  s.pendingDb = 0;
  s.unstepped = 0;
  s.vmxPendingDebug = pendingAfterEntry(s, activity, s.inhibit == SHADOW_SS);
  s.vmxTimerAt = (s.vmxPin & V.PIN_ACTIVATE_PREEMPTION_TIMER) != 0 ? expiry(s) : NEVER;
}

/** The pending debug exceptions that are not lost; valid ones have BS or the enabled-breakpoint bit. */
function pendingAfterEntry(s: State, activity: u32, movSs: bool): u64 {
  const pending = field(s, V.GUEST_PENDING_DEBUG_EXCEPTIONS);
  if ((pending & (PENDING_BS | PENDING_ENABLED)) == 0) return 0;
  const event = <u32>field(s, V.VM_ENTRY_INTERRUPTION_INFORMATION);
  const type = (event >> 8) & 7;
  if ((event & INJECTION_VALID) == 0 || type == OTHER_EVENT) return activity == SHUTDOWN || activity == WAIT_FOR_SIPI ? 0 : pending;
  if (!movSs || type <= HARDWARE_EXCEPTION_EVENT || type == PRIVILEGED_EVENT) return 0;
  // as behind a MOV SS with a breakpoint: INT n takes no single-step trap
  return (pending & PENDING_ENABLED) != 0 ? pending & ~PENDING_BS : 0;
}

/** The timer counts down when bit TIMER_SHIFT of the TSC changes. SDM Vol. 3 "VMX-Preemption Timer" */
function expiry(s: State): u64 {
  const now = timeStamp(s, changetype<Op>(0)) >> TIMER_SHIFT;
  return ((now + field(s, V.VMX_PREEMPTION_TIMER_VALUE)) << TIMER_SHIFT) - s.tscOffset;
}

/** Tells the run loop whether it has to look at the guest before its next instruction. */
export function watchGuest(s: State): void {
  const looks = (s.vmxPrimary & WATCHED) != 0 || (s.vmxTrap | s.vmxApicWrite | s.vmxVirtualInterrupt) != 0 || s.vmxPendingDebug != 0;
  if (looks) s.pending |= PENDING_VMX;
  else s.pending &= ~PENDING_VMX;
}

/** The interrupt shadow is in force. */
export function isShadowed(s: State): bool {
  return s.inhibit != 0 && s.inhibitAt == retired(s);
}

/** Interruption information and reason of the exit are in the VMCS already. */
export function saveNonRegister(s: State, reason: u32): void {
  const shadow = isShadowed(s) ? s.inhibit : 0;
  const blocked = shadow == SHADOW_STI ? BLOCKED_BY_STI : shadow == SHADOW_SS ? BLOCKED_BY_MOV_SS : 0;
  setField(s, V.GUEST_INTERRUPTIBILITY_STATE, <u64>(blocked | (s.nmiBlocked != 0 ? BLOCKED_BY_NMI : 0)));
  const halted = s.halted;
  const activity = halted == HALTED_HLT ? HLT : halted == HALTED_SHUTDOWN ? SHUTDOWN : halted == HALTED_WAIT_FOR_SIPI ? WAIT_FOR_SIPI : 0;
  setField(s, V.GUEST_ACTIVITY_STATE, <u64>activity);
  setField(s, V.GUEST_PENDING_DEBUG_EXCEPTIONS, pendingAfterExit(s, reason, shadow == SHADOW_SS));
  if ((<u32>field(s, V.VM_EXIT_CONTROLS) & V.EXIT_SAVE_VMX_PREEMPTION_TIMER_VALUE) != 0)
    setField(s, V.VMX_PREEMPTION_TIMER_VALUE, timerValue(s));
}

/** Most exits clear the field: debug exceptions have been delivered before. */
function pendingAfterExit(s: State, reason: u32, movSs: bool): u64 {
  const pending = s.vmxPendingDebug | pendingBits(s);
  const before =
    reason == V.EXIT_REASON_INIT_SIGNAL ||
    reason == V.EXIT_REASON_MONITOR_TRAP_FLAG ||
    reason == V.EXIT_REASON_TPR_BELOW_THRESHOLD ||
    reason == V.EXIT_REASON_VIRTUALIZED_EOI ||
    reason == V.EXIT_REASON_APIC_WRITE;
  const kept = pending & (BREAKPOINTS | PENDING_ENABLED | PENDING_BS);
  if (before) return kept;
  if (!movSs || isDebugException(s, reason)) return 0;
  return (kept & ~PENDING_BS) | (stepsInstructions(s) ? PENDING_BS : 0);
}

/** A #DB of any type. */
function isDebugException(s: State, reason: u32): bool {
  const event = <u32>field(s, V.VM_EXIT_INTERRUPTION_INFORMATION);
  const type = (event >> 8) & 7;
  return (
    reason == V.EXIT_REASON_EXCEPTION_OR_NMI && (event & 0xff) == VECTOR_DB && (type == HARDWARE_EXCEPTION_EVENT || type > SOFTWARE_EVENT)
  );
}

function timerValue(s: State): u64 {
  const now = cycles(s);
  if (s.vmxTimerAt <= now) return 0;
  return ((s.vmxTimerAt + s.tscOffset) >> TIMER_SHIFT) - ((now + s.tscOffset) >> TIMER_SHIFT);
}
