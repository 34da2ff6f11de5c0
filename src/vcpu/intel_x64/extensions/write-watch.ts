/**
 * Tells who writes to a range of guest-physical memory. Its pages are read-only in the EPT; a write exits, is noted, and then done by the
 * guest itself with the page writable for one instruction. Page-table walks that set accessed and dirty flags count as writes.
 */
import { PAGE_SIZE } from "../../../vmm/constants.ts";
import { EPT } from "../ept-map.ts";
import type { Extension } from "../vm-api.ts";

export interface WriteNote {
  readonly guestPhysical: bigint;
  readonly guestLinear: bigint | undefined;
  readonly rip: bigint;
}

export interface WriteWatch {
  readonly extension: Extension;
  readonly notes: readonly WriteNote[];
}

const READ_ONLY = EPT.READ | EPT.EXECUTE;

/** Bytes `from` to `to`, both included; other bytes of their pages are watched but not noted. */
export function writeWatch(from: bigint, to: bigint, keep = 1000): WriteWatch {
  const notes: WriteNote[] = [];
  const first = from & ~(PAGE_SIZE - 1n);
  const last = to | (PAGE_SIZE - 1n);
  const extension: Extension = (vm) => {
    for (let page = first; page <= last; page += PAGE_SIZE) vm.ept.protect(page, READ_ONLY);
    vm.onEptViolation(first, last, ["write"], ({ guestPhysical, guestLinear }, guest) => {
      if (guestPhysical >= from && guestPhysical <= to) notes.push({ guestPhysical, guestLinear, rip: guest.rip });
      if (notes.length > keep) notes.shift();
      vm.ept.protect(guestPhysical, EPT.ALL);
      guest.step(() => vm.ept.protect(guestPhysical, READ_ONLY));
      return true;
    });
  };
  return { extension, notes };
}
