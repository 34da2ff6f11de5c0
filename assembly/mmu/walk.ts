/**
 * The page walk in all its forms. SDM Vol. 3 "Paging": none, 32-bit (4 KiB and 4 MiB pages), PAE, 4-level and 5-level; the walk changes
 * nothing but accessed and dirty flags, and those only when it succeeds.
 *
 *     32-bit     CR3 ──► PDE ──► PTE            10 + 10 bits, entries of 4 bytes; a PDE with PS maps 4 MiB if CR4.PSE
 *     PAE        PDPTE registers ──► PDE ──► PTE      9 + 9 bits, entries of 8; PS maps 2 MiB
 *     4-level    CR3 ──► PML4E ──► PDPTE ──► PDE ──► PTE      9 bits each; PS maps 1 GiB or 2 MiB
 *     5-level    CR3 ──► PML5E ──► PML4E …
 *
 * Page tables that are not in RAM read as ones and are not written. In a guest with EPT all these addresses are guest-physical: each access
 * to an entry goes through EPT, and so does what the walk finds. SDM Vol. 3 "Prioritization of EPT Misconfigurations and EPT Violations".
 */

import { count } from "../counters";
import {
  ADDRESS_BITS_PHYSICAL,
  COUNTER_PAGE_WALKS,
  CR0_PG,
  CR0_WP,
  CR4_LA57,
  CR4_PAE,
  CR4_PGE,
  CR4_PKE,
  CR4_PSE,
  CR4_SMAP,
  CR4_SMEP,
  EFER_LMA,
  EFER_NXE,
  PF_I,
  PF_P,
  PF_PK,
  PF_RSVD,
  PF_U,
  PF_W,
  PTE_A,
  PTE_D,
  PTE_G,
  PTE_P,
  PTE_PS,
  PTE_U,
  PTE_W,
  RFLAGS_AC,
} from "../generated/constants";
import { State } from "../generated/state";
import { MODEL_CR4, MODEL_GIGABYTE_PAGES } from "../memory-map";
import { looking, markEntry, ONES, readEntry, setLooking } from "./entries";
import { EPT_EXECUTE, EPT_EXECUTE_USER, EPT_READ, EPT_WRITE, eptReason, OF_LINEAR, tableAccess, translateEpt } from "./ept";
import { hostOf } from "./physical";

/** Access bit of implicit supervisor accesses (descriptors, TSS): SMAP holds whatever AC says. Not part of an error code. */
export const IMPLICIT: u32 = 1 << 16;

const NX: u64 = 1 << 63;
/** bits of an entry that hold the address of a table or a page */
const ADDRESS: u64 = (((<u64>1) << ADDRESS_BITS_PHYSICAL) - 1) & ~(<u64>0xfff);
/** bits 51 down to the width of physical addresses, and in PAE entries bits 62 down to it */
const ABOVE: u64 = (((<u64>1) << 52) - 1) & ~(((<u64>1) << ADDRESS_BITS_PHYSICAL) - 1);
const ABOVE_PAE: u64 = (NX - 1) & ~(((<u64>1) << ADDRESS_BITS_PHYSICAL) - 1);
/** reserved bits 2-1 and 8-5 of a PDPTE in PAE paging */
const PDPTE_RESERVED: u64 = 0x1e6;
/** a 4 MiB page: bits 20-13 of the entry are bits 39-32 of its address (PSE-36), bit 21 is reserved */
const RESERVED_4M: u64 = 1 << 21;
const UPPER_4M: u64 = 0xff << 13;

const SIZE_4K: u64 = 12;
const SIZE_2M: u64 = 21;
const SIZE_4M: u64 = 22;
const SIZE_1G: u64 = 30;

/** `walkError` of a walk that EPT has stopped: a VM exit */
export const WALK_EXITS: u32 = 1 << 31;
/** Zero, WALK_EXITS, or 1 + 2 × the error code of the #PF: read it right after `walk`. */
export let walkError: u32 = 0;
/** with WALK_EXITS: bit of the qualification that tells what was accessed, if it is a violation */
export let walkQualification: u64 = 0;
/** of the page that `walk` found: the binary logarithm of its size, and whether it is global */
export let pageSize: u32 = 0;
export let pageGlobal: bool = false;
/** it is a user-mode address: U/S at every level, or there is no paging */
let pageUser: bool = true;

/** entries on the way: linear-memory addresses, 0 where there is no RAM */
let entry0: usize = 0;
let entry1: usize = 0;
let entry2: usize = 0;
let entry3: usize = 0;
let entry4: usize = 0;
/** with EPT: their guest-physical addresses */
let gpa0: u64 = 0;
let gpa1: u64 = 0;
let gpa2: u64 = 0;
let gpa3: u64 = 0;
let gpa4: u64 = 0;
// where an entry is looked up both ways stand side by side: as a function the choice is no longer inlined, and a miss costs a third more

/** 64 minus the width of linear addresses */
let unusedBits: i64 = 16;

/** Canonical addresses have 48 bits, or 57 with CR4.LA57. SDM Vol. 3 "Linear-Address Width". */
export function setLinearWidth(s: State): void {
  unusedBits = (s.cr4 & CR4_LA57) != 0 ? 7 : 16;
}

export function isCanonical(va: u64): bool {
  return <u64>(((<i64>va) << unusedBits) >> unusedBits) == va;
}

/** The same for addresses that go into system registers (MSRs, descriptor table and segment bases): the processor's widest ones count. */
export function isCanonicalBase(va: u64): bool {
  const unused: i64 = (load<u64>(MODEL_CR4) & CR4_LA57) != 0 ? 7 : 16;
  return <u64>(((<i64>va) << unused) >> unused) == va;
}

/** Physical address behind `va` for an access of the given PF_W, PF_U, PF_I bits; sets `walkError`. */
export function walk(s: State, va: u64, access: u32): u64 {
  walkError = 0;
  pageSize = <u32>SIZE_4K;
  pageGlobal = false;
  pageUser = true;
  count(COUNTER_PAGE_WALKS);
  const found = walkTables(s, va, access);
  return s.eptPointer == 0 || walkError != 0 ? found : throughEpt(s, found, access);
}

/** The same, with nothing changed: what an access would find now. */
export function look(s: State, va: u64, access: u32): u64 {
  setLooking(true);
  const physical = walk(s, va, access);
  setLooking(false);
  return physical;
}

function walkTables(s: State, va: u64, access: u32): u64 {
  if ((s.cr0 & CR0_PG) == 0) return va & 0xffffffff;
  if ((s.efer & EFER_LMA) != 0) return walkLong(s, va, access);
  return (s.cr4 & CR4_PAE) != 0 ? walkPae(s, va & 0xffffffff, access) : walk32(s, va & 0xffffffff, access);
}

/** Physical address of what the guest's walk has found. */
function throughEpt(s: State, gpa: u64, access: u32): u64 {
  const fetch = pageUser ? EPT_EXECUTE_USER : EPT_EXECUTE;
  const physical = translateEpt(s, gpa, (access & PF_I) != 0 ? fetch : (access & PF_W) != 0 ? EPT_WRITE : EPT_READ);
  if (eptReason != 0) stopWalk(OF_LINEAR);
  return physical;
}

/** EPT has refused an access. */
function stopWalk(qualification: u64): void {
  walkError = WALK_EXITS;
  walkQualification = qualification;
}

function walkLong(s: State, va: u64, access: u32): u64 {
  const reserved = (s.efer & EFER_NXE) != 0 ? ABOVE : ABOVE | NX;
  let table = s.cr3 & ADDRESS;
  let rights: u64 = ONES & ~NX;
  let used: u64 = PTE_A;
  if ((s.cr4 & CR4_LA57) != 0) {
    gpa4 = slot(table, va >> 48);
    entry4 = s.eptPointer == 0 ? hostOf(gpa4) : entryBehindEpt(s, gpa4);
    const e = readEntry(entry4);
    if (!isTable(s, e, reserved | PTE_PS, access)) return 0;
    rights = narrow(rights, e);
    used &= e;
    table = e & ADDRESS;
  } else entry4 = 0;
  gpa3 = slot(table, va >> 39);
  entry3 = s.eptPointer == 0 ? hostOf(gpa3) : entryBehindEpt(s, gpa3);
  let e = readEntry(entry3);
  if (!isTable(s, e, reserved | PTE_PS, access)) return 0;
  rights = narrow(rights, e);
  used &= e;
  gpa2 = slot(e & ADDRESS, va >> 30);
  entry2 = s.eptPointer == 0 ? hostOf(gpa2) : entryBehindEpt(s, gpa2);
  e = readEntry(entry2);
  if (!isTable(s, e, reserved | (load<u8>(MODEL_GIGABYTE_PAGES) != 0 ? 0 : PTE_PS), access)) return 0;
  rights = narrow(rights, e);
  entry1 = 0;
  entry0 = 0;
  if ((e & PTE_PS) != 0) return page(s, va, access, e, entry2, SIZE_1G, rights, used);
  used &= e;
  gpa1 = slot(e & ADDRESS, va >> 21);
  return lowerLevels(s, va, access, reserved, rights, used);
}

/** Page directory and page table of entries with 8 bytes; `gpa1` is where the one of the directory stands. */
function lowerLevels(s: State, va: u64, access: u32, reserved: u64, above: u64, usedAbove: u64): u64 {
  entry1 = s.eptPointer == 0 ? hostOf(gpa1) : entryBehindEpt(s, gpa1);
  let e = readEntry(entry1);
  if (!isTable(s, e, reserved, access)) return 0;
  let rights = narrow(above, e);
  if ((e & PTE_PS) != 0) return page(s, va, access, e, entry1, SIZE_2M, rights, usedAbove);
  const used = usedAbove & e;
  gpa0 = slot(e & ADDRESS, va >> 12);
  entry0 = s.eptPointer == 0 ? hostOf(gpa0) : entryBehindEpt(s, gpa0);
  e = readEntry(entry0);
  if (!isTable(s, e, reserved, access)) return 0;
  rights = narrow(rights, e);
  return page(s, va, access, e & ~(<u64>PTE_PS), entry0, SIZE_4K, rights, used);
}

function walkPae(s: State, va: u64, access: u32): u64 {
  const pdpte = load<u64>(changetype<usize>(s) + offsetof<State>("pdpte0") + ((<usize>(va >> 30)) << 3));
  if ((pdpte & PTE_P) == 0) return fault(s, access, 0);
  entry4 = 0;
  entry3 = 0;
  entry2 = 0;
  entry0 = 0;
  gpa1 = slot(pdpte & ADDRESS, va >> 21);
  return lowerLevels(s, va, access, (s.efer & EFER_NXE) != 0 ? ABOVE_PAE : ABOVE_PAE | NX, ONES & ~NX, PTE_A);
}

function walk32(s: State, va: u64, access: u32): u64 {
  entry4 = 0;
  entry3 = 0;
  entry2 = 0;
  entry0 = 0;
  gpa1 = (s.cr3 & 0xfffff000) + ((va >> 22) << 2);
  entry1 = s.eptPointer == 0 ? hostOf(gpa1) : entryBehindEpt(s, gpa1);
  let e = entry1 == 0 ? 0xffffffff : <u64>load<u32>(entry1);
  if (!isTable(s, e, 0, access)) return 0;
  if ((e & PTE_PS) != 0 && (s.cr4 & CR4_PSE) != 0) {
    if ((e & RESERVED_4M) != 0) return fault(s, access, PF_P | PF_RSVD);
    const address = (e & 0xffc00000) | ((e & UPPER_4M) << 19);
    return page(s, va, access, (e & 0xfff) | address, entry1, SIZE_4M, e, PTE_A);
  }
  const used = e;
  const rights = e;
  gpa0 = (e & 0xfffff000) + (((va >> 12) & 1023) << 2);
  entry0 = s.eptPointer == 0 ? hostOf(gpa0) : entryBehindEpt(s, gpa0);
  e = entry0 == 0 ? 0xffffffff : <u64>load<u32>(entry0);
  if (!isTable(s, e, 0, access)) return 0;
  return page(s, va, access, e & ~(<u64>PTE_PS), entry0, SIZE_4K, rights & e, used & PTE_A);
}

/** Address of entry `index` (its low nine bits) of a table. */
function slot(table: u64, index: u64): u64 {
  return table + ((index & 511) << 3);
}

/**
 * Linear-memory address of the entry at `gpa` of a guest with EPT, or 0: outside of RAM, or refused. A stopped walk goes on with an entry of
 * ones, and no further: `isTable`.
 */
function entryBehindEpt(s: State, gpa: u64): usize {
  const physical = translateEpt(s, gpa, tableAccess(s));
  if (eptReason == 0) return hostOf(physical);
  stopWalk(0);
  return 0;
}

/** R/W and U/S hold if they do at every level, execute-disable if it does at one. */
function narrow(rights: u64, e: u64): u64 {
  return (rights & e & ~NX) | ((rights | e) & NX);
}

/** Whether the entry could be read, is present and has none of the reserved bits; else the error is set. */
function isTable(s: State, e: u64, reserved: u64, access: u32): bool {
  if (walkError != 0) return false;
  if ((e & PTE_P) != 0 && (e & reserved) == 0) return true;
  fault(s, access, (e & PTE_P) == 0 ? 0 : PF_P | PF_RSVD);
  return false;
}

/** The walk has come to a page: `e` maps it, `rights` are those of all levels, `used` has A if all entries above have it. */
function page(s: State, va: u64, access: u32, e: u64, entry: usize, size: u64, rights: u64, used: u64): u64 {
  const offset = ((<u64>1) << size) - 1;
  // bit 12 of a large page's entry belongs to PAT
  if (size != SIZE_4K && size != SIZE_4M && (e & ADDRESS & offset & ~(<u64>0x1fff)) != 0) return fault(s, access, PF_P | PF_RSVD);
  const key = protectedByKey(s, e, rights, access);
  if (key != 0 || !permitted(s, rights, access)) return fault(s, access, PF_P | key);
  const wanted: u64 = PTE_A | ((access & PF_W) != 0 ? <u64>PTE_D : 0);
  if ((used & PTE_A) == 0 && !markPath(s, entry)) return 0;
  if ((e & wanted) != wanted && !mark(s, entry, size == SIZE_4K ? gpa0 : size == SIZE_1G ? gpa2 : gpa1, <u32>wanted)) return 0;
  pageUser = (rights & PTE_U) != 0;
  pageSize = <u32>size;
  pageGlobal = (e & PTE_G) != 0 && (s.cr4 & CR4_PGE) != 0;
  return (e & ADDRESS & ~offset) | (va & offset);
}

/** The accessed flags above the page; false if EPT does not let them be set. */
function markPath(s: State, leaf: usize): bool {
  if (entry4 != 0 && !mark(s, entry4, gpa4, PTE_A)) return false;
  if (entry3 != 0 && !mark(s, entry3, gpa3, PTE_A)) return false;
  if (entry2 != 0 && entry2 != leaf && !mark(s, entry2, gpa2, PTE_A)) return false;
  return entry1 == 0 || entry1 == leaf || mark(s, entry1, gpa1, PTE_A);
}

/** The entry was read already: with EPT its update is a write of what was read. */
function mark(s: State, entry: usize, gpa: u64, flags: u32): bool {
  if (looking) return true;
  if (s.eptPointer != 0 && (<u32>readEntry(entry) & flags) != flags) {
    translateEpt(s, gpa, EPT_READ | EPT_WRITE);
    if (eptReason != 0) {
      stopWalk(0);
      return false;
    }
  }
  markEntry(s, entry, flags);
  return true;
}

/** SDM Vol. 3 "Page-Fault Exceptions": I/D is only reported where execution can be disabled. */
function fault(s: State, access: u32, bits: u32): u64 {
  let code = (access & ~IMPLICIT) | bits;
  if ((s.cr4 & CR4_SMEP) == 0 && ((s.cr4 & CR4_PAE) == 0 || (s.efer & EFER_NXE) == 0)) code &= ~PF_I;
  walkError = (code << 1) | 1;
  return 0;
}

/** SDM Vol. 3 "Determination of Access Rights". */
function permitted(s: State, rights: u64, access: u32): bool {
  const userPage = (rights & PTE_U) != 0;
  const user = (access & PF_U) != 0;
  if (user && !userPage) return false;
  if ((access & PF_I) != 0) return (rights & NX) == 0 && (user || !userPage || (s.cr4 & CR4_SMEP) == 0);
  if (!user && userPage && (s.cr4 & CR4_SMAP) != 0 && ((access & IMPLICIT) != 0 || (s.flagsOther & RFLAGS_AC) == 0)) return false;
  if ((access & PF_W) != 0 && (rights & PTE_W) == 0) return !user && (s.cr0 & CR0_WP) == 0;
  return true;
}

/** PF_PK if the page's protection key forbids the access, else 0. SDM Vol. 3 "Protection Keys". */
function protectedByKey(s: State, e: u64, rights: u64, access: u32): u32 {
  if ((s.cr4 & CR4_PKE) == 0 || (s.efer & EFER_LMA) == 0 || (rights & PTE_U) == 0 || (access & PF_I) != 0) return 0;
  const bits = s.pkru >> ((<u32>(e >> 59) & 15) << 1);
  if ((bits & 1) != 0) return PF_PK;
  if ((access & PF_W) == 0 || (bits & 2) == 0) return 0;
  return (access & PF_U) != 0 || (s.cr0 & CR0_WP) != 0 ? PF_PK : 0;
}

/**
 * Loads the PDPTE registers of PAE paging; false, with nothing changed, if a reserved bit is set or EPT refuses (`eptReason`).
 * SDM Vol. 3 "PDPTE Registers"; to EPT these are plain reads.
 */
export function loadPdptes(s: State, cr3: u64): bool {
  const to = changetype<usize>(s) + offsetof<State>("pdpte0");
  const gpa = cr3 & 0xffffffe0;
  // they never cross a page
  const at = hostOf(s.eptPointer == 0 ? gpa : translateEpt(s, gpa, EPT_READ));
  if (s.eptPointer != 0 && eptReason != 0) return false;
  for (let i: usize = 0; i < 4; i++) if (!isPdpte(pdpteAt(at, i))) return false;
  for (let i: usize = 0; i < 4; i++) store<u64>(to + (i << 3), pdpteAt(at, i));
  return true;
}

function pdpteAt(at: usize, i: usize): u64 {
  return at == 0 ? ONES : load<u64>(at + (i << 3));
}

/** Not present, or without reserved bits. */
export function isPdpte(e: u64): bool {
  return (e & PTE_P) == 0 || (e & (PDPTE_RESERVED | ABOVE_PAE | NX)) == 0;
}
