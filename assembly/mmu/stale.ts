/**
 * Uses of translations that software has changed in memory without telling the processor: no INVLPG, INVVPID or INVEPT, no load of CR3. With
 * OPTION_CHECK_TRANSLATIONS every access takes the slow way, and where the TLB holds a translation, what the tables in memory say now is
 * compared with it. A difference is noted, and the access goes by the TLB, as a processor's may; then the entry goes, as it may, too. What is
 * noted is wrong in software; but the TLB forgets more than the manual asks for, so not everything that is wrong is noted: with PCIDs it
 * holds those of one, and jumps within a page do not look at it again.
 *
 *     0 linear address · 8 physical address used · 16 that of now, all ones: the access would fail · 24 RIP · 32 EPT pointer · 40 PF_W, PF_U, PF_I · 44 VPID
 */
import { Op } from "../decode/op";
import { PF_I, PF_W } from "../generated/constants";
import { State } from "../generated/state";
import { STALE_USES, STALE_USES_MAX } from "../memory-map";
import { hostOf, physicalOf } from "./physical";
import { forgetPage, heldIn } from "./tlb";
import { vpidOf } from "./tlb-context";
import { look, walkError } from "./walk";

const USE: usize = 48;
const FAILS: u64 = ~(<u64>0);
const READ_TAG: usize = 0;
const WRITE_TAG: usize = 8;
const FETCH_TAG: usize = 16;

/** how many there have been since they were last asked for; the first STALE_USES_MAX are kept */
let uses: u32 = 0;

export function takeStaleUses(): u32 {
  const n = uses;
  uses = 0;
  return n;
}

/** Linear-memory address that the TLB has for an access, or 0 if it has none; checked. */
export function checkedHit(s: State, op: Op, tlb: usize, va: u64, access: u32): usize {
  const host = heldIn(tlb, va, (access & PF_I) != 0 ? FETCH_TAG : (access & PF_W) != 0 ? WRITE_TAG : READ_TAG);
  if (host == 0) return 0;
  const now = look(s, va, access);
  if (walkError == 0 && hostOf(now) == host) return host;
  note(s, op, va, physicalOf(host), walkError == 0 ? now : FAILS, access);
  forgetPage(va);
  return host;
}

function note(s: State, op: Op, va: u64, used: u64, now: u64, access: u32): void {
  if (uses < STALE_USES_MAX) {
    const at = STALE_USES + <usize>uses * USE;
    store<u64>(at, va);
    store<u64>(at, used, 8);
    store<u64>(at, now, 16);
    store<u64>(at, changetype<usize>(op) == 0 ? s.rip : s.blockRip + <u64>op.off, 24);
    store<u64>(at, s.eptPointer, 32);
    store<u32>(at, access, 40);
    store<u32>(at, vpidOf(s), 44);
  }
  uses++;
}
