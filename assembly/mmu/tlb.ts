/**
 * The software TLB, direct-mapped by page number. An entry answers an access in one compare, because the last byte's page is compared with
 * the tag of the first byte's entry: an access that crosses a page can never match.
 *
 *      0             8              16            24                                       28
 *     ┌─────────────┬──────────────┬─────────────┬────────────────────────────────────────┬──────────────────────────────┐
 *     │ read tag    │ write tag    │ fetch tag   │ addend: guest address + addend =        │ 0-4 page size · 8 global     │
 *     │             │              │             │ linear address, modulo 2^32             │ 9 on local, 10 on global list│
 *     └─────────────┴──────────────┴─────────────┴────────────────────────────────────────┴──────────────────────────────┘
 *
 * A tag is a page address, or 1 where the access has to take the slow way. Supervisor and user accesses have a TLB each, and so have
 * supervisor accesses that RFLAGS.AC lets through SMAP: STAC and CLAC change from one to the other. Where user accesses must be aligned
 * (CR0.AM, RFLAGS.AC) an empty TLB is in use, which sends every one of them the slow way; pages with data breakpoints are never filled in.
 *
 * These three are a context: what is known under one VPID and EPT pointer. There are a few of them, and one is in use (tlb-context.ts). Two
 * lists in each name its entries that may be in use, so a flush costs what has been filled since the last one. Entries of global pages are on
 * a list of their own, which a load of CR3 leaves alone. All others belong to the current PCID. What is cut from a large page is found again
 * by INVLPG in two small Bloom filters and, if they say so, in the lists.
 */

import { isWatched } from "../breakpoints";
import { CR0_AM, CR4_SMAP, OPTION_CHECK_TRANSLATIONS, RFLAGS_AC } from "../generated/constants";
import { State } from "../generated/state";
import {
  CHECK_TLB,
  EMPTY_TLB,
  LARGE_FILTER_SIZE,
  LARGE_FILTERS,
  PAGE_MASK,
  TLB_CONTEXT,
  TLB_ENTRIES,
  TLB_ENTRY,
  TLB_HEADER,
  TLB_LIST_SIZE,
  TLB_LISTS,
  TLB_SIZE,
  TLBS,
  TLBS_END,
} from "../memory-map";
import { pageGlobal, pageSize, setLinearWidth } from "./walk";

const NO_TAG: u64 = 1;
const META_GLOBAL: u32 = 1 << 8;
/** on the list of local entries; shifted by one: on that of global ones */
const META_LISTED: u32 = 1 << 9;
const META_LISTS: u32 = META_LISTED * 3;
const META_SIZE: u32 = 31;

const LOCAL: u32 = 0;
const GLOBAL: u32 = 1;

/** in a context: lengths of the two lists */
const LENGTHS: usize = TLB_HEADER;
const USER: usize = TLB_SIZE;
const THROUGH_SMAP: usize = TLB_SIZE * 2;

/** The context in use. It starts with the TLB of supervisor accesses that SMAP applies to: also of those that the processor makes on its own account. */
export let context: usize = TLBS;
/** what those accesses of the processor look into */
let systemTlb: usize = TLBS;

export function setContext(s: State, c: usize): void {
  context = c;
  selectTlb(s);
}

function slot(tlb: usize, va: u64): usize {
  return tlb + ((<usize>(va >> 12) & (TLB_ENTRIES - 1)) << 5);
}

/** Points the vCPU at the TLB for its privilege level, CR4.SMAP and RFLAGS.AC. */
export function selectTlb(s: State): void {
  setLinearWidth(s);
  const throughSmap = (s.cr4 & CR4_SMAP) != 0 && (s.flagsOther & RFLAGS_AC) != 0;
  const aligns = s.cpl == 3 && (s.cr0 & CR0_AM) != 0 && (s.flagsOther & RFLAGS_AC) != 0;
  const checks = isChecking(s);
  systemTlb = checks ? CHECK_TLB : context;
  s.tlb = <u32>(aligns ? EMPTY_TLB : checks ? CHECK_TLB : s.cpl == 3 ? context + USER : throughSmap ? context + THROUGH_SMAP : context);
}

/** Translations are checked: accesses look into an empty TLB, so that the slow way can compare. */
export function isChecking(s: State): bool {
  return (s.options & OPTION_CHECK_TRANSLATIONS) != 0;
}

/** The TLB that is filled for the vCPU's accesses. */
export function filledTlb(s: State): usize {
  if (s.tlb != <u32>CHECK_TLB) return <usize>s.tlb;
  const throughSmap = (s.cr4 & CR4_SMAP) != 0 && (s.flagsOther & RFLAGS_AC) != 0;
  return s.cpl == 3 ? context + USER : throughSmap ? context + THROUGH_SMAP : context;
}

/** Accesses must be aligned, or #AC. */
export function checksAlignment(s: State): bool {
  return s.tlb == <u32>EMPTY_TLB;
}

// ---- look-ups and fills

/** Right after `walk` found the page: the entry of `va`'s page, without what another page left there. */
function claim(tlb: usize, va: u64, host: usize): usize {
  const e = slot(tlb, va);
  const addend = <u32>host - <u32>va;
  const page = va & PAGE_MASK;
  if (!(load<u32>(e, 24) == addend && (load<u64>(e) == page || load<u64>(e, 8) == page || load<u64>(e, 16) == page))) {
    empty(e);
    store<u32>(e, addend, 24);
  }
  let meta = (load<u32>(e, 28) & META_LISTS) | pageSize;
  if (pageGlobal) meta |= META_GLOBAL;
  const list = pageGlobal ? GLOBAL : LOCAL;
  if ((meta & (META_LISTED << list)) == 0) {
    meta |= META_LISTED << list;
    append(list, e);
  }
  store<u32>(e, meta, 28);
  if (pageSize != 12) addLarge(list, va, pageSize);
  return e;
}

export function fillRead(s: State, tlb: usize, va: u64, host: usize): void {
  if (tlb != EMPTY_TLB && !isWatched(s, va & PAGE_MASK)) store<u64>(claim(tlb, va, host), va & PAGE_MASK);
}

/** What may be written may be read. The page holds no decoded code. */
export function fillWrite(s: State, tlb: usize, va: u64, host: usize): void {
  if (tlb == EMPTY_TLB || isWatched(s, va & PAGE_MASK)) return;
  const e = claim(tlb, va, host);
  store<u64>(e, va & PAGE_MASK);
  store<u64>(e, va & PAGE_MASK, 8);
}

export function fillFetch(s: State, va: u64, host: usize): void {
  if (!checksAlignment(s)) store<u64>(claim(filledTlb(s), va, host), va & PAGE_MASK, 16);
}

/** Linear address of the instruction byte at `va`, or 0 if the TLB does not know. */
export function fetchHit(s: State, va: u64): usize {
  const e = slot(<usize>s.tlb, va);
  return load<u64>(e, 16) == (va & PAGE_MASK) ? <usize>va + load<u32>(e, 24) : 0;
}

/** Linear address of the byte at `va` by the entry's read, write or fetch tag (0, 8, 16), or 0. */
export function heldIn(tlb: usize, va: u64, tag: usize): usize {
  const e = slot(tlb, va);
  return load<u64>(e + tag) == (va & PAGE_MASK) ? <usize>va + load<u32>(e, 24) : 0;
}

/** Linear address of `size` bytes that the processor itself reads or, with 8 for `tag`, writes; 0 if the TLB does not know. */
export function systemHit(va: u64, size: u32, tag: usize): usize {
  const e = slot(systemTlb, va);
  return ((va + <u64>(size - 1)) & PAGE_MASK) == load<u64>(e + tag) ? <usize>va + load<u32>(e, 24) : 0;
}

// ---- flushes of one context. SDM Vol. 3 "Invalidation of TLBs and Paging-Structure Caches"; which contexts: tlb-context.ts

/** Nothing is known, whatever stood there before. */
export function initializeTlb(): void {
  memory.fill(TLBS, 0, TLBS_END - TLBS);
  for (let c = TLBS; c < TLBS_END; c += TLB_CONTEXT) for (let e = c; e < c + TLB_LISTS; e += TLB_ENTRY) empty(e);
  for (let e = EMPTY_TLB; e < CHECK_TLB + TLB_SIZE; e += TLB_ENTRY) empty(e);
}

/** Everything, with global pages. */
export function flushContext(c: usize): void {
  flushContextLocal(c);
  const globals = lengthOf(c, GLOBAL);
  for (let i: u32 = 0; i < globals; i++) {
    const e = listed(c, GLOBAL, i);
    empty(e);
    store<u32>(e, load<u32>(e, 28) & ~META_LISTS, 28);
  }
  forgetList(c, GLOBAL);
}

/** Everything but global pages: what belongs to the current PCID. */
export function flushContextLocal(c: usize): void {
  const locals = lengthOf(c, LOCAL);
  for (let i: u32 = 0; i < locals; i++) {
    const e = listed(c, LOCAL, i);
    const meta = load<u32>(e, 28);
    if ((meta & META_GLOBAL) == 0) empty(e);
    store<u32>(e, meta & ~META_LISTED, 28);
  }
  forgetList(c, LOCAL);
}

/** The page that `va` lies in, whatever its size, global or not. */
export function flushContextPage(c: usize, va: u64): void {
  for (let tlb = c; tlb < c + TLB_LISTS; tlb += TLB_SIZE) empty(slot(tlb, va));
  if (maybeLarge(c, LOCAL, va)) flushLarge(c, LOCAL, va);
  if (maybeLarge(c, GLOBAL, va)) flushLarge(c, GLOBAL, va);
}

/** An access to the page has failed. What is cut from a large page stays for the rest of it. */
export function forgetPage(va: u64): void {
  for (let tlb = context; tlb < context + TLB_LISTS; tlb += TLB_SIZE) {
    const e = slot(tlb, va);
    const page = va & PAGE_MASK;
    if (load<u64>(e) == page || load<u64>(e, 8) == page || load<u64>(e, 16) == page) empty(e);
  }
}

function flushLarge(c: usize, list: u32, va: u64): void {
  const length = lengthOf(c, list);
  for (let i: u32 = 0; i < length; i++) {
    const e = listed(c, list, i);
    const size = <u64>(load<u32>(e, 28) & META_SIZE);
    if (covers(load<u64>(e), va, size) || covers(load<u64>(e, 8), va, size) || covers(load<u64>(e, 16), va, size)) empty(e);
  }
}

function covers(tag: u64, va: u64, size: u64): bool {
  return tag != NO_TAG && (tag ^ va) >> size == 0;
}

/** Makes every write to the page that holds linear address `host` take the slow way: it holds decoded code now. */
export function protectPage(host: usize): void {
  for (let c = TLBS; c < TLBS_END; c += TLB_CONTEXT) {
    protectListed(c, LOCAL, <u32>host >> 12);
    protectListed(c, GLOBAL, <u32>host >> 12);
  }
}

function protectListed(c: usize, list: u32, page: u32): void {
  const length = lengthOf(c, list);
  for (let i: u32 = 0; i < length; i++) {
    const e = listed(c, list, i);
    const tag = load<u64>(e, 8);
    if (tag != NO_TAG && (<u32>tag + load<u32>(e, 24)) >> 12 == page) store<u64>(e, NO_TAG, 8);
  }
}

function empty(e: usize): void {
  store<u64>(e, NO_TAG);
  store<u64>(e, NO_TAG, 8);
  store<u64>(e, NO_TAG, 16);
}

// ---- lists and filters

function lengthOf(c: usize, list: u32): u32 {
  return load<u32>(c + ((<usize>list) << 2), LENGTHS);
}

function append(list: u32, e: usize): void {
  const n = lengthOf(context, list);
  store<u32>(context + ((<usize>list) << 2), n + 1, LENGTHS);
  store<u32>(context + <usize>list * TLB_LIST_SIZE + ((<usize>n) << 2), <u32>e, TLB_LISTS);
}

function listed(c: usize, list: u32, i: u32): usize {
  return <usize>load<u32>(c + <usize>list * TLB_LIST_SIZE + ((<usize>i) << 2), TLB_LISTS);
}

function forgetList(c: usize, list: u32): void {
  if (lengthOf(c, list) == 0) return;
  store<u32>(c + ((<usize>list) << 2), 0, LENGTHS);
  memory.fill(c + LARGE_FILTERS + <usize>list * LARGE_FILTER_SIZE, 0, LARGE_FILTER_SIZE);
}

/** Byte and bit in a filter that stand for the large page of `va`. */
function hash(va: u64, size: u64): u32 {
  return (<u32>(va >> size) * 0x9e3779b1) >> 21;
}

function addLarge(list: u32, va: u64, size: u32): void {
  const h = hash(va, <u64>size);
  const at = context + LARGE_FILTERS + <usize>list * LARGE_FILTER_SIZE + (h >> 3);
  store<u8>(at, load<u8>(at) | ((<u8>1) << (<u8>(h & 7))));
}

function maybeLarge(c: usize, list: u32, va: u64): bool {
  const filter = c + LARGE_FILTERS + <usize>list * LARGE_FILTER_SIZE;
  return inFilter(filter, hash(va, 21)) || inFilter(filter, hash(va, 22)) || inFilter(filter, hash(va, 30));
}

function inFilter(filter: usize, h: u32): bool {
  return ((load<u8>(filter + (h >> 3)) >> (h & 7)) & 1) != 0;
}
