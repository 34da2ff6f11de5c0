/** Where instructions are fetched from. */
import { count } from "../counters";
import { Op } from "../decode/op";
import { COUNTER_FETCH_MISSES, PF_I, PF_U } from "../generated/constants";
import { State } from "../generated/state";
import { ONES, PAGE_MASK } from "../memory-map";
import { raiseGp } from "../raise";
import { refuseFetch } from "./apic-access";
import { hostOf } from "./physical";
import { refuse } from "./refuse";
import { checkedHit } from "./stale";
import { checksAlignment, fetchHit, filledTlb, fillFetch, isChecking } from "./tlb";
import { isCanonical, walk, walkError } from "./walk";

/** Linear-memory address of the instruction byte at `va`; faults as the fetch does. What is no RAM is fetched as ones, which is #UD. */
export function fetchAddress(s: State, va: u64): usize {
  const hit = fetchHit(s, va);
  if (hit != 0) return hit;
  const none = changetype<Op>(0);
  if (s.mode == 2 && !isCanonical(va)) raiseGp(s, none);
  if (isChecking(s) && !checksAlignment(s)) {
    const held = checkedHit(s, none, filledTlb(s), va, PF_I | (s.cpl == 3 ? PF_U : 0));
    if (held != 0) return held;
  }
  count(COUNTER_FETCH_MISSES);
  const physical = walk(s, va, PF_I | (s.cpl == 3 ? PF_U : 0));
  if (walkError != 0) refuse(s, none, va);
  if ((physical & PAGE_MASK) == s.apicAccess) refuseFetch(s, <u32>physical & 0xfff);
  const host = hostOf(physical);
  if (host == 0) return ONES + (<usize>va & 0xfff);
  fillFetch(s, va, host);
  return host;
}
