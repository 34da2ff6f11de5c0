/** Parts of an address: what selects a page (or a bigger unit of 2^bits bytes), and the offset in it. */
import { PAGE_SHIFT } from "./constants.ts";

export function lower(address: bigint, bits = PAGE_SHIFT): bigint {
  return address & ((1n << bits) - 1n);
}

export function upper(address: bigint, bits = PAGE_SHIFT): bigint {
  return address & ~((1n << bits) - 1n);
}
