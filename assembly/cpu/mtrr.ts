/**
 * Memory types: stored and validated, with no other effect, because memory here is always coherent. SDM Vol. 3 "Memory Type Range
 * Registers (MTRRs)", "Page Attribute Table (PAT)".
 */
import { ADDRESS_BITS_PHYSICAL } from "../generated/constants";

/** UC WC WT WP WB; the PAT has UC- as well */
const MTRR_TYPES: u32 = (1 << 0) | (1 << 1) | (1 << 4) | (1 << 5) | (1 << 6);
const UC_MINUS: u32 = 1 << 7;
const ABOVE_PHYSICAL: u64 = ~(((<u64>1) << ADDRESS_BITS_PHYSICAL) - 1);
const BASE_RESERVED: u64 = ABOVE_PHYSICAL | 0xf00;
const MASK_RESERVED: u64 = ABOVE_PHYSICAL | 0x7ff;
/** of IA32_MTRR_DEF_TYPE all but the type, FE and E */
const DEFAULT_RESERVED: u64 = ~(<u64>0xcff);

function isType(types: u32, byte: u64): bool {
  return byte <= 7 && ((types >> <u32>byte) & 1) != 0;
}

function areTypes(types: u32, value: u64): bool {
  for (let i = 0; i < 8; i++, value >>= 8) if (!isType(types, value & 0xff)) return false;
  return true;
}

export function isPat(value: u64): bool {
  return areTypes(MTRR_TYPES | UC_MINUS, value);
}

export function isFixedMtrr(value: u64): bool {
  return areTypes(MTRR_TYPES, value);
}

export function isDefaultMtrr(value: u64): bool {
  return (value & DEFAULT_RESERVED) == 0 && isType(MTRR_TYPES, value & 0xff);
}

/** Base and mask of a variable range have even and odd numbers. */
export function isVariableMtrr(number: u32, value: u64): bool {
  if ((number & 1) != 0) return (value & MASK_RESERVED) == 0;
  return (value & BASE_RESERVED) == 0 && isType(MTRR_TYPES, value & 0xff);
}
