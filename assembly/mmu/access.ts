/**
 * Accesses that the TLB did not answer: misses, accesses that cross a page, writes to pages that hold decoded code. Either the
 * access gets a linear address, or it faults before anything has changed. What has no single linear address goes through the bounce
 * buffer: its bytes are gathered there, and `commit` spreads them again after the store.
 */

import { Op } from "../decode/op";
import { PF_U, PF_W, VECTOR_GP, VECTOR_SS } from "../generated/constants";
import { State } from "../generated/state";
import { BOUNCE, PAGE_MASK } from "../memory-map";
import { raise, raisePf } from "../raise";
import { codeWritten, isCode } from "./code-pages";
import { hostOf } from "./physical";
import { fillData } from "./tlb";
import { isCanonical, walk, walkError } from "./walk";

/** the two halves of the access in the bounce buffer: linear addresses, and how many bytes belong to the first */
let first: usize = 0;
let second: usize = 0;
let split: u32 = 0;
let total: u32 = 0;

/** Address of `size` bytes (at most a page) at linear guest address `va`, to be read. */
export function readable(s: State, op: Op, va: u64, size: u32): usize {
  return place(s, op, va, size, 0, op.segment == 2 ? VECTOR_SS : VECTOR_GP);
}

/** The same, to be read and written; pass it to `commit` after the last store. */
export function writable(s: State, op: Op, va: u64, size: u32): usize {
  return place(s, op, va, size, PF_W, op.segment == 2 ? VECTOR_SS : VECTOR_GP);
}

/** As `readable`, of the stack: a bad address is #SS, whatever the instruction's operand. */
export function readableStack(s: State, op: Op, va: u64, size: u32): usize {
  return place(s, op, va, size, 0, VECTOR_SS);
}

export function writableStack(s: State, op: Op, va: u64, size: u32): usize {
  return place(s, op, va, size, PF_W, VECTOR_SS);
}

/** Spreads what was stored in the bounce buffer. A plain address needs nothing. */
export function commit(s: State, at: usize): void {
  if (at != BOUNCE) return;
  memory.copy(first, BOUNCE, split);
  memory.copy(second, BOUNCE + split, total - split);
}

/** `vector` is raised for an address that is not canonical. */
function place(s: State, op: Op, va: u64, size: u32, write: u32, vector: u32): usize {
  const last = va + <u64>(size - 1);
  if (!isCanonical(va) || !isCanonical(last)) raise(s, op, vector, 0);
  if (((va ^ last) & PAGE_MASK) == 0) return translate(s, op, va, write);
  const a = translate(s, op, va, write);
  const b = translate(s, op, last & PAGE_MASK, write);
  first = a;
  second = b;
  split = 4096 - (<u32>va & 0xfff);
  total = size;
  memory.copy(BOUNCE, a, split);
  memory.copy(BOUNCE + split, b, size - split);
  return BOUNCE;
}

/** Linear-memory address of one byte, permission checked, and everything else in its page. */
function translate(s: State, op: Op, va: u64, write: u32): usize {
  const access = write | (s.cpl == 3 ? PF_U : 0);
  const gpa = walk(s, va, access);
  if (walkError != 0) raisePf(s, op, va, walkError >> 1);
  const host = hostOf(gpa);
  if (write != 0 && isCode(host)) codeWritten(s, host);
  fillData(s, va, host, write);
  return host;
}
