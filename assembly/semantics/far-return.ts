/** Far returns and returns from interrupts. SDM Vol. 2 "RET", "IRET/IRETD/IRETQ". */
import { Exec } from "../backend/exec";
import { retired } from "../clock";
import { descriptor, descriptorAt, dplIn, isNull, markAccessed, setFromDescriptor } from "../cpu/descriptors";
import { checkReturn, checkTarget, is64, setCode } from "../cpu/far";
import { setNull, setRealSegment, stackDescriptor } from "../cpu/load";
import { deriveMode, hasDescriptors, isLongMode, isReal, isVirtual8086, loadFlags } from "../cpu/modes";
import {
  CS,
  DS,
  ES,
  FS,
  GS,
  RIGHTS_CODE,
  RIGHTS_EXPAND_DOWN,
  RIGHTS_P,
  rightsOf,
  SS,
  segmentBase,
  segmentLimit,
  setSegment,
} from "../cpu/segments";
import { returnToTask } from "../cpu/task";
import { checkVirtualFlags } from "../cpu/virtual8086";
import { Op } from "../decode/op";
import {
  CR4_VME,
  RFLAGS_AC,
  RFLAGS_AF,
  RFLAGS_CF,
  RFLAGS_DF,
  RFLAGS_ID,
  RFLAGS_IF,
  RFLAGS_IOPL,
  RFLAGS_NT,
  RFLAGS_OF,
  RFLAGS_PF,
  RFLAGS_RF,
  RFLAGS_SF,
  RFLAGS_TF,
  RFLAGS_VIF,
  RFLAGS_VIP,
  RFLAGS_VM,
  RFLAGS_ZF,
  VECTOR_GP,
  VMX_NON_ROOT,
} from "../generated/constants";
import { PIN_NMI_EXITING, PIN_VIRTUAL_NMIS } from "../generated/vmx";
import { raiseGp } from "../raise";
import { readStackBytes } from "./far";

const ALWAYS: u32 = RFLAGS_CF | RFLAGS_PF | RFLAGS_AF | RFLAGS_ZF | RFLAGS_SF | RFLAGS_TF | RFLAGS_DF | RFLAGS_OF | RFLAGS_NT;
const ALL: u32 = ALWAYS | RFLAGS_IF | RFLAGS_IOPL | RFLAGS_RF | RFLAGS_VM | RFLAGS_AC | RFLAGS_VIF | RFLAGS_VIP | RFLAGS_ID;

export function retFar<U>(b: Exec, op: Op): void {
  returnFar(b, op, sizeof<U>(), 0);
}

export function retFarImm<U>(b: Exec, op: Op): void {
  returnFar(b, op, sizeof<U>(), <u64>op.imm & 0xffff);
}

/** `extra` bytes of parameters are dropped from both stacks. */
function returnFar(b: Exec, op: Op, bytes: u64, extra: u64): void {
  const to = readStackBytes(b, op, b.rsp, bytes);
  const selector = <u32>readStackBytes(b, op, b.rsp + bytes, bytes) & 0xffff;
  if (!hasDescriptors(b)) {
    if (to > <u64>b.csLimit) raiseGp(b, op);
    setRealSegment(b, CS, selector);
    b.drop(bytes * 2 + extra);
    return b.jump(to);
  }
  checkReturn(b, op, selector);
  if ((selector & 3) != b.cpl) return returnWithStack(b, op, selector, to, b.rsp + bytes * 2 + extra, bytes, extra);
  checkTarget(b, op, descriptor, to);
  const d = markAccessed(b, op, descriptor, descriptorAt);
  b.drop(bytes * 2 + extra);
  setCode(b, selector, d, b.cpl);
  b.jump(to);
}

/** The code segment's checked descriptor is the last one read; the stack to go back to is noted at `at`. */
function returnWithStack(b: Exec, op: Op, selector: u32, to: u64, at: u64, bytes: u64, extra: u64): void {
  const code = descriptor;
  const codeAt = descriptorAt;
  const cpl = selector & 3;
  const sp = readStackBytes(b, op, at, bytes) + extra;
  const ss = <u32>readStackBytes(b, op, at + bytes, bytes) & 0xffff;
  if (isNull(ss) && (!is64(b, code) || cpl == 3 || (ss & 3) != cpl)) raiseGp(b, op);
  const stack = isNull(ss) ? 0 : stackDescriptor(b, op, ss, cpl, VECTOR_GP);
  checkTarget(b, op, code, to);
  const marked = markAccessed(b, op, code, codeAt);
  const outer = cpl > b.cpl;
  if (isNull(ss)) setNull(b, SS, ss, cpl);
  else setFromDescriptor(b, SS, ss, stack);
  setCode(b, selector, marked, cpl);
  b.rsp = b.stackMask == 0xffff ? (b.rsp & ~(<u64>0xffff)) | (sp & 0xffff) : sp & b.stackMask;
  if (outer) dropInnerSegments(b);
  b.jump(to);
}

/** Data segments that the outer level may not use become null. Their bases stay, and so do those of FS and GS behind null selectors. */
function dropInnerSegments(b: Exec): void {
  dropIfInner(b, ES);
  dropIfInner(b, DS);
  dropIfInner(b, FS);
  dropIfInner(b, GS);
}

function dropIfInner(b: Exec, segment: u32): void {
  const rights = rightsOf(b, segment);
  const conforming = (rights & (RIGHTS_CODE | RIGHTS_EXPAND_DOWN)) == (RIGHTS_CODE | RIGHTS_EXPAND_DOWN);
  if ((rights & RIGHTS_P) == 0 || conforming || ((rights >> 5) & 3) >= b.cpl) return;
  setSegment(b, segment, 0, segmentBase(b, segment), segmentLimit(b, segment), rights & ~RIGHTS_P);
}

/** NMIs are no longer blocked, even if the IRET faults: then a VM exit tells. A guest whose NMIs exit does it with virtual NMIs only. */
function unblockNmi(b: Exec, op: Op): void {
  if (b.vmx == VMX_NON_ROOT && (b.vmxPin & (PIN_NMI_EXITING | PIN_VIRTUAL_NMIS)) == PIN_NMI_EXITING) return;
  b.nmiBlocked = 0;
  b.nmiUnblockedAt = retired(b) - <u64>op.left + 1;
}

/** In 64-bit mode SS and RSP are popped always, else only by a return to an outer level. */
export function iret<U>(b: Exec, op: Op): void {
  const bytes: u64 = sizeof<U>();
  if (b.nmiBlocked != 0) unblockNmi(b, op);
  if (isVirtual8086(b) && (b.flagsOther & RFLAGS_IOPL) != RFLAGS_IOPL) return returnVirtual(b, op, bytes);
  if (hasDescriptors(b) && (b.flagsOther & RFLAGS_NT) != 0) {
    if (isLongMode(b)) raiseGp(b, op);
    return returnToTask(b, op);
  }
  const sp = b.rsp;
  const to = readStackBytes(b, op, sp, bytes);
  const selector = <u32>readStackBytes(b, op, sp + bytes, bytes) & 0xffff;
  const flags = <u32>readStackBytes(b, op, sp + bytes * 2, bytes);
  const mask = loadable(b, bytes);
  if (!hasDescriptors(b)) {
    if (to > <u64>b.csLimit) raiseGp(b, op);
    setRealSegment(b, CS, selector);
    b.drop(bytes * 3);
    b.jump(to);
  } else if (bytes == 4 && (flags & RFLAGS_VM) != 0 && b.cpl == 0 && !isLongMode(b)) return returnToVirtual8086(b, op, to, selector, flags);
  else {
    checkReturn(b, op, selector);
    if (b.mode == 2 || (selector & 3) != b.cpl) returnWithStack(b, op, selector, to, sp + bytes * 3, bytes, 0);
    else {
      checkTarget(b, op, descriptor, to);
      const d = markAccessed(b, op, descriptor, descriptorAt);
      b.drop(bytes * 3);
      setCode(b, selector, d, b.cpl);
      b.jump(to);
    }
  }
  loadFlags(b, flags, mask);
}

/** The flags that IRET may change here. */
function loadable(b: Exec, bytes: u64): u32 {
  let mask = ALWAYS;
  if (bytes > 2) mask |= RFLAGS_RF | RFLAGS_AC | RFLAGS_ID;
  if (b.cpl <= (b.flagsOther & RFLAGS_IOPL) >> 12) mask |= RFLAGS_IF;
  if (b.cpl == 0) mask |= RFLAGS_IOPL;
  if (b.cpl == 0 && bytes > 2 && !isReal(b)) mask |= RFLAGS_VIF | RFLAGS_VIP;
  return mask;
}

/** Within a virtual-8086 task below IOPL 3: 16 bits with CR4.VME only, and VIF is loaded for IF. */
function returnVirtual(b: Exec, op: Op, bytes: u64): void {
  if (bytes != 2 || (b.cr4 & CR4_VME) == 0) raiseGp(b, op);
  const to = b.readStack<u16>(op, b.rsp);
  const selector = <u32>b.readStack<u16>(op, b.rsp + 2);
  const flags = <u32>b.readStack<u16>(op, b.rsp + 4);
  checkVirtualFlags(b, op, flags);
  setRealSegment(b, CS, selector);
  b.drop(6);
  b.jump(to);
  loadFlags(b, flags | ((flags & RFLAGS_IF) != 0 ? RFLAGS_VIF : 0), ALWAYS | RFLAGS_VIF);
}

function returnToVirtual8086(b: Exec, op: Op, to: u64, selector: u32, flags: u32): void {
  const sp = b.rsp;
  if (to > 0xffff) raiseGp(b, op);
  const outerSp = b.readStack<u32>(op, sp + 12);
  const ss = <u32>b.readStack<u32>(op, sp + 16) & 0xffff;
  const es = <u32>b.readStack<u32>(op, sp + 20) & 0xffff;
  const ds = <u32>b.readStack<u32>(op, sp + 24) & 0xffff;
  const fs = <u32>b.readStack<u32>(op, sp + 28) & 0xffff;
  const gs = <u32>b.readStack<u32>(op, sp + 32) & 0xffff;
  loadFlags(b, flags, ALL);
  setRealSegment(b, CS, selector);
  setRealSegment(b, SS, ss);
  setRealSegment(b, ES, es);
  setRealSegment(b, DS, ds);
  setRealSegment(b, FS, fs);
  setRealSegment(b, GS, gs);
  b.cpl = 3;
  b.rsp = outerSp;
  deriveMode(b);
  b.jump(to);
}
