/** Model-specific registers: src/spec/msrs.ts says which there are. SDM Vol. 4 "IA-32 Architectural MSRs". */
import { timeStamp, visibleTimeStamp } from "../clock";
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
import { State } from "../generated/state";
import { MSRS_PRESENT } from "../memory-map";
import { flushAll, flushTlb } from "../mmu/tlb-context";
import { isCanonicalBase } from "../mmu/walk";
import { hasX2apic, MISC_LIMIT_CPUID, MISC_MONITOR, MISC_XD_DISABLE } from "./cpuid";
import { settleMode } from "./modes";
import { isDefaultMtrr, isFixedMtrr, isPat, isVariableMtrr } from "./mtrr";

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

/** what `readMsr` found */
export let msrValue: u64 = 0;

/** Reads into `msrValue`, as the instruction `op` sees it; false if there is no such register. */
export function readMsr(s: State, op: Op, number: u32): bool {
  if (number >= X2APIC && number < X2APIC_END) {
    if (!isX2apic(s) || !x2apicReadable(number - X2APIC)) return false;
    msrValue = x2apicRead(s, number - X2APIC);
  } else if (number == IA32_TIME_STAMP_COUNTER) msrValue = visibleTimeStamp(s, op);
  else {
    const row = rowOf(number);
    if (row == 0 || number == IA32_PRED_CMD) return false;
    msrValue = load<u64>(cellOf(s, row));
  }
  return true;
}

/** False, with nothing changed: there is no such register, or it does not take the value. */
export function writeMsr(s: State, op: Op, number: u32, value: u64): bool {
  if (number >= X2APIC && number < X2APIC_END) return isX2apic(s) && x2apicWrite(s, number - X2APIC, value);
  const row = rowOf(number);
  if (row == 0 || !passes(row, value)) return false;
  if (load<u32>(row, 4) >> 16 == MSR_OWN) return writeOwn(s, op, number, cellOf(s, row), value);
  store<u64>(cellOf(s, row), value);
  return true;
}

/** The MSR's row, or 0. */
function rowOf(number: u32): usize {
  for (let i: u32 = 0; i < MSR_COUNT; i++) {
    const row = MSRS + ((<usize>i) << 4);
    if (load<u32>(row) == number && load<u8>(MSRS_PRESENT + <usize>i) != 0) return row;
  }
  return 0;
}

function cellOf(s: State, row: usize): usize {
  return changetype<usize>(s) + <usize>load<u16>(row, 4);
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
function writeOwn(s: State, op: Op, number: u32, cell: usize, value: u64): bool {
  if (number == IA32_EFER) return writeEfer(s, value);
  if (number == IA32_TIME_STAMP_COUNTER) return moveTime(s, value - timeStamp(s, op));
  if (number == IA32_TSC_ADJUST) return moveTime(s, value - s.tscAdjust);
  if (number == IA32_TSC_DEADLINE) {
    setDeadline(s, value);
    return true;
  }
  if (number == IA32_APIC_BASE) {
    if ((value & ~APIC_BASE_WRITABLE) != 0 || ((value & APIC_BASE_EXTD) != 0 && !hasX2apic())) return false;
    flushAll();
    return writeApicBase(s, value);
  }
  if (number == IA32_PRED_CMD) return (value & ~IBPB) == 0;
  let right = false;
  if (number == IA32_PAT) right = isPat(value);
  else if (number == IA32_MTRR_DEF_TYPE) right = isDefaultMtrr(value);
  else if (number >= IA32_MTRR_PHYSBASE0 && number <= IA32_MTRR_PHYSMASK7) right = isVariableMtrr(number, value);
  else if (number == IA32_MISC_ENABLE) right = ((value ^ s.miscEnable) & ~MISC_WRITABLE) == 0;
  if (right) store<u64>(cell, value);
  return right;
}

/** LMA is read-only; LME does not change while paging is on. SDM Vol. 3 "Extended Feature Enable Register". */
function writeEfer(s: State, value: u64): bool {
  const nxe: u64 = (s.miscEnable & MISC_XD_DISABLE) != 0 ? 0 : EFER_NXE;
  if ((value & ~(<u64>(EFER_SCE | EFER_LME | EFER_LMA) | nxe)) != 0) return false;
  if (((value ^ s.efer) & EFER_LME) != 0 && (s.cr0 & CR0_PG) != 0) return false;
  if (((value ^ s.efer) & EFER_NXE) != 0) flushTlb();
  s.efer = (value & ~(<u64>EFER_LMA)) | (s.efer & EFER_LMA);
  settleMode(s);
  return true;
}

/** SDM Vol. 3 "IA32_TSC_ADJUST MSR": the counter and its adjustment move together. */
function moveTime(s: State, by: u64): bool {
  s.tscOffset += by;
  s.tscAdjust += by;
  retarget(s);
  return true;
}
