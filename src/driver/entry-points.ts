/**
 * The entries of the VMM that the driver executes by name, as the functions of TypeScript behind them: start_vmm, stop_vmm, add_md and
 * get_drr. Each ends in an error code; what went wrong is printed.
 */
import { type DebugRings, getDrr } from "../vmm/debug-ring.ts";
import { ERROR_CODE } from "../vmm/error-codes.ts";
import { guard, type Print } from "../vmm/guard.ts";
import { addMd, type MemoryManager } from "../vmm/memory-manager.ts";
import type { GateFunction } from "./executor.ts";
import type { VmmMemory } from "./vmm-memory.ts";

/** What an extension gives the vCPUs of its own with; the moment is before the step in the name. */
export interface EntryHooks {
  readonly preCreate?: (id: bigint) => unknown;
  readonly preRun?: (id: bigint) => unknown;
  readonly preHlt?: (id: bigint) => unknown;
  readonly preDelete?: (id: bigint) => unknown;
}

/** What the entries need of the vCPU manager. */
export interface VcpuVerbs {
  create(id: bigint, data?: unknown): unknown;
  delete(id: bigint, data?: unknown): void;
  run(id: bigint, data?: unknown): void;
  hlt(id: bigint, data?: unknown): void;
}

export interface Entries {
  readonly vcpus: VcpuVerbs;
  readonly manager: MemoryManager;
  readonly memory: Pick<VmmMemory, "readU64" | "writeU64">;
  readonly rings: DebugRings;
  readonly hooks: EntryHooks;
  /** a line of a vCPU's */
  readonly print: (line: string, id: bigint) => void;
}

/** the vCPU whose messages are everybody's */
const BOOT_VCPU = 0n;

/** The vCPU that could not run is gone afterwards. */
export function startVmm({ vcpus, hooks, print }: Pick<Entries, "vcpus" | "hooks" | "print">, id: bigint): bigint {
  return guard(ERROR_CODE.ENTRY_ERROR_VMM_START_FAILED, of(print, id), () => {
    vcpus.create(id, hooks.preCreate?.(id) ?? null);
    try {
      vcpus.run(id, hooks.preRun?.(id) ?? null);
    } catch (error) {
      vcpus.delete(id, hooks.preDelete?.(id) ?? null);
      throw error;
    }
    print(`success: host os is now in a vm on vcpuid = ${id}`, id);
  });
}

export function stopVmm({ vcpus, hooks, print }: Pick<Entries, "vcpus" | "hooks" | "print">, id: bigint): bigint {
  return guard(ERROR_CODE.ENTRY_ERROR_VMM_STOP_FAILED, of(print, id), () => {
    vcpus.hlt(id, hooks.preHlt?.(id) ?? null);
    vcpus.delete(id, hooks.preDelete?.(id) ?? null);
    print(`success: host os is not in a vm on vcpuid = ${id}`, id);
  });
}

/** By the names that the driver looks for. A call looks up what `entries` gives then: they change when modules are unloaded. */
export function entryGates(entries: () => Entries): Readonly<Record<string, GateFunction>> {
  return {
    start_vmm: (id) => startVmm(entries(), id),
    stop_vmm: (id) => stopVmm(entries(), id),
    /** a pointer to {phys, virt, type} */
    add_md: (at) => {
      const { manager, memory, print } = entries();
      const word = (n: bigint) => memory.readU64(at + 8n * n);
      return addMd(manager, at === 0n ? null : { phys: word(0n), virt: word(1n), type: word(2n) }, of(print, BOOT_VCPU));
    },
    /** a vCPU, and a pointer to where the address of its ring goes */
    get_drr: (id, out) => {
      const { rings, memory } = entries();
      return getDrr(rings, id, out === 0n ? null : (ring) => memory.writeU64(out, ring));
    },
  };
}

function of(print: Entries["print"], id: bigint): Print {
  return (line) => print(line, id);
}
