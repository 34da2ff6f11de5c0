/** Model-specific registers and counters. SDM Vol. 2 "RDMSR", "WRMSR", "RDPMC"; the registers stand in src/spec/msrs.ts. */
import { Exec } from "../backend/exec";
import { stamp, timeStamp } from "../clock";
import { hasX2apic, MISC_LIMIT_CPUID, MISC_MONITOR, MISC_XD_DISABLE } from "../cpu/cpuid";
import { privileged, settleMode } from "../cpu/modes";
import { isDefaultMtrr, isFixedMtrr, isPat, isVariableMtrr } from "../cpu/mtrr";
import { Op } from "../decode/op";
import { writeApicBase, x2apicRead, x2apicReadable, x2apicWrite } from "../devices/lapic";
import { isX2apic } from "../devices/lapic-messages";
import { retarget, setDeadline } from "../devices/lapic-timer";
import { ADDRESS_BITS_PHYSICAL, CR0_PG, EFER_LMA, EFER_LME, EFER_NXE, EFER_SCE } from "../generated/constants";
import {
  IA32_APIC_BASE,
  IA32_EFER,
  IA32_MISC_ENABLE,
  IA32_MTRR_DEF_TYPE,
  IA32_MTRR_PHYSBASE0,
  IA32_MTRR_PHYSMASK7,
  IA32_PAT,
  IA32_PRED_CMD,
  IA32_TIME_STAMP_COUNTER,
  IA32_TSC_ADJUST,
  IA32_TSC_DEADLINE,
  MSR_CANONICAL,
  MSR_COUNT,
  MSR_OWN,
  MSR_READ_ONLY,
  MSR_RESERVED,
  MSR_TYPES,
  MSRS,
} from "../generated/msrs";
import { MSRS_PRESENT } from "../memory-map";
import { flushTlb } from "../mmu/tlb";
import { isCanonicalBase } from "../mmu/walk";
import { raiseGp } from "../raise";

/** registers of the local APIC in x2APIC mode */
const X2APIC: u32 = 0x800;
const X2APIC_END: u32 = 0x900;
/** bits of IA32_APIC_BASE: BSP, EXTD, EN, base */
const APIC_BASE_WRITABLE: u64 = (((<u64>1) << ADDRESS_BITS_PHYSICAL) - 1) & ~(<u64>0x2ff);
const APIC_BASE_EXTD: u64 = 1 << 10;
/** of IA32_PRED_CMD, which is written to have something done: there are no predictions to forget */
const IBPB: u64 = 1;
/** of IA32_MISC_ENABLE: fast strings, thermal control, SpeedStep, MONITOR, limit of CPUID, xTPR messages, XD disable */
const MISC_WRITABLE: u64 = 1 | (1 << 3) | (1 << 16) | MISC_MONITOR | MISC_LIMIT_CPUID | (1 << 23) | MISC_XD_DISABLE;

export function rdmsr(b: Exec, op: Op): void {
  privileged(b, op);
  const number = <u32>b.rcx;
  stamp(b, op);
  let value: u64 = 0;
  if (number >= X2APIC && number < X2APIC_END) {
    if (!isX2apic(b) || !x2apicReadable(number - X2APIC)) raiseGp(b, op);
    value = x2apicRead(b, number - X2APIC);
  } else if (number == IA32_PRED_CMD) raiseGp(b, op);
  else if (number == IA32_TIME_STAMP_COUNTER) value = timeStamp(b, op);
  else value = load<u64>(cellOf(b, rowOf(b, op, number)));
  b.rax = value & 0xffffffff;
  b.rdx = value >> 32;
}

export function wrmsr(b: Exec, op: Op): void {
  privileged(b, op);
  const number = <u32>b.rcx;
  const value = <u64>(<u32>b.rax) | (b.rdx << 32);
  stamp(b, op);
  if (number >= X2APIC && number < X2APIC_END) {
    if (!isX2apic(b) || !x2apicWrite(b, number - X2APIC, value)) raiseGp(b, op);
  } else {
    const row = rowOf(b, op, number);
    if (!passes(row, value)) raiseGp(b, op);
    if (load<u32>(row, 4) >> 16 != MSR_OWN) store<u64>(cellOf(b, row), value);
    else if (!writeOwn(b, op, number, cellOf(b, row), value)) raiseGp(b, op);
  }
  b.jump(b.nextRip(op));
}

function rowOf(b: Exec, op: Op, number: u32): usize {
  for (let i: u32 = 0; i < MSR_COUNT; i++) {
    const row = MSRS + ((<usize>i) << 4);
    if (load<u32>(row) == number && load<u8>(MSRS_PRESENT + <usize>i) != 0) return row;
  }
  raiseGp(b, op);
  return 0;
}

function cellOf(b: Exec, row: usize): usize {
  return changetype<usize>(b) + <usize>load<u16>(row, 4);
}

/** The check that the row names. */
function passes(row: usize, value: u64): bool {
  const check = load<u32>(row, 4) >> 16;
  if (check == MSR_CANONICAL) return isCanonicalBase(value);
  if (check == MSR_RESERVED) return (value & load<u64>(row, 8)) == 0;
  if (check == MSR_TYPES) return isFixedMtrr(value);
  return check != MSR_READ_ONLY;
}

/** Registers that a value alone does not describe; false, with nothing changed, is #GP(0). */
function writeOwn(b: Exec, op: Op, number: u32, cell: usize, value: u64): bool {
  if (number == IA32_EFER) return writeEfer(b, value);
  if (number == IA32_TIME_STAMP_COUNTER) return moveTime(b, value - timeStamp(b, op));
  if (number == IA32_TSC_ADJUST) return moveTime(b, value - b.tscAdjust);
  if (number == IA32_TSC_DEADLINE) {
    setDeadline(b, value);
    return true;
  }
  if (number == IA32_APIC_BASE) {
    if ((value & ~APIC_BASE_WRITABLE) != 0 || ((value & APIC_BASE_EXTD) != 0 && !hasX2apic())) return false;
    return writeApicBase(b, value);
  }
  if (number == IA32_PRED_CMD) return (value & ~IBPB) == 0;
  let right = false;
  if (number == IA32_PAT) right = isPat(value);
  else if (number == IA32_MTRR_DEF_TYPE) right = isDefaultMtrr(value);
  else if (number >= IA32_MTRR_PHYSBASE0 && number <= IA32_MTRR_PHYSMASK7) right = isVariableMtrr(number, value);
  else if (number == IA32_MISC_ENABLE) right = ((value ^ b.miscEnable) & ~MISC_WRITABLE) == 0;
  if (right) store<u64>(cell, value);
  return right;
}

/** LMA is read-only; LME does not change while paging is on. SDM Vol. 3 "Extended Feature Enable Register". */
function writeEfer(b: Exec, value: u64): bool {
  const nxe: u64 = (b.miscEnable & MISC_XD_DISABLE) != 0 ? 0 : EFER_NXE;
  if ((value & ~(<u64>(EFER_SCE | EFER_LME | EFER_LMA) | nxe)) != 0) return false;
  if (((value ^ b.efer) & EFER_LME) != 0 && (b.cr0 & CR0_PG) != 0) return false;
  if (((value ^ b.efer) & EFER_NXE) != 0) flushTlb();
  b.efer = (value & ~(<u64>EFER_LMA)) | (b.efer & EFER_LMA);
  settleMode(b);
  return true;
}

/** SDM Vol. 3 "IA32_TSC_ADJUST MSR": the counter and its adjustment move together. */
function moveTime(b: Exec, by: u64): bool {
  b.tscOffset += by;
  b.tscAdjust += by;
  retarget(b);
  return true;
}

/** There are no counters, so no number is right. */
export function rdpmc(b: Exec, op: Op): void {
  raiseGp(b, op);
}
