/**
 * Interrupt flag, caches, translations and the rest of ring 0. SDM Vol. 2 "CLI", "STI", "CLAC", "STAC", "SWAPGS", "INVLPG", "INVPCID",
 * "WBINVD", "INVD", "MONITOR", "MWAIT", "RSM", "GETSEC", "RDPKRU", "WRPKRU".
 */
import { Exec } from "../backend/exec";
import { writePkru } from "../cpu/control-registers";
import { castShadow, SHADOW_STI } from "../cpu/load";
import { isLongMode, isReal, isVirtual8086, loadFlags, privileged } from "../cpu/modes";
import { linear, READ } from "../cpu/segments";
import { Op } from "../decode/op";
import {
  CR4_PCIDE,
  CR4_PKE,
  CR4_PVI,
  CR4_VME,
  HALTED_MWAIT,
  RFLAGS_AC,
  RFLAGS_IF,
  RFLAGS_IOPL,
  RFLAGS_VIF,
  RFLAGS_VIP,
  VMX_NON_ROOT,
} from "../generated/constants";
import { PRIMARY_INTERRUPT_WINDOW_EXITING } from "../generated/vmx";
import { flushLocal, flushPage, flushTlb } from "../mmu/tlb-context";
import { isCanonicalBase } from "../mmu/walk";
import { raiseGp, raiseUd } from "../raise";

const PCID: u64 = 0xfff;
// types of INVPCID
const INDIVIDUAL_ADDRESS: u64 = 0;
const SINGLE_CONTEXT: u64 = 1;
const ALL_BUT_GLOBAL: u64 = 3;

export function cli(b: Exec, op: Op): void {
  const flag = interruptFlag(b, op);
  loadFlags(b, 0, flag);
  b.jump(b.nextRip(op));
}

export function sti(b: Exec, op: Op): void {
  const flag = interruptFlag(b, op);
  if (flag == RFLAGS_VIF && (b.flagsOther & RFLAGS_VIP) != 0) raiseGp(b, op);
  if (flag == RFLAGS_IF && (b.flagsOther & RFLAGS_IF) == 0) castShadow(b, op, SHADOW_STI);
  loadFlags(b, flag, flag);
  b.jump(b.nextRip(op));
}

/** IF, or VIF where it stands in for it; #GP(0) if IOPL allows neither. */
function interruptFlag(b: Exec, op: Op): u32 {
  const iopl = (b.flagsOther & RFLAGS_IOPL) >> 12;
  if (isReal(b) || (isVirtual8086(b) ? iopl == 3 : b.cpl <= iopl)) return RFLAGS_IF;
  if ((b.cr4 & (isVirtual8086(b) ? CR4_VME : CR4_PVI)) == 0 || b.cpl != 3) raiseGp(b, op);
  return RFLAGS_VIF;
}

export function clac(b: Exec, op: Op): void {
  setAc(b, op, 0);
}

export function stac(b: Exec, op: Op): void {
  setAc(b, op, RFLAGS_AC);
}

/** Data accesses go through another TLB from here on. */
function setAc(b: Exec, op: Op, value: u32): void {
  if (b.cpl != 0) raiseUd(b, op);
  loadFlags(b, value, RFLAGS_AC);
  b.jump(b.nextRip(op));
}

export function swapgs(b: Exec, op: Op): void {
  privileged(b, op);
  const base = b.gsBase;
  b.gsBase = b.kernelGsBase;
  b.kernelGsBase = base;
}

export function invlpg(b: Exec, op: Op): void {
  privileged(b, op);
  const va = b.address(op);
  flushPage(isLongMode(b) ? va : va & 0xffffffff);
  b.jump(b.nextRip(op));
}

/** The TLB holds translations of the current PCID only, and global ones. */
export function invpcid<T>(b: Exec, op: Op): void {
  privileged(b, op);
  const type = b.register<T>(<usize>op.d);
  const at = b.readableAt(op, b.address(op), 16);
  const pcid = load<u64>(at);
  const va = load<u64>(at, 8);
  if (type > ALL_BUT_GLOBAL || (pcid & ~PCID) != 0) raiseGp(b, op);
  if (type <= SINGLE_CONTEXT && pcid != 0 && (b.cr4 & CR4_PCIDE) == 0) raiseGp(b, op);
  if (type == INDIVIDUAL_ADDRESS && !isCanonicalBase(va)) raiseGp(b, op);
  const current = b.cr3 & PCID;
  if (type == INDIVIDUAL_ADDRESS) {
    if (pcid == current) flushPage(va);
  } else if (type == SINGLE_CONTEXT) {
    if (pcid == current) flushLocal();
  } else if (type == ALL_BUT_GLOBAL) flushLocal();
  else flushTlb();
  b.jump(b.nextRip(op));
}

/** Memory is always coherent: there is no cache to write back or to lose. */
export function wbinvd(b: Exec, op: Op): void {
  privileged(b, op);
}

export function invd(b: Exec, op: Op): void {
  privileged(b, op);
}

export function monitor(b: Exec, op: Op): void {
  if (b.cpl != 0) raiseUd(b, op);
  if (<u32>b.rcx != 0) raiseGp(b, op);
  const size = op.addressSize;
  const offset = size == 2 ? b.rax : size == 1 ? b.gpr<u32>(0) : b.gpr<u16>(0);
  b.checkRead(op, linear(b, op, op.segment, offset, 1, READ), 1);
  b.monitoring = 1;
}

/**
 * Waits like HLT, unless an interrupt or exception has come since MONITOR; with bit 0 of ECX, interrupts that IF masks end it too. The only
 * writes to the monitored line that can end it are those of devices (index.ts, `ramWritten`).
 */
export function mwait(b: Exec, op: Op): void {
  if (b.cpl != 0) raiseUd(b, op);
  if (<u32>b.rcx > 1) raiseGp(b, op);
  if (b.monitoring != 0 && !staysAwake(b)) {
    b.monitoring = 0;
    b.halted = HALTED_MWAIT + (<u32>b.rcx & 1);
    b.endSlice();
  }
  b.jump(b.nextRip(op));
}

/** SDM Vol. 3 "Changes to Instruction Behavior in VMX Non-Root Operation": interrupts that IF masks would end it, and one is wanted or there. */
function staysAwake(b: Exec): bool {
  if (b.vmx != VMX_NON_ROOT || (b.rcx & 1) == 0 || (b.flagsOther & RFLAGS_IF) != 0) return false;
  return (b.vmxPrimary & PRIMARY_INTERRUPT_WINDOW_EXITING) != 0 || b.vmxVirtualInterrupt != 0;
}

/** There is no system-management mode to return from. */
export function rsm(b: Exec, op: Op): void {
  raiseUd(b, op);
}

/** CR4.SMXE cannot be set. */
export function getsec(b: Exec, op: Op): void {
  raiseUd(b, op);
}

export function rdpkru(b: Exec, op: Op): void {
  if ((b.cr4 & CR4_PKE) == 0) raiseUd(b, op);
  if (<u32>b.rcx != 0) raiseGp(b, op);
  b.rax = <u64>b.pkru;
  b.rdx = 0;
}

export function wrpkru(b: Exec, op: Op): void {
  if ((b.cr4 & CR4_PKE) == 0) raiseUd(b, op);
  if ((<u32>b.rcx | <u32>b.rdx) != 0) raiseGp(b, op);
  writePkru(b, <u32>b.rax);
  b.jump(b.nextRip(op));
}
