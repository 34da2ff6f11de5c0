/** Input and output. SDM Vol. 2 "IN", "OUT", "INS", "OUTS"; Vol. 1 "I/O Privilege Level", "I/O Permission Bit Map". */
import { Exec } from "../backend/exec";
import { isReal } from "../cpu/modes";
import { Op } from "../decode/op";
import { RFLAGS_IOPL, UNIMPLEMENTED_PORT } from "../generated/constants";
import { raiseGp, unimplemented } from "../raise";

/** Rings above IOPL would need the task's bitmap, which no task has as long as there are no ports behind it. */
function port(b: Exec, op: Op): void {
  if (!isReal(b) && b.cpl > (b.flagsOther & RFLAGS_IOPL) >> 12) raiseGp(b, op);
  unimplemented(b, op, UNIMPLEMENTED_PORT);
}

export function in_(b: Exec, op: Op): void {
  port(b, op);
}

export function out(b: Exec, op: Op): void {
  port(b, op);
}

export function ins(b: Exec, op: Op): void {
  port(b, op);
}

export function outs(b: Exec, op: Op): void {
  port(b, op);
}
