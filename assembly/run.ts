/**
 * The run loop: slices of the interpreter, and between them whatever is pending. SDM Vol. 3 "Priority Among Concurrent Events", "Masking
 * Maskable Hardware Interrupts", "Handling Multiple NMIs", "HLT". Interrupts are looked at between blocks; what becomes pending inside
 * one ends the slice behind it (clock.ts, `endSlice`), and so does the cycle in which the local APIC's timer expires.
 */
import { Exec } from "./backend/exec";
import { cycles, settle, startSlice } from "./clock";
import { deliver } from "./cpu/interrupts";
import { settleMode } from "./cpu/modes";
import { resetProcessor } from "./cpu/reset";
import { acknowledge } from "./devices/lapic-interrupts";
import { expire } from "./devices/lapic-timer";
import {
  EVENT_EXCEPTION,
  EVENT_EXTERNAL,
  EVENT_NMI,
  HALTED_MWAIT_MASKED,
  OPTION_HOST_EXCEPTIONS,
  PENDING_HOST,
  PENDING_INIT,
  PENDING_NMI,
  PENDING_VMX,
  RFLAGS_IF,
  STOP_BUDGET,
  STOP_EXCEPTION,
  STOP_HALT,
  VECTOR_DB,
  VECTOR_NMI,
  VMX_NON_ROOT,
  VMX_OFF,
  VMX_TRAP_NONE,
  VMX_TRAP_PENDING,
} from "./generated/constants";
import { interpret } from "./generated/interpret";
import { resetVmx } from "./vmx/capability";
import {
  DEBUG,
  DELIVERED,
  EXITED,
  endTrap,
  exitForAccess,
  hasInterrupt,
  interceptEvent,
  respondInGuest,
  STEPS,
  takesNmi,
} from "./vmx/events";
import { faultsOut } from "./vmx/gate";

/** V8 swaps in optimised code only between calls: the longest time the interpreter stays in one, in instructions. */
const CALL_BUDGET: i64 = 20000;

/** Runs until the budget in `left` is used up or something stops it; returns the STOP value. An instruction that raises leaves by a throw. */
export function runSlices(b: Exec): u32 {
  const raised = b.stop == STOP_EXCEPTION && (b.options & OPTION_HOST_EXCEPTIONS) == 0;
  b.stop = STOP_BUDGET;
  b.jump(b.rip);
  if (b.once != 0) stepOnce(b, 0);
  if (b.vmxAlone != 0) {
    b.vmxAlone = 0;
    stepOnce(b, 1);
  }
  if (b.vmxExit != 0) exitForAccess(b);
  else if (raised && faultsOut(b)) return b.stop;
  else if (raised) event(b, b.vector, EVENT_EXCEPTION, b.errorCode);
  while (b.left > 0 && b.stop == STOP_BUDGET) {
    const now = cycles(b);
    if (b.timerAt <= now) expire(b, now);
    if (b.vmxTimerAt <= now) b.pending |= PENDING_VMX;
    if ((b.pending | b.halted) != 0) {
      if (!respond(b)) break;
      if (b.vmxTrap == VMX_TRAP_PENDING) continue;
    }
    startSlice(b, b.once != 0 ? 1 : min<i64>(b.left, <i64>min<u64>(min<u64>(b.timerAt, b.vmxTimerAt) - cycles(b), CALL_BUDGET)));
    interpret(b);
    settle(b);
    if (b.once != 0) stepOnce(b, 0);
    if (b.vmxTrap != VMX_TRAP_NONE) endTrap(b);
  }
  b.now = <f64>cycles(b);
  return b.stop;
}

/** Delivers what is pending and may be; false if no instruction can run now. */
function respond(b: Exec): bool {
  if ((b.pending & PENDING_HOST) != 0) {
    b.pending &= ~PENDING_HOST;
    return false;
  }
  // in VMX root operation INIT waits for its end
  if ((b.pending & PENDING_INIT) != 0 && b.vmx == VMX_OFF) {
    resetProcessor(b);
    resetVmx(b);
  }
  if (b.vmx == VMX_NON_ROOT) {
    const found = respondInGuest(b);
    if (found == EXITED || found == DELIVERED) return b.stop == STOP_BUDGET;
    if (found == DEBUG) {
      event(b, VECTOR_DB, EVENT_EXCEPTION, 0);
      return b.vmx != VMX_NON_ROOT ? b.stop == STOP_BUDGET : respond(b);
    }
    if (found == STEPS) stepOnce(b, 1);
  }
  const nmi = takesNmi(b);
  const open = (b.flagsOther & RFLAGS_IF) != 0;
  if (nmi || (hasInterrupt(b) && (open || b.halted == HALTED_MWAIT_MASKED))) {
    if (b.inhibit != 0 && b.inhibitAt == b.instructions) stepOnce(b, 1);
    else if (nmi) {
      b.pending &= ~PENDING_NMI;
      event(b, VECTOR_NMI, EVENT_NMI, 0);
    } else if (open) {
      b.now = <f64>cycles(b);
      event(b, acknowledge(b), EVENT_EXTERNAL, 0);
    } else b.halted = 0;
  }
  if (b.halted != 0) b.stop = STOP_HALT;
  return b.stop == STOP_BUDGET;
}

/** Whatever is delivered ends a MONITOR. */
function event(b: Exec, vector: u32, type: u32, errorCode: u32): void {
  b.monitoring = 0;
  if (b.vmx == VMX_NON_ROOT && interceptEvent(b, vector, type, errorCode)) return;
  deliver(b, vector, type, errorCode);
  endTrap(b);
}

/** With 1, blocks are single instructions until it is called with 0: so that only one runs in an interrupt shadow. */
function stepOnce(b: Exec, on: u32): void {
  b.once = on;
  settleMode(b);
}
