/**
 * Numbers for code segments by base and limit, so that a block of 16- or 32-bit code is only found again where its bytes have the same
 * offsets and the same limit: jumps wrap, and the limit is checked, when it is decoded.
 */
import { State } from "../generated/state";
import { CODE_SEGMENTS, CODE_SEGMENTS_MAX } from "../memory-map";

let known: u32 = 0;
/** set when the numbers ran out and start anew: blocks decoded for old numbers must go */
export let renumbered: bool = false;

export function codeSegmentNumber(s: State): u32 {
  const base = <u32>s.csBase;
  const limit = s.csLimit;
  for (let i = known; i > 0; i--) {
    const at = CODE_SEGMENTS + ((<usize>i) << 3);
    if (load<u32>(at) == base && load<u32>(at, 4) == limit) return i;
  }
  if (known + 1 == CODE_SEGMENTS_MAX) {
    known = 0;
    renumbered = true;
  }
  known++;
  const at = CODE_SEGMENTS + ((<usize>known) << 3);
  store<u32>(at, base);
  store<u32>(at, limit, 4);
  return known;
}

/** Whether all blocks must be dropped before the next one is looked for; asked once for each time. */
export function mustDrop(): bool {
  const drop = renumbered;
  renumbered = false;
  return drop;
}
