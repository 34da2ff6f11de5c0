/**
 * The bytes being decoded. They are read where they lie; an instruction that runs over the end of its page continues on the next one, which
 * is translated (and may fault) only when a byte of it is needed.
 */
import { Exec } from "../backend/exec";
import { fetchAddress } from "../mmu/fetch";

/** linear guest address and linear-memory address of the byte at offset 0 */
let windowVa: u64 = 0;
let windowHost: usize = 0;
/** bytes from offset 0 to the end of the page */
let windowRoom: u32 = 0;
/** linear-memory address of the second page once it was needed, else 0 */
export let fetchCrossed: usize = 0;
/** set when a byte was wanted from the next page by an instruction that must not cross */
export let outOfPage: bool = false;

let mayCross: bool = false;
let position: u32 = 0;
let start: u32 = 0;

export function openWindow(b: Exec, va: u64, host: usize): void {
  windowVa = va;
  windowHost = host;
  windowRoom = 4096 - (<u32>va & 0xfff);
  fetchCrossed = 0;
}

/** Starts an instruction at `offset`; only the first of a block may cross into the next page. */
export function startAt(offset: u32, first: bool): void {
  position = offset;
  start = offset;
  mayCross = first;
  outOfPage = false;
}

export function lengthSoFar(): u32 {
  return position - start;
}

export function nextByte(b: Exec): u32 {
  const at: usize = position;
  position++;
  if (at < <usize>windowRoom) return load<u8>(windowHost + at);
  if (!mayCross) {
    outOfPage = true;
    return 0;
  }
  if (fetchCrossed == 0) fetchCrossed = fetchAddress(b, windowVa + <u64>windowRoom);
  return load<u8>(fetchCrossed + at - <usize>windowRoom);
}

/** A little-endian value of `size` bytes, sign-extended. */
export function nextValue(b: Exec, size: u32): i64 {
  let v: u64 = 0;
  for (let i: u32 = 0; i < size; i++) v |= (<u64>nextByte(b)) << (<u64>i * 8);
  const unused = <i64>(64 - size * 8);
  return ((<i64>v) << unused) >> unused;
}
