/** Model-specific registers and counters. SDM Vol. 2 "RDMSR", "WRMSR", "RDPMC"; the registers stand in src/spec/msrs.ts. */
import { Exec } from "../backend/exec";
import { retiredBefore } from "../clock";
import { privileged, settleMode } from "../cpu/modes";
import { Op } from "../decode/op";
import { CR0_PG, EFER_LMA, EFER_LME, EFER_NXE, EFER_SCE } from "../generated/constants";
import { IA32_EFER, IA32_PAT, IA32_TIME_STAMP_COUNTER, MSR_CANONICAL, MSR_COUNT, MSR_OWN, MSR_RESERVED, MSRS } from "../generated/msrs";
import { flushTlb } from "../mmu/tlb";
import { isCanonical } from "../mmu/walk";
import { raiseGp } from "../raise";

/** memory types that IA32_PAT may hold: UC WC WT WP WB UC- */
const PAT_TYPES: u64 = (1 << 0) | (1 << 1) | (1 << 4) | (1 << 5) | (1 << 6) | (1 << 7);

export function rdmsr(b: Exec, op: Op): void {
  privileged(b, op);
  const number = <u32>b.rcx;
  const row = rowOf(b, op, number);
  const value = number == IA32_TIME_STAMP_COUNTER ? retiredBefore(b, op) + b.tscOffset : load<u64>(cellOf(b, row));
  b.rax = value & 0xffffffff;
  b.rdx = value >> 32;
}

export function wrmsr(b: Exec, op: Op): void {
  privileged(b, op);
  const number = <u32>b.rcx;
  const row = rowOf(b, op, number);
  const value = <u64>(<u32>b.rax) | (b.rdx << 32);
  const check = load<u32>(row, 4) >> 16;
  if (check == MSR_CANONICAL && !isCanonical(value)) raiseGp(b, op);
  if (check == MSR_RESERVED && (value & load<u64>(row, 8)) != 0) raiseGp(b, op);
  if (check != MSR_OWN) store<u64>(cellOf(b, row), value);
  else if (number == IA32_EFER) writeEfer(b, op, value);
  else if (number == IA32_PAT) writePat(b, op, value);
  else b.tscOffset = value - retiredBefore(b, op);
  b.jump(b.nextRip(op));
}

function rowOf(b: Exec, op: Op, number: u32): usize {
  for (let i: u32 = 0; i < MSR_COUNT; i++) {
    const row = MSRS + ((<usize>i) << 4);
    if (load<u32>(row) == number) return row;
  }
  raiseGp(b, op);
  return 0;
}

function cellOf(b: Exec, row: usize): usize {
  return changetype<usize>(b) + <usize>load<u16>(row, 4);
}

/** LMA is read-only; LME does not change while paging is on. SDM Vol. 3 "Extended Feature Enable Register". */
function writeEfer(b: Exec, op: Op, value: u64): void {
  if ((value & ~(<u64>(EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE))) != 0) raiseGp(b, op);
  if (((value ^ b.efer) & EFER_LME) != 0 && (b.cr0 & CR0_PG) != 0) raiseGp(b, op);
  if (((value ^ b.efer) & EFER_NXE) != 0) flushTlb();
  b.efer = (value & ~(<u64>EFER_LMA)) | (b.efer & EFER_LMA);
  settleMode(b);
}

function writePat(b: Exec, op: Op, value: u64): void {
  for (let rest = value, i = 0; i < 8; i++, rest >>= 8) if ((rest & 0xff) > 7 || ((PAT_TYPES >> (rest & 7)) & 1) == 0) raiseGp(b, op);
  b.pat = value;
}

/** There are no counters, so no number is right. */
export function rdpmc(b: Exec, op: Op): void {
  raiseGp(b, op);
}
