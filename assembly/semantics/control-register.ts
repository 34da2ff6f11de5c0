/**
 * Control and debug registers, and the mode changes that come with them. SDM Vol. 2 "MOV—Move to/from Control Registers", "MOV—Move
 * to/from Debug Registers", "LMSW", "SMSW", "CLTS", "XSETBV"; Vol. 3 "Control Registers", "Initializing IA-32e Mode".
 */
import { Exec } from "../backend/exec";
import { anyBreakpoint } from "../breakpoints";
import { raiseDebug } from "../cpu/debug";
import { BUSY_TSS } from "../cpu/descriptors";
import { deriveMode, isLongMode, privileged, settleMode } from "../cpu/modes";
import { RIGHTS_L } from "../cpu/segments";
import { Op } from "../decode/op";
import { setTaskPriority } from "../devices/lapic-interrupts";
import {
  ADDRESS_BITS_PHYSICAL,
  CR0_AM,
  CR0_CD,
  CR0_EM,
  CR0_ET,
  CR0_MP,
  CR0_NE,
  CR0_NW,
  CR0_PE,
  CR0_PG,
  CR0_TS,
  CR0_WP,
  CR4_DE,
  CR4_FSGSBASE,
  CR4_MCE,
  CR4_OSFXSR,
  CR4_OSXMMEXCPT,
  CR4_OSXSAVE,
  CR4_PAE,
  CR4_PCE,
  CR4_PCIDE,
  CR4_PGE,
  CR4_PSE,
  CR4_PVI,
  CR4_SMAP,
  CR4_SMEP,
  CR4_TSD,
  CR4_UMIP,
  CR4_VME,
  DR6_BD,
  DR7_GD,
  EFER_LMA,
  EFER_LME,
  UNIMPLEMENTED_PAGING,
} from "../generated/constants";
import { flushTlb } from "../mmu/tlb";
import { raiseGp, raiseUd, unimplemented } from "../raise";
import { preventUserMode } from "./descriptor";

const CR0_WRITABLE: u64 = CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_NE | CR0_WP | CR0_AM | CR0_NW | CR0_CD | CR0_PG;
const CR4_PAGING: u64 = CR4_PSE | CR4_PAE | CR4_PGE | CR4_PCIDE | CR4_SMEP | CR4_SMAP;
const CR4_WRITABLE: u64 =
  CR4_PAGING |
  CR4_VME |
  CR4_PVI |
  CR4_TSD |
  CR4_DE |
  CR4_MCE |
  CR4_PCE |
  CR4_OSFXSR |
  CR4_OSXMMEXCPT |
  CR4_UMIP |
  CR4_FSGSBASE |
  CR4_OSXSAVE;
/** above the width of our physical addresses */
const CR3_RESERVED: u64 = ~(((<u64>1) << ADDRESS_BITS_PHYSICAL) - 1);
/** with PCIDE: keep the translations of the new PCID */
const CR3_KEEP: u64 = 1 << 63;
const LOW_12: u64 = 0xfff;
const UPPER: u64 = 0xffffffff00000000;

const DR6_ONES: u64 = 0xffff0ff0;
const DR6_ZEROS: u64 = 0x1000;
const DR7_ONES: u64 = 0x400;
const DR7_ZEROS: u64 = 0xd800;

const XCR0_X87: u64 = 1;
const XCR0_SSE: u64 = 2;

export function movFromCr<T>(b: Exec, op: Op): void {
  const n: u32 = op.s;
  existing(b, op, n);
  privileged(b, op);
  const v = n == 0 ? b.cr0 : n == 2 ? b.cr2 : n == 3 ? b.cr3 : n == 4 ? b.cr4 : <u64>(b.apicTpr >> 4);
  b.setRegister<T>(<usize>op.d, v);
}

export function movToCr<T>(b: Exec, op: Op): void {
  const n: u32 = op.d;
  existing(b, op, n);
  privileged(b, op);
  const v = b.register<T>(<usize>op.s);
  if (n == 0) writeCr0(b, op, v);
  else if (n == 2) b.cr2 = v;
  else if (n == 3) writeCr3(b, op, v);
  else if (n == 4) writeCr4(b, op, v);
  else {
    if (v > 15) raiseGp(b, op);
    setTaskPriority(b, (<u32>v) << 4);
  }
  b.jump(b.nextRip(op));
}

function existing(b: Exec, op: Op, n: u32): void {
  if (n == 1 || (n > 4 && n != 8)) raiseUd(b, op);
}

function writeCr0(b: Exec, op: Op, v: u64): void {
  const old = b.cr0;
  if ((v & UPPER) != 0) raiseGp(b, op);
  if ((v & (CR0_PG | CR0_PE)) == CR0_PG || (v & (CR0_NW | CR0_CD)) == CR0_NW) raiseGp(b, op);
  if ((v & ~old & CR0_PG) != 0) startPaging(b, op);
  if ((old & ~v & CR0_PG) != 0 && (b.mode == 2 || (b.cr4 & CR4_PCIDE) != 0)) raiseGp(b, op);
  b.cr0 = (v & CR0_WRITABLE) | CR0_ET;
  if ((v & CR0_PG) == 0) b.efer &= ~(<u64>EFER_LMA);
  else if ((b.efer & EFER_LME) != 0) b.efer |= EFER_LMA;
  if (((old ^ v) & (CR0_PG | CR0_WP)) != 0) flushTlb();
  deriveMode(b);
}

/** Paging goes on: into IA-32e mode if EFER.LME says so. */
function startPaging(b: Exec, op: Op): void {
  if ((b.efer & EFER_LME) == 0) unimplemented(b, op, UNIMPLEMENTED_PAGING);
  const type = <u32>b.trRights & 15;
  if ((b.cr4 & CR4_PAE) == 0 || (b.csRights & RIGHTS_L) != 0 || (type != BUSY_TSS && type < 8 && b.tr != 0)) raiseGp(b, op);
}

function writeCr3(b: Exec, op: Op, v: u64): void {
  const keep = (b.cr4 & CR4_PCIDE) != 0 ? CR3_KEEP : 0;
  if ((v & CR3_RESERVED & ~keep) != 0) raiseGp(b, op);
  b.cr3 = v & ~keep;
  flushTlb();
}

function writeCr4(b: Exec, op: Op, v: u64): void {
  const old = b.cr4;
  if ((v & ~CR4_WRITABLE) != 0) raiseGp(b, op);
  if (isLongMode(b) && (v & CR4_PAE) == 0) raiseGp(b, op);
  if ((v & ~old & CR4_PCIDE) != 0 && (!isLongMode(b) || (b.cr3 & LOW_12) != 0)) raiseGp(b, op);
  b.cr4 = v;
  if (((old ^ v) & CR4_PAGING) != 0) flushTlb();
  settleMode(b);
}

export function smsw<T, D>(b: Exec, op: Op): void {
  preventUserMode(b, op);
  b.set<T, D>(op, b.cr0);
}

/** Loads PE MP EM TS; PE cannot be cleared. */
export function lmsw<S>(b: Exec, op: Op): void {
  privileged(b, op);
  const bits: u64 = CR0_PE | CR0_MP | CR0_EM | CR0_TS;
  const v = (b.src<u16, S>(op) & bits) | (b.cr0 & CR0_PE);
  writeCr0(b, op, (b.cr0 & ~bits) | v);
  b.jump(b.nextRip(op));
}

export function clts(b: Exec, op: Op): void {
  privileged(b, op);
  b.cr0 &= ~(<u64>CR0_TS);
  settleMode(b);
  b.jump(b.nextRip(op));
}

export function xsetbv(b: Exec, op: Op): void {
  if ((b.cr4 & CR4_OSXSAVE) == 0) raiseUd(b, op);
  privileged(b, op);
  const v = <u64>(<u32>b.rax) | (b.rdx << 32);
  if (<u32>b.rcx != 0 || (v & XCR0_X87) == 0 || (v & ~(XCR0_X87 | XCR0_SSE)) != 0) raiseGp(b, op);
  b.xcr0 = v;
  b.jump(b.nextRip(op));
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
    b.dr7 &= ~(<u64>DR7_GD);
    raiseDebug(b, op, DR6_BD);
  }
  return changetype<usize>(b) + offsetof<Exec>("dr0") + ((<usize>((n & 6) == 4 ? n + 2 : n)) << 3);
}
