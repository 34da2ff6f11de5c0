/** SDM Vol. 2 "RDMSR", "WRMSR", "RDPMC". */
import { Exec } from "../backend/exec";
import { stamp } from "../clock";
import { privileged } from "../cpu/modes";
import { msrValue, readMsr, writeMsr } from "../cpu/msrs";
import { Op } from "../decode/op";
import { raiseGp } from "../raise";

export function rdmsr(b: Exec, op: Op): void {
  privileged(b, op);
  stamp(b, op);
  if (!readMsr(b, op, <u32>b.rcx)) raiseGp(b, op);
  b.rax = msrValue & 0xffffffff;
  b.rdx = msrValue >> 32;
}

export function wrmsr(b: Exec, op: Op): void {
  privileged(b, op);
  stamp(b, op);
  if (!writeMsr(b, op, <u32>b.rcx, <u64>(<u32>b.rax) | (b.rdx << 32))) raiseGp(b, op);
  b.jump(b.nextRip(op));
}

/** There are no counters, so no number is right. */
export function rdpmc(b: Exec, op: Op): void {
  raiseGp(b, op);
}
