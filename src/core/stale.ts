/** Uses of stale translations, as the core notes them while `Vcpu.checksTranslations` is on. Layout: assembly/mmu/stale.ts. */
import { PF } from "../spec/events.ts";

/** Software has changed a mapping in memory and not told the processor, and then used it: what it used, and what is mapped now. */
export interface StaleUse {
  readonly linear: bigint;
  readonly access: "read" | "write" | "fetch";
  /** physical address that the TLB held */
  readonly used: bigint;
  /** physical address by the tables in memory; undefined: they refuse the access */
  readonly now: bigint | undefined;
  readonly rip: bigint;
  readonly vpid: number;
  /** 0: no EPT */
  readonly eptPointer: bigint;
}

export interface StaleUses {
  readonly uses: readonly StaleUse[];
  /** how many more there were */
  readonly lost: number;
}

const BYTES = 48;
const MAX = 64;
const FAILS = 0xffff_ffff_ffff_ffffn;

export function readStaleUses(memory: ArrayBuffer, at: number, count: number): StaleUses {
  const kept = Math.min(count, MAX);
  const view = new DataView(memory, at, MAX * BYTES);
  const uses = Array.from({ length: kept }, (_, i) => {
    const u64 = (offset: number): bigint => view.getBigUint64(i * BYTES + offset, true);
    const bits = view.getUint32(i * BYTES + 40, true);
    const access = (bits & PF.I) !== 0 ? "fetch" : (bits & PF.W) !== 0 ? "write" : "read";
    const now = u64(16) === FAILS ? undefined : u64(16);
    const vpid = view.getUint32(i * BYTES + 44, true);
    return { linear: u64(0), access, used: u64(8), now, rip: u64(24), vpid, eptPointer: u64(32) } as const;
  });
  return { uses, lost: count - kept };
}
