/** Software interrupts and HLT. SDM Vol. 2 "INT n/INTO/INT3/INT1", "BOUND", "HLT". */
import { Exec } from "../backend/exec";
import { reportPending } from "../cpu/debug";
import { deliverSoftware } from "../cpu/interrupts";
import { privileged } from "../cpu/modes";
import { Op } from "../decode/op";
import { of_ } from "../flags";
import {
  EVENT_PRIVILEGED_EXCEPTION,
  EVENT_SOFTWARE_EXCEPTION,
  EVENT_SOFTWARE_INTERRUPT,
  HALTED_HLT,
  OPTION_HOST_EXCEPTIONS,
  VECTOR_BP,
  VECTOR_BR,
  VECTOR_DB,
  VECTOR_GP,
  VECTOR_OF,
  VMX_NON_ROOT,
} from "../generated/constants";
import { raise, trap } from "../raise";
import { interceptSoftware } from "../vmx/events";
import { callsOut } from "../vmx/gate";

/** Bit 1 of an error code: it names a gate of the IDT. SDM Vol. 3 "Error Code" */
const ERROR_IDT: u32 = 2;

function interrupt(b: Exec, op: Op, vector: u32, type: u32): void {
  if (b.vmx == VMX_NON_ROOT) interceptSoftware(b, op, vector, type);
  if (type == EVENT_PRIVILEGED_EXCEPTION) reportPending(b);
  if ((b.options & OPTION_HOST_EXCEPTIONS) != 0) trap(b, op, vector);
  deliverSoftware(b, op, vector, type);
}

export function int3(b: Exec, op: Op): void {
  interrupt(b, op, VECTOR_BP, EVENT_SOFTWARE_EXCEPTION);
}

/** Breakpoints that have waited behind a load of SS come with it. */
export function int1(b: Exec, op: Op): void {
  b.debugHits = b.pendingDb;
  interrupt(b, op, VECTOR_DB, EVENT_PRIVILEGED_EXCEPTION);
}

/** The host that answers exceptions has gates that ring 3 may call for #BP and #OF only, as operating systems do. */
export function int(b: Exec, op: Op): void {
  const vector = <u32>op.imm & 0xff;
  if ((b.options & OPTION_HOST_EXCEPTIONS) != 0 && vector != VECTOR_BP && vector != VECTOR_OF)
    raise(b, op, VECTOR_GP, (vector << 3) | ERROR_IDT);
  interrupt(b, op, vector, EVENT_SOFTWARE_INTERRUPT);
}

export function into(b: Exec, op: Op): void {
  if (of_(b)) interrupt(b, op, VECTOR_OF, EVENT_SOFTWARE_EXCEPTION);
  else b.jump(b.nextRip(op));
}

/** The index is signed; both bounds are read before either is compared. */
export function bound<T>(b: Exec, op: Op): void {
  const index = <i64>b.sext<T>(b.register<T>(<usize>op.d));
  const at = b.readableAt(op, b.address(op), sizeof<T>() * 2);
  const low = <i64>b.sext<T>(<u64>load<T>(at));
  const high = <i64>b.sext<T>(<u64>load<T>(at + sizeof<T>()));
  if (index < low || index > high) raise(b, op, VECTOR_BR, 0);
}

export function hlt(b: Exec, op: Op): void {
  privileged(b, op);
  const next = b.nextRip(op);
  b.jump(next);
  if (callsOut(b, next - op.len)) return;
  b.halted = HALTED_HLT;
  b.endSlice();
}
