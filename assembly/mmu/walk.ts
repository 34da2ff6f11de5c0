/**
 * The page walk. SDM Vol. 3 "Paging": 4-level paging with NX, WP, SMEP and SMAP, accessed and dirty flags. The walk changes nothing but
 * A and D bits, and those only when it succeeds.
 */

import {
  ADDRESS_BITS_PHYSICAL,
  CR0_PG,
  CR0_WP,
  CR4_LA57,
  CR4_PAE,
  CR4_SMAP,
  CR4_SMEP,
  EFER_LMA,
  EFER_NXE,
  PF_I,
  PF_P,
  PF_RSVD,
  PF_U,
  PF_W,
  PTE_A,
  PTE_D,
  PTE_P,
  PTE_PS,
  PTE_U,
  PTE_W,
  RFLAGS_AC,
} from "../generated/constants";
import { State } from "../generated/state";
import { hostOf } from "./physical";

/** Access bit of implicit supervisor accesses (descriptors, TSS): SMAP holds whatever AC says. Not part of an error code. */
export const IMPLICIT: u32 = 1 << 16;

const NX: u64 = 1 << 63;
const ADDRESS: u64 = 0x000ffffffffff000;
/** bits 51 down to the width of our physical addresses */
const RESERVED: u64 = ADDRESS & ~(((<u64>1) << ADDRESS_BITS_PHYSICAL) - 1);

/** Zero, or 1 + 2 × the error code of the #PF: read it right after `walk`. */
export let walkError: u32 = 0;

export function isCanonical(va: u64): bool {
  return <u64>(((<i64>va) << 16) >> 16) == va;
}

/** Guest-physical address behind `va` for an access of the given PF_W, PF_U, PF_I bits; sets `walkError`. */
export function walk(s: State, va: u64, access: u32): u64 {
  walkError = 0;
  if ((s.cr0 & CR0_PG) == 0) return va & 0xffffffff;
  let table = s.cr3 & ADDRESS;
  let rights: u64 = PTE_W | PTE_U;
  let nx: u64 = 0;
  const reserved = (s.efer & EFER_NXE) != 0 ? RESERVED : RESERVED | NX;
  for (let shift: u64 = 39; ; shift -= 9) {
    const gpa = table + (((va >> shift) & 511) << 3);
    const at = hostOf(gpa);
    // what is no RAM reads as ones
    const entry = at == 0 ? ~(<u64>0) : load<u64>(at);
    if ((entry & PTE_P) == 0) return fault(access, 0);
    if (
      (entry & reserved) != 0 ||
      ((entry & PTE_PS) != 0 && (shift == 39 || (shift != 12 && (entry & (((<u64>1) << shift) - 1) & 0x3fffe000) != 0)))
    )
      return fault(access, PF_P | PF_RSVD);
    rights &= entry;
    nx |= entry & NX;
    if (shift == 12 || (entry & PTE_PS) != 0) {
      if (!permitted(s, rights, nx, access)) return fault(access, PF_P);
      markUsed(s, va, shift, (access & PF_W) != 0);
      const offset = ((<u64>1) << shift) - 1;
      return (entry & ADDRESS & ~offset) | (va & offset);
    }
    table = entry & ADDRESS;
  }
  return 0;
}

function fault(access: u32, bits: u32): u64 {
  walkError = (((access & ~IMPLICIT) | bits) << 1) | 1;
  return 0;
}

/** SDM Vol. 3 "Determination of Access Rights". */
function permitted(s: State, rights: u64, nx: u64, access: u32): bool {
  const userPage = (rights & PTE_U) != 0;
  const user = (access & PF_U) != 0;
  if (user && !userPage) return false;
  if ((access & PF_I) != 0) return nx == 0 && (user || !userPage || (s.cr4 & CR4_SMEP) == 0);
  if (!user && userPage && (s.cr4 & CR4_SMAP) != 0 && ((access & IMPLICIT) != 0 || (s.flagsOther & RFLAGS_AC) == 0)) return false;
  if ((access & PF_W) != 0 && (rights & PTE_W) == 0) return !user && (s.cr0 & CR0_WP) == 0;
  return true;
}

/** Sets A on the way and D at the leaf. */
function markUsed(s: State, va: u64, leaf: u64, write: bool): void {
  let table = s.cr3 & ADDRESS;
  for (let shift: u64 = 39; shift >= leaf; shift -= 9) {
    const at = hostOf(table + (((va >> shift) & 511) << 3));
    const entry = load<u64>(at);
    const used = entry | PTE_A | (write && shift == leaf ? <u64>PTE_D : 0);
    if (used != entry) store<u64>(at, used);
    table = entry & ADDRESS;
  }
}
