/** The VMM of a machine: the driver over this machine's core, with the pool that its memory map hides. */
import { Vmm } from "../driver/vmm.ts";
import { type Config, ConfigError } from "./config.ts";
import type { Pc } from "./pc.ts";

export function makeVmm(pc: Pc, { vmm }: Config): Vmm {
  if (vmm.runtime === undefined) throw new ConfigError("vmm", "a VMM needs the runtime that modules are linked with: vmm: { runtime }");
  const { core, memory, pool } = pc;
  return new Vmm({
    core,
    memory,
    pool: { physical: BigInt(pool.start), bytes: BigInt(pool.length) },
    runtime: vmm.runtime,
    ...(vmm.allowRedZone === undefined ? {} : { allowRedZone: vmm.allowRedZone }),
  });
}
