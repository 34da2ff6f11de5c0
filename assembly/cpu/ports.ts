/** Who may use a port. SDM Vol. 1 "I/O Privilege Level", "I/O Permission Bit Map". */
import { Op } from "../decode/op";
import { RFLAGS_IOPL } from "../generated/constants";
import { State } from "../generated/state";
import { readSystem } from "../mmu/system";
import { raiseGp } from "../raise";
import { AVAILABLE_TSS, BUSY } from "./descriptors";
import { isReal, isVirtual8086 } from "./modes";

/** where a task-state segment of 32 or 64 bits keeps the offset of its bitmap */
const TSS_IO_MAP: u64 = 102;

/** #GP(0) if the program may not use `size` ports from `port` on. */
export function checkPort(s: State, op: Op, port: u32, size: u32): void {
  if (isReal(s) || (!isVirtual8086(s) && s.cpl <= (s.flagsOther & RFLAGS_IOPL) >> 12)) return;
  if ((s.trRights & 0xff & ~BUSY) != (0x80 | AVAILABLE_TSS) || s.trLimit < <u32>TSS_IO_MAP + 1) raiseGp(s, op);
  const at = <u32>readSystem<u16>(s, op, s.trBase + TSS_IO_MAP) + (port >> 3);
  // two bytes are read, whatever the size
  if (at + 1 > s.trLimit) raiseGp(s, op);
  const bits = <u32>readSystem<u16>(s, op, s.trBase + <u64>at) >> (port & 7);
  if ((bits & ((1 << size) - 1)) != 0) raiseGp(s, op);
}
