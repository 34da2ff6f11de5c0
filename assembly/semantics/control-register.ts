/**
 * Control and debug registers. SDM Vol. 2 "MOV—Move to/from Control Registers", "MOV—Move
 * to/from Debug Registers", "LMSW", "SMSW", "CLTS", "XSETBV".
 * What writing CR0, CR3 and CR4 entails stands in cpu/control-registers.ts.
 */
import { Exec } from "../backend/exec";
import { anyBreakpoint } from "../breakpoints";
import { writeCr0, writeCr3, writeCr4 } from "../cpu/control-registers";
import { raiseDebug } from "../cpu/debug";
import { privileged, settleMode } from "../cpu/modes";
import { Op } from "../decode/op";
import { setTaskPriority } from "../devices/lapic-interrupts";
import { CR0_TS, CR4_DE, CR4_OSXSAVE, DR6_BD, DR7_GD, VMX_NON_ROOT } from "../generated/constants";
import { MODEL_XCR0 } from "../memory-map";
import { flushTlb } from "../mmu/tlb-context";
import { raiseGp, raiseUd } from "../raise";
import { writeThrough } from "../vmx/fast-path";
import { loadsMsw, ownedCr0, ownedCr4, visibleCr0, visibleCr4 } from "../vmx/intercept-cr";
import { preventUserMode } from "./descriptor";

const UPPER: u64 = 0xffffffff00000000;

const DR6_ONES: u64 = 0xffff0ff0;
const DR6_ZEROS: u64 = 0x1000;
const DR7_ONES: u64 = 0x400;
const DR7_ZEROS: u64 = 0xd800;

const XCR0_X87: u64 = 1;

export function movFromCr<T>(b: Exec, op: Op): void {
  const n: u32 = op.s;
  existing(b, op, n);
  privileged(b, op);
  const v = n == 0 ? visibleCr0(b) : n == 2 ? b.cr2 : n == 3 ? b.cr3 : n == 4 ? visibleCr4(b) : <u64>(b.apicTpr >> 4);
  b.setRegister<T>(<usize>op.d, v);
}

export function movToCr<T>(b: Exec, op: Op): void {
  const n: u32 = op.d;
  existing(b, op, n);
  privileged(b, op);
  const v = b.register<T>(<usize>op.s);
  if (n == 0) writeCr0(b, op, ownedCr0(b, v));
  else if (n == 2) b.cr2 = v;
  else if (n == 3) writeCr3(b, op, v);
  else if (n == 4) writeCr4(b, op, ownedCr4(b, v));
  else {
    if (v > 15) raiseGp(b, op);
    setTaskPriority(b, (<u32>v) << 4);
  }
  if (b.vmx == VMX_NON_ROOT && (n == 0 || n == 4)) writeThrough(b, n, v);
  b.jump(b.nextRip(op));
}

function existing(b: Exec, op: Op, n: u32): void {
  if (n == 1 || (n > 4 && n != 8)) raiseUd(b, op);
}

export function smsw<T, D>(b: Exec, op: Op): void {
  preventUserMode(b, op);
  b.set<T, D>(op, visibleCr0(b));
}

/** Loads PE MP EM TS; PE cannot be cleared. */
export function lmsw<S>(b: Exec, op: Op): void {
  privileged(b, op);
  const source = b.src<u16, S>(op);
  const visible = loadsMsw(visibleCr0(b), source);
  writeCr0(b, op, ownedCr0(b, loadsMsw(b.cr0, source)));
  if (b.vmx == VMX_NON_ROOT) writeThrough(b, 0, visible);
  b.jump(b.nextRip(op));
}

export function clts(b: Exec, op: Op): void {
  privileged(b, op);
  const visible = visibleCr0(b) & ~(<u64>CR0_TS);
  b.cr0 = ownedCr0(b, b.cr0 & ~(<u64>CR0_TS));
  if (b.vmx == VMX_NON_ROOT) writeThrough(b, 0, visible);
  settleMode(b);
  b.jump(b.nextRip(op));
}

export function xsetbv(b: Exec, op: Op): void {
  if ((b.cr4 & CR4_OSXSAVE) == 0) raiseUd(b, op);
  privileged(b, op);
  if (!writeXcr(b, <u32>b.rcx, <u64>(<u32>b.rax) | (b.rdx << 32))) raiseGp(b, op);
  b.jump(b.nextRip(op));
}

/** False, with nothing changed: there is no such register, or it does not take the value. */
export function writeXcr(b: Exec, number: u32, v: u64): bool {
  if (number != 0 || (v & XCR0_X87) == 0 || (v & ~load<u64>(MODEL_XCR0)) != 0) return false;
  b.xcr0 = v;
  return true;
}

// ---- debug registers

export function movFromDr<T>(b: Exec, op: Op): void {
  const cell = debugRegister(b, op, op.s);
  b.setRegister<T>(<usize>op.d, load<u64>(cell));
}

export function movToDr<T>(b: Exec, op: Op): void {
  const cell = debugRegister(b, op, op.d);
  const v = b.register<T>(<usize>op.s);
  const n = op.d & 7;
  if (n >= 4 && (v & UPPER) != 0) raiseGp(b, op);
  const watched = anyBreakpoint(b);
  if (n < 4) store<u64>(cell, v);
  else if ((n & 1) == 0) store<u64>(cell, (v | DR6_ONES) & ~DR6_ZEROS);
  else store<u64>(cell, (v | DR7_ONES) & ~DR7_ZEROS);
  if (watched || anyBreakpoint(b)) flushTlb();
  settleMode(b);
  b.jump(b.nextRip(op));
}

/** Cell of a debug register; DR4 and DR5 are DR6 and DR7 unless CR4.DE is set. */
function debugRegister(b: Exec, op: Op, n: u32): usize {
  if (n > 7 || ((n & 6) == 4 && (b.cr4 & CR4_DE) != 0)) raiseUd(b, op);
  privileged(b, op);
  if ((b.dr7 & DR7_GD) != 0) {
    // in a guest a VM exit leaves it as it is
    if (b.vmx != VMX_NON_ROOT) b.dr7 &= ~(<u64>DR7_GD);
    raiseDebug(b, op, DR6_BD);
  }
  return changetype<usize>(b) + offsetof<Exec>("dr0") + ((<usize>((n & 6) == 4 ? n + 2 : n)) << 3);
}
