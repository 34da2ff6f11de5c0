/**
 * The software TLB, direct-mapped by page number. An entry answers an access in one compare, because the last byte's page is compared with
 * the tag of the first byte's entry: an access that crosses a page can never match.
 *
 *      0             8              16            24
 *     ┌─────────────┬──────────────┬─────────────┬──────────────────────────────────────┐
 *     │ read tag    │ write tag    │ fetch tag   │ addend: guest address + addend =      │
 *     │             │              │             │ linear address, modulo 2^32           │
 *     └─────────────┴──────────────┴─────────────┴──────────────────────────────────────┘
 *
 * A tag is a page address, or 1 where the access has to take the slow way. Supervisor and user accesses have a TLB each, and so have
 * supervisor accesses that RFLAGS.AC lets through SMAP: STAC and CLAC change from one to the other. Where user accesses must be aligned
 * (CR0.AM, RFLAGS.AC) an empty TLB is in use, which sends every one of them the slow way; pages with data breakpoints are never filled in.
 */

import { isWatched } from "../breakpoints";
import { CR0_AM, CR4_SMAP, RFLAGS_AC } from "../generated/constants";
import { State } from "../generated/state";
import { EMPTY_TLB, PAGE_MASK, TLB_ENTRIES, TLB_ENTRY, TLB_SIZE, TLBS, TLBS_END } from "../memory-map";
import { isCode } from "./code-pages";

const NO_TAG: u64 = 1;

function entryOf(s: State, va: u64): usize {
  return <usize>s.tlb + ((<usize>(va >> 12) & (TLB_ENTRIES - 1)) << 5);
}

/** Points the vCPU at the TLB for its privilege level, CR4.SMAP and RFLAGS.AC. */
export function selectTlb(s: State): void {
  const throughSmap = (s.cr4 & CR4_SMAP) != 0 && (s.flagsOther & RFLAGS_AC) != 0;
  if (s.cpl == 3 && (s.cr0 & CR0_AM) != 0 && (s.flagsOther & RFLAGS_AC) != 0) s.tlb = <u32>emptyTlb();
  else s.tlb = <u32>(s.cpl == 3 ? TLBS + TLB_SIZE : throughSmap ? TLBS + TLB_SIZE * 2 : TLBS);
}

function emptyTlb(): usize {
  if (load<u64>(EMPTY_TLB) != NO_TAG) clear(EMPTY_TLB, EMPTY_TLB + TLB_SIZE);
  return EMPTY_TLB;
}

function clear(from: usize, to: usize): void {
  for (let e = from; e < to; e += TLB_ENTRY) {
    store<u64>(e, NO_TAG);
    store<u64>(e, NO_TAG, 8);
    store<u64>(e, NO_TAG, 16);
  }
}

/** Accesses must be aligned, or #AC. */
export function checksAlignment(s: State): bool {
  return s.tlb == <u32>EMPTY_TLB;
}

/** Makes the entry that of `va`'s page, dropping what another page left there. */
function claim(s: State, va: u64, host: usize): usize {
  const e = entryOf(s, va);
  const addend = <u32>host - <u32>va;
  const page = va & PAGE_MASK;
  if (!(load<u32>(e, 24) == addend && (load<u64>(e) == page || load<u64>(e, 8) == page || load<u64>(e, 16) == page))) {
    store<u64>(e, NO_TAG);
    store<u64>(e, NO_TAG, 8);
    store<u64>(e, NO_TAG, 16);
    store<u32>(e, addend, 24);
  }
  return e;
}

export function fillData(s: State, va: u64, host: usize, write: u32): void {
  if (checksAlignment(s) || isWatched(s, va & PAGE_MASK)) return;
  const e = claim(s, va, host);
  store<u64>(e, va & PAGE_MASK);
  if (write != 0 && !isCode(host)) store<u64>(e, va & PAGE_MASK, 8);
}

export function fillFetch(s: State, va: u64, host: usize): void {
  if (!checksAlignment(s)) store<u64>(claim(s, va, host), va & PAGE_MASK, 16);
}

/** Linear address of the instruction byte at `va`, or 0 if the TLB does not know. */
export function fetchHit(s: State, va: u64): usize {
  const e = entryOf(s, va);
  return load<u64>(e, 16) == (va & PAGE_MASK) ? <usize>va + load<u32>(e, 24) : 0;
}

export function flushTlb(): void {
  clear(TLBS, TLBS_END);
}

export function flushPage(va: u64): void {
  for (let t = TLBS; t < TLBS_END; t += TLB_SIZE) {
    const e = t + ((<usize>(va >> 12) & (TLB_ENTRIES - 1)) << 5);
    store<u64>(e, NO_TAG);
    store<u64>(e, NO_TAG, 8);
    store<u64>(e, NO_TAG, 16);
  }
}

/** Makes every write to the page that holds linear address `host` take the slow way: it holds decoded code now. */
export function protectPage(host: usize): void {
  const page = <u32>host >> 12;
  for (let e = TLBS; e < TLBS_END; e += TLB_ENTRY) {
    const tag = load<u64>(e, 8);
    if (tag != NO_TAG && (<u32>tag + load<u32>(e, 24)) >> 12 == page) store<u64>(e, NO_TAG, 8);
  }
}
