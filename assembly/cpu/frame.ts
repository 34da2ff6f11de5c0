/**
 * Frames that transfers to another stack push: call gates, interrupts, task switches. First one of the `use…Stack` functions says where, then
 * `pushFrame` writes downwards, then the transfer loads SS and takes the stack pointer with `setFramePointer`. SDM Vol. 3 "Stack Switching".
 */
import { Op } from "../decode/op";
import { VECTOR_SS } from "../generated/constants";
import { State } from "../generated/state";
import { PAGE_MASK, TLB_ENTRIES } from "../memory-map";
import { commit, writableStack } from "../mmu/access";
import { selectTlb } from "../mmu/tlb";
import { isCanonical } from "../mmu/walk";
import { raise } from "../raise";
import { baseIn, limitIn, raiseSelector, rightsIn } from "./descriptors";
import { linear, RIGHTS_DB, RIGHTS_EXPAND_DOWN, SS, WRITE } from "./segments";

/** the frame's stack is the one in SS */
let current: bool = false;
let base: u64 = 0;
let mask: u64 = 0;
let pointer: u64 = 0;

/** The stack in use. Every push checks its limit. */
export function useCurrentStack(s: State): void {
  current = true;
  mask = s.stackMask;
  pointer = s.rsp;
}

/** The stack segment `d`, which must have room for `bytes` below `sp`, or #SS with its selector. */
export function useSegmentStack(s: State, op: Op, selector: u32, d: u64, sp: u64, bytes: u64): void {
  if (!fits(d, sp, bytes)) raiseSelector(s, op, VECTOR_SS, selector);
  current = false;
  base = baseIn(d);
  mask = (rightsIn(d) & RIGHTS_DB) != 0 ? 0xffffffff : 0xffff;
  pointer = sp;
}

/** A stack of 64-bit mode; the `bytes` below `sp` must be canonical, or #SS(0). */
export function useLongStack(s: State, op: Op, sp: u64, bytes: u64): void {
  if (!isCanonical(sp - bytes) || !isCanonical(sp - 1)) raise(s, op, VECTOR_SS, 0);
  current = false;
  base = 0;
  mask = ~(<u64>0);
  pointer = sp;
}

/** Takes the privilege level for the pushes to come; `keepLevel` makes it stay, an exception goes back. */
export function assumeLevel(s: State, cpl: u32): void {
  s.assumed = s.cpl + 1;
  s.assumedTlb = s.tlb;
  s.cpl = cpl;
  selectTlb(s);
}

export function keepLevel(s: State): void {
  s.assumed = 0;
}

export function pushFrame(s: State, op: Op, bytes: u64, v: u64): void {
  pointer -= bytes;
  const va = current ? linear(s, op, SS, pointer & mask, <u32>bytes, WRITE) : base + (pointer & mask);
  if (bytes == 8) write<u64>(s, op, va, v);
  else if (bytes == 4) write<u32>(s, op, va & 0xffffffff, v);
  else write<u16>(s, op, va & 0xffffffff, v);
}

function write<T>(s: State, op: Op, va: u64, v: u64): void {
  const e = <usize>s.tlb + ((<usize>(va >> 12) & (TLB_ENTRIES - 1)) << 5);
  if (((va + (sizeof<T>() - 1)) & PAGE_MASK) == load<u64>(e, 8)) return store<T>(<usize>va + load<u32>(e, 24), <T>v);
  const at = writableStack(s, op, va, sizeof<T>());
  store<T>(at, <T>v);
  commit(s, at);
}

/** The stack pointer below the frame. */
export function setFramePointer(s: State): void {
  s.rsp = mask == 0xffff ? (s.rsp & ~mask) | (pointer & mask) : pointer & mask;
}

/** Whether `total` bytes below `sp` lie within the stack segment. */
function fits(d: u64, sp: u64, total: u64): bool {
  const rights = rightsIn(d);
  const wrap: u64 = (rights & RIGHTS_DB) != 0 ? 0xffffffff : 0xffff;
  const first = (sp - total) & wrap;
  const last = (sp - 1) & wrap;
  if (first > last) return false;
  return (rights & RIGHTS_EXPAND_DOWN) != 0 ? first > <u64>limitIn(d) : last <= <u64>limitIn(d);
}
