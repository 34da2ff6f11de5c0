/** Shows the guest another CPU: bits of CPUID that are cleared or set, whatever the CPU says. Without hiding something, nothing is different. */
import type { CpuidRegister } from "../intrinsics.ts";
import type { Extension } from "../vm-api.ts";

export interface CpuidChange {
  readonly leaf: number;
  /** absent: whatever the subleaf */
  readonly subleaf?: number;
  readonly register: CpuidRegister;
  readonly clear?: number;
  readonly set?: number;
}

export function cpuidMask(changes: readonly CpuidChange[]): Extension {
  return (vm) => {
    for (const leaf of new Set(changes.map((change) => change.leaf)))
      vm.onCpuid(leaf, ({ subleaf, result }) => {
        const changed = { ...result };
        for (const change of changes)
          if (change.leaf === leaf && (change.subleaf ?? subleaf) === subleaf)
            changed[change.register] = ((changed[change.register] & ~(change.clear ?? 0)) | (change.set ?? 0)) >>> 0;
        return changed;
      });
  };
}
