/** Interrupt and trap gates of 16 bytes, in IA-32e mode. SDM Vol. 3 "Exception and Interrupt Handling in 64-bit Mode". */
import { Op } from "../decode/op";
import { RFLAGS_IF, VECTOR_GP, VECTOR_NP } from "../generated/constants";
import { State } from "../generated/state";
import { readSystem } from "../mmu/system";
import { descriptor, descriptorAt, dplIn, isConforming, isPresent, markAccessed, raiseSelector, systemType } from "./descriptors";
import { checkTarget, innerSp, is64, readInnerStack, readInterruptStack, setCode } from "./far";
import { assumeLevel, keepLevel, pushFrame, setFramePointer, useLongStack } from "./frame";
import { eventVector, hasErrorCode, isSoftware, raiseForGate } from "./interrupt-event";
import { CLEARED, checkHandler, INTERRUPT_GATE, pushReturn, TRAP_GATE } from "./interrupt-gates";
import { setNull } from "./load";
import { jumpTo, loadFlags } from "./modes";
import { SS } from "./segments";

export function throughLongGate(s: State, op: Op, returnRip: u64): void {
  const offset = eventVector(s) << 4;
  if (offset + 15 > s.idtrLimit) raiseForGate(s, op, VECTOR_GP);
  const gate = readSystem<u64>(s, op, s.idtrBase + <u64>offset);
  const upper = readSystem<u64>(s, op, s.idtrBase + <u64>offset + 8);
  const type = systemType(gate);
  if (type != INTERRUPT_GATE && type != TRAP_GATE) raiseForGate(s, op, VECTOR_GP);
  if (isSoftware(s) && dplIn(gate) < s.cpl) raiseForGate(s, op, VECTOR_GP);
  if (!isPresent(gate)) raiseForGate(s, op, VECTOR_NP);
  const selector = <u32>(gate >> 16) & 0xffff;
  const to = (gate & 0xffff) | ((gate >> 32) & 0xffff0000) | (upper << 32);
  checkHandler(s, op, selector);
  const code = descriptor;
  const codeAt = descriptorAt;
  if (!is64(s, code)) raiseSelector(s, op, VECTOR_GP, selector);
  const old = s.cpl;
  const cpl = isConforming(code) ? old : dplIn(code);
  const stack = <u32>(gate >> 32) & 7;
  let sp = s.rsp;
  if (stack != 0) {
    readInterruptStack(s, op, stack);
    sp = innerSp;
  } else if (cpl < old) {
    readInnerStack(s, op, cpl);
    sp = innerSp;
  }
  checkTarget(s, op, code, to);
  useLongStack(s, op, sp & ~(<u64>15), 40 + (hasErrorCode(s) ? 8 : 0));
  const marked = markAccessed(s, op, code, codeAt);
  assumeLevel(s, cpl);
  pushFrame(s, op, 8, <u64>s.ss);
  pushFrame(s, op, 8, s.rsp);
  pushReturn(s, op, 8, returnRip);
  keepLevel(s);
  setFramePointer(s);
  if (cpl < old) setNull(s, SS, cpl, cpl);
  loadFlags(s, 0, CLEARED | (type == INTERRUPT_GATE ? RFLAGS_IF : 0));
  setCode(s, selector, marked, cpl);
  jumpTo(s, to);
}
