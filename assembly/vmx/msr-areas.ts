/** The lists of MSRs that entries and exits load and store. SDM Vol. 3 "VM-Exit Controls for MSRs", "Loading MSRs", "Saving MSRs". */
import { msrValue, readMsr, writeMsr } from "../cpu/msrs";
import { Op } from "../decode/op";
import { IA32_FS_BASE, IA32_GS_BASE } from "../generated/msrs";
import { State } from "../generated/state";
import { hostOf } from "../mmu/physical";

const ENTRY: u64 = 16;
const X2APIC: u32 = 0x800;
const X2APIC_END: u32 = 0x900;

/** Loads `count` MSRs; 0, or the number of the entry that could not be loaded, from 1 on. */
export function loadMsrs(s: State, area: u64, count: u32): u32 {
  for (let n: u32 = 0; n < count; n++) {
    const at = hostOf(area + <u64>n * ENTRY);
    if (at == 0 || load<u32>(at, 4) != 0) return n + 1;
    const number = load<u32>(at);
    const excluded = number == IA32_FS_BASE || number == IA32_GS_BASE || (number >= X2APIC && number < X2APIC_END);
    if (excluded || !writeMsr(s, changetype<Op>(0), number, load<u64>(at, 8))) return n + 1;
  }
  return 0;
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
