/**
 * Task switches. SDM Vol. 3 "Task Management". Up to the moment when the old task is saved an exception belongs to the old task and leaves
 * it as it was; after that it belongs to the new one, whose registers are loaded, and is raised at its first instruction.
 *
 *     16-bit TSS   0 link · 2 SP SS of rings 0-2 · 14 IP · 16 FLAGS · 18 AX CX DX BX SP BP SI DI · 34 ES CS SS DS · 42 LDT
 *     32-bit TSS   0 link · 4 ESP SS of rings 0-2 · 28 CR3 · 32 EIP · 36 EFLAGS · 40 EAX … EDI · 72 ES CS SS DS FS GS · 96 LDT · 100 T · 102 map
 */
import { Op } from "../decode/op";
import { rflags } from "../flags";
import { CR0_PG, CR0_TS, DR6_BT, RFLAGS_NT, RFLAGS_VM, VECTOR_GP, VECTOR_NP, VECTOR_TS, VMX_NON_ROOT } from "../generated/constants";
import { State } from "../generated/state";
import { EXIT_REASON_TASK_SWITCH } from "../generated/vmx";
import { checkSystem, readSystem, writeSystem } from "../mmu/system";
import { raiseExit, raiseGp } from "../raise";
import { writeCr3 } from "./control-registers";
import { raiseDebug } from "./debug";
import {
  AVAILABLE_TSS,
  AVAILABLE_TSS16,
  BUSY,
  baseIn,
  descriptor,
  descriptorAt,
  dplIn,
  isCodeSegment,
  isConforming,
  isNull,
  isPresent,
  isReadable,
  LDT,
  limitIn,
  markAccessed,
  needDescriptor,
  raiseSelector,
  rightsIn,
  setFromDescriptor,
  systemType,
} from "./descriptors";
import { pushFrame, setFramePointer, useCurrentStack } from "./frame";
import { hasErrorCode, pushedFlags } from "./interrupt-event";
import { setNull, setRealSegment, stackDescriptor } from "./load";
import { deriveMode, isVirtual8086, jumpTo, loadFlags } from "./modes";
import { CS, DS, ES, LDTR, SS, selectorOf, setSegment, TR } from "./segments";

// how a switch came about
const JUMP: u32 = 0;
/** CALL, interrupt or exception: the new task is nested in the old one */
const NEST: u32 = 1;
const RETURN: u32 = 2;

/** SDM Vol. 3 "Exit Qualification for Task Switches" */
const BY_CALL: u32 = 0;
const BY_IRET: u32 = 1;
const BY_JMP: u32 = 2;
const BY_GATE: u32 = 3;

/** least limits of a TSS that is entered, and of one that is left */
const ENTERED: u32 = 0x67;
const ENTERED16: u32 = 0x2b;
const LEFT: u32 = 0x5f;
const LEFT16: u32 = 0x29;
const ALL_FLAGS: u32 = 0x3f7fd5;
const LOCAL_BREAKPOINTS: u64 = 0x155;
const NONE: Op = changetype<Op>(0);

/** JMP to a TSS or through a task gate, to the TSS named by `selector`. */
export function jumpToTask(s: State, op: Op, selector: u32): void {
  needTss(s, op, selector, 0, VECTOR_GP);
  exitInGuest(s, op, selector, BY_JMP);
  switchTask(s, op, selector, JUMP, s.blockRip + <u64>op.off + <u64>op.len, rflags(s));
  finish(s);
}

export function callTask(s: State, op: Op, selector: u32): void {
  needTss(s, op, selector, 0, VECTOR_GP);
  exitInGuest(s, op, selector, BY_CALL);
  switchTask(s, op, selector, NEST, s.blockRip + <u64>op.off + <u64>op.len, rflags(s));
  finish(s);
}

/** IRET with RFLAGS.NT: back to the task that the current one names as its predecessor. */
export function returnToTask(s: State, op: Op): void {
  const selector = <u32>readSystem<u16>(s, op, s.trBase);
  needTss(s, op, selector, BUSY, VECTOR_TS);
  exitInGuest(s, op, selector, BY_IRET);
  switchTask(s, op, selector, RETURN, s.blockRip + <u64>op.off + <u64>op.len, rflags(s) & ~RFLAGS_NT);
  finish(s);
}

/** Delivers the event through a task gate; its error code goes on the new task's stack. */
export function interruptTask(s: State, op: Op, selector: u32, returnRip: u64): void {
  needTss(s, op, selector, 0, VECTOR_GP);
  exitInGuest(s, op, selector, BY_GATE);
  const bytes: u64 = (systemType(descriptor) & 8) != 0 ? 4 : 2;
  switchTask(s, op, selector, NEST, returnRip, pushedFlags(s));
  if (hasErrorCode(s)) {
    useCurrentStack(s);
    pushFrame(s, NONE, bytes, <u64>s.errorCode);
    setFramePointer(s);
  }
  finish(s);
}

/** Leaves the descriptor of a present TSS behind that is available, or BUSY. */
function needTss(s: State, op: Op, selector: u32, busy: u32, vector: u32): void {
  if ((selector & 4) != 0 || isNull(selector)) raiseSelector(s, op, vector, selector);
  needDescriptor(s, op, selector, 8, vector);
  const type = systemType(descriptor);
  if (type != (AVAILABLE_TSS | busy) && type != (AVAILABLE_TSS16 | busy)) raiseSelector(s, op, vector, selector);
  if (!isPresent(descriptor)) raiseSelector(s, op, VECTOR_NP, selector);
}

/** Guests do not switch tasks. SDM Vol. 3 "Treatment of Task Switches": behind the checks of the descriptor and its limit. */
function exitInGuest(s: State, op: Op, selector: u32, source: u32): void {
  if (s.vmx != VMX_NON_ROOT) return;
  if (((rightsIn(descriptor) & 8) != 0 ? ENTERED : ENTERED16) > limitIn(descriptor)) raiseSelector(s, op, VECTOR_TS, selector);
  raiseExit(s, op, EXIT_REASON_TASK_SWITCH, <u64>(selector | (source << 30)));
}

/** To the task whose TSS descriptor was read last. */
function switchTask(s: State, op: Op, selector: u32, how: u32, returnRip: u64, flags: u32): void {
  const d = descriptor;
  const at = descriptorAt;
  const oldAt = s.gdtrBase + <u64>(s.tr & 0xfff8) + 5;
  const tss = baseIn(d);
  checkPresent(s, op, d, selector, oldAt, at + 5);
  if (how != NEST) writeSystem<u8>(s, op, oldAt, readSystem<u8>(s, op, oldAt) & ~(<u64>BUSY));
  if ((s.trRights & 8) != 0) save<u32>(s, op, s.trBase + 32, returnRip, flags, 6);
  else save<u16>(s, op, s.trBase + 14, returnRip, flags, 4);
  if (how == NEST) writeSystem<u16>(s, op, tss, <u64>s.tr);
  if (how != RETURN) writeSystem<u8>(s, op, at + 5, (d >> 40) | BUSY);
  setSegment(s, TR, selector, tss, limitIn(d), rightsIn(d) | BUSY);
  s.cr0 |= CR0_TS;
  s.dr7 &= ~LOCAL_BREAKPOINTS;
  s.inhibit = 0;
  if ((rightsIn(d) & 8) != 0) load32(s, tss, how);
  else load16(s, tss, how);
}

/** Both tasks' state must lie in their segments, and everything that is going to be accessed in memory. */
function checkPresent(s: State, op: Op, d: u64, selector: u32, oldAt: u64, newAt: u64): void {
  const wide = (rightsIn(d) & 8) != 0;
  const oldWide = (s.trRights & 8) != 0;
  if ((wide ? ENTERED : ENTERED16) > limitIn(d)) raiseSelector(s, op, VECTOR_TS, selector);
  if ((oldWide ? LEFT : LEFT16) > s.trLimit) raiseSelector(s, op, VECTOR_TS, s.tr);
  checkSystem(s, op, oldAt, 1);
  checkSystem(s, op, newAt, 1);
  checkSystem(s, op, s.trBase, oldWide ? LEFT + 1 : LEFT16 + 1);
  checkSystem(s, op, baseIn(d), wide ? ENTERED + 1 : ENTERED16 + 1);
}

/** Registers into the TSS from its instruction pointer on. */
function save<T>(s: State, op: Op, at: u64, rip: u64, flags: u32, segments: u32): void {
  const size: u64 = sizeof<T>();
  writeSystem<T>(s, op, at, rip);
  writeSystem<T>(s, op, at + size, <u64>flags);
  for (let n: u64 = 0; n < 8; n++) writeSystem<T>(s, op, at + (n + 2) * size, load<u64>(changetype<usize>(s) + ((<usize>n) << 3)));
  for (let n: u32 = 0; n < segments; n++) writeSystem<u16>(s, op, at + <u64>(n + 10) * size, <u64>selectorOf(s, n));
}

function load32(s: State, tss: u64, how: u32): void {
  const cr3 = readSystem<u32>(s, NONE, tss + 28);
  const ldt = <u32>readSystem<u16>(s, NONE, tss + 96);
  const traps = (readSystem<u8>(s, NONE, tss + 100) & 1) != 0;
  loadRegisters<u32>(s, tss + 32, how, 6);
  if ((s.cr0 & CR0_PG) != 0) writeCr3(s, NONE, cr3);
  loadSegments(s, ldt);
  if (traps) trapPending = true;
}

function load16(s: State, tss: u64, how: u32): void {
  const ldt = <u32>readSystem<u16>(s, NONE, tss + 42);
  loadRegisters<u16>(s, tss + 14, how, 4);
  loadSegments(s, ldt);
}

/** General registers, flags and instruction pointer; of the segment registers only the selectors, so that nothing can be done with them. */
function loadRegisters<T>(s: State, at: u64, how: u32, segments: u32): void {
  const size: u64 = sizeof<T>();
  trapPending = false;
  jumpTo(s, readSystem<T>(s, NONE, at));
  const flags = <u32>readSystem<T>(s, NONE, at + size) | (how == NEST ? RFLAGS_NT : 0);
  for (let n: u64 = 0; n < 8; n++) store<u64>(changetype<usize>(s) + ((<usize>n) << 3), readSystem<T>(s, NONE, at + (n + 2) * size));
  for (let n: u32 = 0; n < 6; n++) setNull(s, n, n < segments ? <u32>readSystem<u16>(s, NONE, at + <u64>(n + 10) * size) : 0, 0);
  // a fault before CS is loaded finds the handler's stack by changing the level
  s.cpl = 3;
  loadFlags(s, flags, ALL_FLAGS);
}

/** SDM Vol. 3 "Exception Conditions Checked During a Task Switch" */
function loadSegments(s: State, ldt: u32): void {
  loadLdt(s, ldt);
  if (isVirtual8086(s)) {
    for (let n = ES; n <= 5; n++) setRealSegment(s, n, selectorOf(s, n));
    deriveMode(s);
  } else {
    loadCode(s, selectorOf(s, CS));
    const ss = selectorOf(s, SS);
    if (isNull(ss)) raiseSelector(s, NONE, VECTOR_TS, ss);
    setFromDescriptor(s, SS, ss, stackDescriptor(s, NONE, ss, s.cpl, VECTOR_TS));
    deriveMode(s);
    for (let n = ES; n <= 5; n++) if (n == ES || n >= DS) loadData(s, n, selectorOf(s, n));
  }
}

function loadLdt(s: State, selector: u32): void {
  setNull(s, LDTR, selector, 0);
  if (isNull(selector)) return;
  if ((selector & 4) != 0) raiseSelector(s, NONE, VECTOR_TS, selector);
  needDescriptor(s, NONE, selector, 8, VECTOR_TS);
  if (systemType(descriptor) != LDT || !isPresent(descriptor)) raiseSelector(s, NONE, VECTOR_TS, selector);
  setFromDescriptor(s, LDTR, selector, descriptor);
}

function loadCode(s: State, selector: u32): void {
  if (isNull(selector)) raiseSelector(s, NONE, VECTOR_TS, selector);
  needDescriptor(s, NONE, selector, 8, VECTOR_TS);
  const d = descriptor;
  const rpl = selector & 3;
  if (!isCodeSegment(d) || (isConforming(d) ? dplIn(d) > rpl : dplIn(d) != rpl)) raiseSelector(s, NONE, VECTOR_TS, selector);
  if (!isPresent(d)) raiseSelector(s, NONE, VECTOR_NP, selector);
  setFromDescriptor(s, CS, selector, markAccessed(s, NONE, d, descriptorAt));
  s.cpl = rpl;
  deriveMode(s);
}

function loadData(s: State, segment: u32, selector: u32): void {
  if (isNull(selector)) return;
  needDescriptor(s, NONE, selector, 8, VECTOR_TS);
  const d = descriptor;
  if (!isReadable(d) || (!isConforming(d) && ((selector & 3) > dplIn(d) || s.cpl > dplIn(d)))) raiseSelector(s, NONE, VECTOR_TS, selector);
  if (!isPresent(d)) raiseSelector(s, NONE, VECTOR_NP, selector);
  setFromDescriptor(s, segment, selector, markAccessed(s, NONE, d, descriptorAt));
}

/** the new task's T flag is set */
let trapPending: bool = false;

/** The first instruction must lie in the code segment; the T flag traps before it. */
function finish(s: State): void {
  if (s.rip > <u64>s.csLimit) raiseGp(s, NONE);
  if (!trapPending) return;
  s.delivering = 0;
  raiseDebug(s, NONE, DR6_BT);
}
