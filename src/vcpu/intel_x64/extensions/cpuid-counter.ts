/** Counts how often the guest asks CPUID, by leaf. */
import type { Extension } from "../vm-api.ts";

export interface CpuidCounter {
  readonly extension: Extension;
  readonly counts: ReadonlyMap<number, number>;
}

export function cpuidCounter(): CpuidCounter {
  const counts = new Map<number, number>();
  const extension: Extension = (vm) => {
    vm.onCpuid("any", ({ leaf }) => {
      counts.set(leaf, (counts.get(leaf) ?? 0) + 1);
      return undefined;
    });
  };
  return { extension, counts };
}
