/** The lists of MSRs that entries and exits load and store. SDM Vol. 3 "VM-Exit Controls for MSRs", "Loading MSRs", "Saving MSRs". */
import { msrValue, readMsr, writeMsr } from "../cpu/msrs";
import { Op } from "../decode/op";
import { IA32_FS_BASE, IA32_GS_BASE } from "../generated/msrs";
import { State } from "../generated/state";
import * as V from "../generated/vmx";
import { hostOf } from "../mmu/physical";

const ENTRY: u64 = 16;
/** IA32_VMX_MISC bits 27-25 are 0 */
const MAX_MSRS: u32 = 512;
const X2APIC: u32 = 0x800;
const X2APIC_END: u32 = 0x900;

/** the rule, RULE_…, that the entry which could not be loaded violates; its MSR */
export let msrRule: u32 = 0;
export let msrNumber: u32 = 0;

/** Loads `count` MSRs; 0, or the number of the entry that could not be loaded, from 1 on. */
export function loadMsrs(s: State, area: u64, count: u32): u32 {
  for (let n: u32 = 0; n < count; n++) {
    const at = hostOf(area + <u64>n * ENTRY);
    if (n == MAX_MSRS) {
      msrRule = V.RULE_ENTRY_MSR_COUNT_AT_MOST512;
      msrNumber = count;
      return n + 1;
    }
    msrNumber = at == 0 ? 0 : load<u32>(at);
    msrRule = at == 0 ? V.RULE_ENTRY_MSR_WRITABLE : excludedBy(at);
    if (msrRule != 0) return n + 1;
    if (!writeMsr(s, changetype<Op>(0), msrNumber, load<u64>(at, 8))) {
      msrRule = V.RULE_ENTRY_MSR_WRITABLE;
      return n + 1;
    }
  }
  return 0;
}

/** The rule by which no MSR of this entry may be loaded, or 0. */
function excludedBy(at: usize): u32 {
  const number = load<u32>(at);
  if (number == IA32_FS_BASE || number == IA32_GS_BASE) return V.RULE_ENTRY_MSR_NOT_FS_OR_GS_BASE;
  if (number >= X2APIC && number < X2APIC_END) return V.RULE_ENTRY_MSR_NOT_X2APIC;
  return load<u32>(at, 4) != 0 ? V.RULE_ENTRY_MSR_RESERVED_BITS_CLEAR : 0;
}

/** Stores `count` MSRs; false if one cannot be read. */
export function storeMsrs(s: State, area: u64, count: u32): bool {
  for (let n: u32 = 0; n < count; n++) {
    const at = hostOf(area + <u64>n * ENTRY);
    if (at == 0 || load<u32>(at, 4) != 0 || !readMsr(s, changetype<Op>(0), load<u32>(at))) return false;
    store<u64>(at, msrValue, 8);
  }
  return true;
}
