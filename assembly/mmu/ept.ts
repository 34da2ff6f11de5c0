/**
 * Extended page tables: from guest-physical to physical addresses. SDM Vol. 3 "The Extended Page Table Mechanism (EPT)".
 *
 *     EPTP ──► PML4E ──► PDPTE ──► PDE ──► PTE      9 bits each from bit 47 on; bit 7 of a PDPTE or PDE maps 1 GiB or 2 MiB
 *
 *     entry: 0 read · 1 write · 2 execute · 3-5 memory type, 6 ignore PAT (of a page) · 7 page · 8 accessed · 9 dirty · 12-39 address
 *            with mode-based execute control 2 is for supervisor-mode linear addresses, 10 for those of user mode · 63 suppress #VE
 *
 * A translation that fails has changed nothing. Why it failed is noted for the VM exit: a violation tells what was tried and what is allowed,
 * a misconfiguration only where. EPT tables that are not in RAM read as ones, which is a misconfiguration.
 */
import { ADDRESS_BITS_PHYSICAL } from "../generated/constants";
import { State } from "../generated/state";
import {
  EXIT_REASON_EPT_MISCONFIGURATION,
  EXIT_REASON_EPT_VIOLATION,
  EXIT_REASON_PAGE_MODIFICATION_LOG_FULL,
  SECONDARY_ENABLE_PML,
  SECONDARY_MODE_BASED_EXECUTE_CONTROL_FOR_EPT,
} from "../generated/vmx";
import { looking, markEntry, readEntry } from "./entries";
import { hostOf } from "./physical";
import { isLogFull, logModification } from "./pml";

/** kinds of access, as in bits 0-2 of entries and of the qualification */
export const EPT_READ: u32 = 1;
export const EPT_WRITE: u32 = 2;
export const EPT_EXECUTE: u32 = 4;
/** of a user-mode linear address; the same as EPT_EXECUTE without mode-based execute control */
export const EPT_EXECUTE_USER: u32 = 1 << 10;

/** bits of a violation's qualification: the guest's linear address is known; what it translates to was accessed, not a table on the way */
export const LINEAR_VALID: u64 = 1 << 7;
export const OF_LINEAR: u64 = 1 << 8;

const RIGHTS: u64 = 7;
/** from an entry's bit for executing in user mode to that of the qualification */
const USER_RIGHT: u64 = 10 - 6;
/** a violation becomes no virtualization exception */
const SUPPRESSED: u64 = 1 << 63;
const LARGE: u64 = 1 << 7;
const ACCESSED: u32 = 1 << 8;
const DIRTY: u32 = 1 << 9;
/** in the EPT pointer: accessed and dirty flags are in use */
const FLAGS_ENABLED: u64 = 1 << 6;
const ADDRESS: u64 = (((<u64>1) << ADDRESS_BITS_PHYSICAL) - 1) & ~(<u64>0xfff);
/** bits 51 down to the width of physical addresses */
const ABOVE: u64 = (((<u64>1) << 52) - 1) & ~(((<u64>1) << ADDRESS_BITS_PHYSICAL) - 1);
/** bits 3-6 of an entry that names a table, and bit 7 where there is no page */
const TABLE_RESERVED: u64 = 0x78;
const TOP: u64 = 39;
/** memory types 2, 3 and 7 */
const RESERVED_TYPES: u32 = (1 << 2) | (1 << 3) | (1 << 7);

/** Of the last translation: 0, or why it failed, EXIT_REASON_…; its qualification without what the caller knows; the address. */
export let eptReason: u32 = 0;
export let eptQualification: u64 = 0;
export let eptAddress: u64 = 0;
/** of a violation: the entry lets it become a virtualization exception */
export let eptConvertible: bool = false;

/** What the processor's access to an entry of the guest's page tables is: with accessed and dirty flags for EPT it counts as a write. */
export function tableAccess(s: State): u32 {
  return (s.eptPointer & FLAGS_ENABLED) != 0 ? EPT_READ | EPT_WRITE : EPT_READ;
}

/** Physical address behind `gpa` for an access; sets `eptReason`. */
export function translateEpt(s: State, gpa: u64, access: u32): u64 {
  eptReason = 0;
  eptAddress = gpa;
  let e = s.eptPointer;
  const modes = (s.vmxSecondary & SECONDARY_MODE_BASED_EXECUTE_CONTROL_FOR_EPT) != 0;
  const present = modes ? RIGHTS | EPT_EXECUTE_USER : RIGHTS;
  const wanted = modes || access != EPT_EXECUTE_USER ? access : EPT_EXECUTE;
  let rights = present;
  let used: u64 = ACCESSED;
  let at: usize = 0;
  let shift = TOP + 9;
  do {
    shift -= 9;
    at = entryAt(e & ADDRESS, gpa >> shift);
    e = readEntry(at);
    rights &= e;
    used &= e;
    if ((e & present) == 0) return violation(access, rights, e);
    if (!isConfigured(e, shift)) return misconfiguration();
  } while (!isPage(e, shift));
  if ((rights & wanted) != wanted) return violation(access, rights, e);
  if ((s.eptPointer & FLAGS_ENABLED) != 0 && !looking && !setFlags(s, gpa, at, shift, e, used, access)) return 0;
  const offset = ((<u64>1) << shift) - 1;
  return (e & ADDRESS & ~offset) | (gpa & offset);
}

function entryAt(table: u64, index: u64): usize {
  return hostOf(table + ((index & 511) << 3));
}

function isPage(e: u64, shift: u64): bool {
  return shift == 12 || ((e & LARGE) != 0 && shift != TOP);
}

/** SDM Vol. 3 "EPT Misconfigurations", of an entry that is present. */
function isConfigured(e: u64, shift: u64): bool {
  if ((e & (EPT_READ | EPT_WRITE)) == EPT_WRITE || (e & ABOVE) != 0) return false;
  if (!isPage(e, shift)) return (e & (TABLE_RESERVED | LARGE)) == 0;
  // a page's address is aligned to its size
  if ((e & ADDRESS & (((<u64>1) << shift) - 1)) != 0) return false;
  return ((RESERVED_TYPES >> ((<u32>e >> 3) & 7)) & 1) == 0;
}

/** `e` is the entry that is not present, or that of the page. */
function violation(access: u32, rights: u64, e: u64): u64 {
  eptReason = EXIT_REASON_EPT_VIOLATION;
  const tried = access == EPT_EXECUTE_USER ? EPT_EXECUTE : access;
  eptQualification = <u64>tried | ((rights & RIGHTS) << 3) | ((rights & EPT_EXECUTE_USER) >> USER_RIGHT);
  eptConvertible = (e & SUPPRESSED) == 0;
  return 0;
}

function misconfiguration(): u64 {
  eptReason = EXIT_REASON_EPT_MISCONFIGURATION;
  eptQualification = 0;
  return 0;
}

/**
 * SDM Vol. 3 "Accessed and Dirty Flags for EPT", "Page-Modification Logging". `e` at `at` maps the page, `used` has A if all entries have it.
 * False, with nothing changed, if there is no room in the log.
 */
function setFlags(s: State, gpa: u64, at: usize, shift: u64, e: u64, used: u64, access: u32): bool {
  const dirties = (access & EPT_WRITE) != 0 && (e & DIRTY) == 0;
  if (!dirties && (used & ACCESSED) != 0) return true;
  const logs = (s.vmxSecondary & SECONDARY_ENABLE_PML) != 0;
  if (logs && isLogFull(s)) {
    eptReason = EXIT_REASON_PAGE_MODIFICATION_LOG_FULL;
    eptQualification = 0;
    return false;
  }
  if (dirties) {
    markEntry(s, at, DIRTY);
    if (logs) logModification(s, gpa);
  }
  if ((used & ACCESSED) != 0) return true;
  let table = s.eptPointer & ADDRESS;
  for (let level = TOP; level >= shift; level -= 9) {
    const entry = entryAt(table, gpa >> level);
    markEntry(s, entry, ACCESSED);
    table = readEntry(entry) & ADDRESS;
  }
  return true;
}
