/** What VMX operation wants of CR0, CR4 and EFER. SDM Vol. 3 appendix "VMX-Fixed Bits in CR0", "VMX-Fixed Bits in CR4". */

import { CR0_NE, CR0_PE, CR0_PG, CR4_VMXE, EFER_LMA, EFER_LME, EFER_NXE, EFER_SCE } from "../generated/constants";
import { MODEL_CR4 } from "../memory-map";

export const CR0_FIXED0: u64 = CR0_PE | CR0_NE | CR0_PG;
export const CR0_FIXED1: u64 = 0xffffffff;
export const CR4_FIXED0: u64 = CR4_VMXE;

/** bits of CR4 that may be 1 */
export function cr4Fixed1(): u64 {
  return load<u64>(MODEL_CR4);
}

export const EFER_KNOWN: u64 = EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE;
/** bits of CR0 that entries and exits leave as they are: ET, NW, CD and the reserved ones */
export const CR0_KEPT: u64 = 0xffffffff7ffaffd0;
