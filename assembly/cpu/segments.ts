/**
 * Segment registers: their hidden parts, and the way from an offset in a segment to a linear address.
 * SDM Vol. 3 "Segment Registers", "Limit Checking", "Type Checking".
 *
 * The eight registers ES CS SS DS FS GS LDTR TR stand in the state one behind the other, in the order of their numbers:
 *
 *      0             8           12          14
 *     ┌─────────────┬───────────┬───────────┬────────────────────────────────────────────────────────────────────────┐
 *     │ base        │ limit     │ selector  │ rights: 0-3 type · 4 S · 5-6 DPL · 7 P · 12 AVL · 13 L · 14 D/B · 15 G │
 *     └─────────────┴───────────┴───────────┴────────────────────────────────────────────────────────────────────────┘
 *
 * A register that holds a null selector has no P bit in its rights, so every use outside 64-bit mode fails the check.
 */
import { Op } from "../decode/op";
import { ACCESS_WRITE, VECTOR_GP, VECTOR_SS } from "../generated/constants";
import { State } from "../generated/state";
import { raise } from "../raise";

export const ES: u32 = 0;
export const CS: u32 = 1;
export const SS: u32 = 2;
export const DS: u32 = 3;
export const FS: u32 = 4;
export const GS: u32 = 5;
export const LDTR: u32 = 6;
export const TR: u32 = 7;

export const READ: u32 = 0;
export const WRITE: u32 = ACCESS_WRITE;

export const RIGHTS_WRITABLE: u32 = 1 << 1; // of data; of code: readable
export const RIGHTS_EXPAND_DOWN: u32 = 1 << 2; // of data; of code: conforming
export const RIGHTS_CODE: u32 = 1 << 3;
export const RIGHTS_S: u32 = 1 << 4;
export const RIGHTS_P: u32 = 1 << 7;
export const RIGHTS_L: u32 = 1 << 13;
export const RIGHTS_DB: u32 = 1 << 14;
export const RIGHTS_G: u32 = 1 << 15;

function cell(s: State, segment: u32): usize {
  return changetype<usize>(s) + offsetof<State>("esBase") + ((<usize>segment) << 4);
}

export function segmentBase(s: State, segment: u32): u64 {
  return load<u64>(cell(s, segment));
}

export function segmentLimit(s: State, segment: u32): u32 {
  return load<u32>(cell(s, segment), 8);
}

export function selectorOf(s: State, segment: u32): u32 {
  return load<u16>(cell(s, segment), 12);
}

export function rightsOf(s: State, segment: u32): u32 {
  return load<u16>(cell(s, segment), 14);
}

export function setSegmentBase(s: State, segment: u32, base: u64): void {
  store<u64>(cell(s, segment), base);
}

export function setSelector(s: State, segment: u32, selector: u32): void {
  store<u16>(cell(s, segment), <u16>selector, 12);
}

export function setSegment(s: State, segment: u32, selector: u32, base: u64, limit: u32, rights: u32): void {
  const at = cell(s, segment);
  store<u64>(at, base);
  store<u32>(at, limit, 8);
  store<u16>(at, <u16>selector, 12);
  store<u16>(at, <u16>rights, 14);
}

/** Linear address of `size` bytes at an offset that is already cut to the address size; #GP(0) or #SS(0) if the segment forbids it. */
export function linear(s: State, op: Op, segment: u32, offset: u64, size: u32, access: u32): u64 {
  if (s.mode == 2) return segment >= FS ? offset + segmentBase(s, segment) : offset;
  if (!allows(s, segment, offset, size, access)) raise(s, op, segment == SS ? VECTOR_SS : VECTOR_GP, 0);
  return (offset + segmentBase(s, segment)) & 0xffffffff;
}

/** Whether a segment outside 64-bit mode allows an access of `size` bytes; of none, everything is allowed. */
function allows(s: State, segment: u32, offset: u64, size: u32, access: u32): bool {
  if (size == 0) return true;
  const rights = rightsOf(s, segment);
  if ((rights & RIGHTS_P) == 0) return false;
  const code = (rights & RIGHTS_CODE) != 0;
  if (access == WRITE ? code || (rights & RIGHTS_WRITABLE) == 0 : code && (rights & RIGHTS_WRITABLE) == 0) return false;
  const last = offset + <u64>(size - 1);
  const limit = <u64>segmentLimit(s, segment);
  if (code || (rights & RIGHTS_EXPAND_DOWN) == 0) return last <= limit;
  return offset > limit && last <= ((rights & RIGHTS_DB) != 0 ? 0xffffffff : 0xffff);
}

/** Bytes from an allowed offset up to where the segment ends, for accesses in runs. */
export function segmentRoom(s: State, segment: u32, offset: u64): u64 {
  const rights = rightsOf(s, segment);
  const down = (rights & (RIGHTS_CODE | RIGHTS_EXPAND_DOWN)) == RIGHTS_EXPAND_DOWN;
  const limit: u64 = !down ? <u64>segmentLimit(s, segment) : (rights & RIGHTS_DB) != 0 ? 0xffffffff : 0xffff;
  return limit + 1 - offset;
}
