/**
 * Interrupt handling as on the 8086: a table of far pointers. SDM Vol. 3 "Interrupt and Exception Handling" of real-address mode, and
 * "Class 3—Software Interrupt Handling in Virtual-8086 Mode" for tasks that CR4.VME lets handle their own software interrupts.
 */
import { Op } from "../decode/op";
import { rflags } from "../flags";
import { RFLAGS_AC, RFLAGS_IF, RFLAGS_IOPL, RFLAGS_RF, RFLAGS_TF, RFLAGS_VIF, VECTOR_GP } from "../generated/constants";
import { State } from "../generated/state";
import { readSystem, readUser } from "../mmu/system";
import { raiseGp } from "../raise";
import { AVAILABLE_TSS, BUSY } from "./descriptors";
import { pushFrame, setFramePointer, useCurrentStack } from "./frame";
import { eventVector, pushedFlags, raiseForGate } from "./interrupt-event";
import { setRealSegment } from "./load";
import { jumpTo, loadFlags } from "./modes";
import { CS } from "./segments";
import { withVif } from "./virtual8086";

/** where a 32-bit TSS has the offset of its I/O permission bitmap; the 32 bytes before that are the redirection bitmap */
const IO_MAP_BASE: u64 = 102;

/** Real-address mode: the table is at the base in IDTR. */
export function throughTable(s: State, op: Op, returnRip: u64): void {
  const offset = eventVector(s) << 2;
  if (offset + 3 > s.idtrLimit) raiseForGate(s, op, VECTOR_GP);
  const pointer = readSystem<u32>(s, op, s.idtrBase + <u64>offset);
  enter(s, op, pointer, pushedFlags(s), returnRip);
  loadFlags(s, 0, RFLAGS_IF | RFLAGS_TF | RFLAGS_AC | RFLAGS_RF);
}

/** Whether a virtual-8086 task handles INT n itself: its bit in the redirection bitmap is clear. */
export function isRedirected(s: State, op: Op, vector: u32): bool {
  if (((<u32>s.trRights & 15) | BUSY) != (AVAILABLE_TSS | BUSY) || <u64>s.trLimit < IO_MAP_BASE + 1) raiseGp(s, op);
  const at = readSystem<u16>(s, op, s.trBase + IO_MAP_BASE) - 32 + <u64>(vector >> 3);
  if (at > <u64>s.trLimit) raiseGp(s, op);
  return ((readSystem<u8>(s, op, s.trBase + at) >> (vector & 7)) & 1) == 0;
}

/** The task's own table is at linear address 0. Below IOPL 3 it sees VIF for IF. */
export function throughTableOfTask(s: State, op: Op, vector: u32, returnRip: u64): void {
  const virtual = (s.flagsOther & RFLAGS_IOPL) != RFLAGS_IOPL;
  const pointer = readUser<u32>(s, op, (<u64>vector) << 2);
  let flags = rflags(s);
  if (virtual) flags = withVif(flags);
  enter(s, op, pointer, flags, returnRip);
  loadFlags(s, 0, (virtual ? RFLAGS_VIF : RFLAGS_IF) | RFLAGS_TF | RFLAGS_RF);
}

function enter(s: State, op: Op, pointer: u64, flags: u32, returnRip: u64): void {
  if ((pointer & 0xffff) > <u64>s.csLimit) raiseGp(s, op);
  useCurrentStack(s);
  pushFrame(s, op, 2, <u64>flags);
  pushFrame(s, op, 2, <u64>s.cs);
  pushFrame(s, op, 2, returnRip);
  setFramePointer(s);
  setRealSegment(s, CS, <u32>(pointer >> 16));
  jumpTo(s, pointer & 0xffff);
}
