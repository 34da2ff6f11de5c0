/**
 * Segment descriptors in guest memory. SDM Vol. 3 "Segment Descriptors", "System Descriptor Types", "Segment Descriptor Tables in
 * IA-32e Mode". A descriptor in hand is its first eight bytes; the last one read and its address stand in `descriptor` and
 * `descriptorAt`.
 *
 *      63        56 55   52 51      48 47      40 39                 16 15        0
 *     ┌────────────┬───────┬──────────┬──────────┬─────────────────────┬───────────┐
 *     │ base 31-24 │ flags │ lim 19-16│ rights   │ base 23-0           │ limit 15-0│
 *     └────────────┴───────┴──────────┴──────────┴─────────────────────┴───────────┘
 */
import { Op } from "../decode/op";
import { VECTOR_GP } from "../generated/constants";
import { State } from "../generated/state";
import { readSystem, writeSystem } from "../mmu/system";
import { raise } from "../raise";
import { isLongMode } from "./modes";
import {
  RIGHTS_CODE,
  RIGHTS_DB,
  RIGHTS_EXPAND_DOWN,
  RIGHTS_G,
  RIGHTS_L,
  RIGHTS_P,
  RIGHTS_S,
  RIGHTS_WRITABLE,
  setSegment,
} from "./segments";

export const RIGHTS_ACCESSED: u32 = 1;
/** of code, in the place of expand-down */
export const RIGHTS_CONFORMING: u32 = RIGHTS_EXPAND_DOWN;

// system descriptor types; 64-bit mode has only LDT, AVAILABLE_TSS, BUSY_TSS and CALL_GATE
export const AVAILABLE_TSS16: u32 = 1;
export const LDT: u32 = 2;
export const BUSY_TSS16: u32 = 3;
export const CALL_GATE16: u32 = 4;
export const TASK_GATE: u32 = 5;
export const AVAILABLE_TSS: u32 = 9;
export const BUSY_TSS: u32 = 11;
export const CALL_GATE: u32 = 12;
/** what turns an available TSS into a busy one */
export const BUSY: u32 = 2;

/** the last descriptor read */
export let descriptor: u64 = 0;
/** and its linear address */
export let descriptorAt: u64 = 0;

export function isNull(selector: u32): bool {
  return (selector & 0xfffc) == 0;
}

/** Reads a descriptor that takes `bytes` in its table; false if that is more than the table has. */
export function readDescriptor(s: State, op: Op, selector: u32, bytes: u32): bool {
  const local = (selector & 4) != 0;
  if (local && (s.ldtrRights & RIGHTS_P) == 0) return false;
  const offset = selector & 0xfff8;
  if (offset + bytes - 1 > (local ? s.ldtrLimit : s.gdtrLimit)) return false;
  const at = (local ? s.ldtrBase : s.gdtrBase) + <u64>offset;
  descriptor = readSystem<u64>(s, op, at);
  descriptorAt = at;
  return true;
}

/** The same, or #GP or whatever vector is wanted, with the selector as error code. */
export function needDescriptor(s: State, op: Op, selector: u32, bytes: u32, vector: u32): void {
  if (!readDescriptor(s, op, selector, bytes)) raiseSelector(s, op, vector, selector);
}

export function raiseSelector(s: State, op: Op, vector: u32, selector: u32): void {
  raise(s, op, vector, selector & 0xfffc);
}

/** Bytes of a system descriptor. */
export function systemBytes(s: State): u32 {
  return isLongMode(s) ? 16 : 8;
}

/** The upper half of the last descriptor, #GP if it could be taken for a descriptor itself. */
export function upperHalf(s: State, op: Op, selector: u32): u64 {
  const v = readSystem<u64>(s, op, descriptorAt + 8);
  if (((v >> 40) & 31) != 0) raiseSelector(s, op, VECTOR_GP, selector);
  return v;
}

/** Access rights as the segment registers keep them. */
export function rightsIn(d: u64): u32 {
  return <u32>(d >> 40) & 0xf0ff;
}

export function dplIn(d: u64): u32 {
  return <u32>(d >> 45) & 3;
}

/** type of a system descriptor, or 0 (which is reserved) if it is one of code or data */
export function systemType(d: u64): u32 {
  return (rightsIn(d) & RIGHTS_S) != 0 ? 0 : <u32>(d >> 40) & 15;
}

export function baseIn(d: u64): u64 {
  return ((d >> 16) & 0xffffff) | ((d >> 32) & 0xff000000);
}

/** in bytes */
export function limitIn(d: u64): u32 {
  const limit = <u32>((d & 0xffff) | ((d >> 32) & 0xf0000));
  return (rightsIn(d) & RIGHTS_G) != 0 ? (limit << 12) | 0xfff : limit;
}

export function isPresent(d: u64): bool {
  return (rightsIn(d) & RIGHTS_P) != 0;
}

export function isCodeSegment(d: u64): bool {
  return (rightsIn(d) & (RIGHTS_S | RIGHTS_CODE)) == (RIGHTS_S | RIGHTS_CODE);
}

export function isConforming(d: u64): bool {
  return isCodeSegment(d) && (rightsIn(d) & RIGHTS_CONFORMING) != 0;
}

/** L and D both set: no such code in IA-32e mode */
export function isReservedCode(s: State, d: u64): bool {
  return isLongMode(s) && (rightsIn(d) & (RIGHTS_L | RIGHTS_DB)) == (RIGHTS_L | RIGHTS_DB);
}

export function isWritableData(d: u64): bool {
  return (rightsIn(d) & (RIGHTS_S | RIGHTS_CODE | RIGHTS_WRITABLE)) == (RIGHTS_S | RIGHTS_WRITABLE);
}

/** data, or code that may be read */
export function isReadable(d: u64): bool {
  const rights = rightsIn(d);
  return (rights & RIGHTS_S) != 0 && (rights & (RIGHTS_CODE | RIGHTS_WRITABLE)) != RIGHTS_CODE;
}

/** Sets the accessed flag in the table, and returns the descriptor with it. `at` is where `d` stands. */
export function markAccessed(s: State, op: Op, d: u64, at: u64): u64 {
  const marked = d | ((<u64>RIGHTS_ACCESSED) << 40);
  if (marked != d) writeSystem<u8>(s, op, at + 5, marked >> 40);
  return marked;
}

/** Loads the hidden part of a segment register from a descriptor. */
export function setFromDescriptor(s: State, segment: u32, selector: u32, d: u64): void {
  setSegment(s, segment, selector, baseIn(d), limitIn(d), rightsIn(d));
}
