/** Entries of paging structures in linear memory, those of the guest's tables and of EPT. */
import { State } from "../generated/state";
import { codeWritten, isCode } from "./code-pages";

/** what an entry reads as where there is no RAM */
export const ONES: u64 = ~(<u64>0);

/** The entry at a linear-memory address; 0: outside of RAM. */
export function readEntry(at: usize): u64 {
  return at == 0 ? ONES : load<u64>(at);
}

/** A walk that only looks: no flag is set, nothing is logged. */
export let looking: bool = false;

export function setLooking(on: bool): void {
  looking = on;
}

/** Sets accessed and dirty flags. All flags are in the lower half of an entry, whatever its width. */
export function markEntry(s: State, at: usize, flags: u32): void {
  if (at == 0) return;
  if (isCode(at)) codeWritten(s, at);
  store<u32>(at, load<u32>(at) | flags);
}
