/** A bus: which region answers at which address. Ranges may not overlap; what nobody answers reads as all ones and is counted. */
import type { AccessSize, Region } from "./device.ts";

interface Mapping {
  readonly name: string;
  readonly base: number;
  readonly length: number;
  readonly region: Region;
  readonly counts: { reads: number; writes: number };
}

export class OverlapError extends Error {
  constructor(space: string, wanted: Mapping, there: Mapping) {
    super(`${space} ${rangeText(wanted)} of ${wanted.name} overlap ${rangeText(there)} of ${there.name}`);
  }
}

export interface DeviceAccesses {
  readonly reads: number;
  readonly writes: number;
}

export interface Unclaimed extends DeviceAccesses {
  readonly address: number;
}

/** How many addresses that nobody answers are remembered one by one. */
const REMEMBERED = 4096;

export class AddressSpace {
  /** sorted by base */
  #mappings: Mapping[] = [];
  #last: Mapping | undefined;
  /** by the name of a mapping, those that are gone included */
  readonly #counts = new Map<string, { reads: number; writes: number }>();
  readonly #unclaimed = new Map<number, { reads: number; writes: number }>();
  readonly #name: string;

  /** `name` in messages: "ports" or "addresses" */
  constructor(name: string) {
    this.#name = name;
  }

  /** Returns what takes the region off the bus again. */
  map(name: string, base: number, length: number, region: Region): () => void {
    const counts = this.#counts.get(name) ?? { reads: 0, writes: 0 };
    this.#counts.set(name, counts);
    const mapping = { name, base, length, region, counts };
    const at = this.#mappings.findIndex((m) => m.base > base);
    const index = at < 0 ? this.#mappings.length : at;
    for (const other of [this.#mappings[index - 1], this.#mappings[index]])
      if (other !== undefined && base < other.base + other.length && other.base < base + length)
        throw new OverlapError(this.#name, mapping, other);
    this.#mappings.splice(index, 0, mapping);
    return () => {
      this.#mappings = this.#mappings.filter((m) => m !== mapping);
      this.#last = undefined;
    };
  }

  /** An access that straddles a region's end, or 8 bytes wide, is made of smaller ones. */
  read(address: number, size: number): number {
    const m = this.#find(address, size);
    if (m !== undefined) {
      m.counts.reads++;
      return m.region.read(address - m.base, size as AccessSize) >>> 0;
    }
    if (size > 1 && this.#touches(address, size)) {
      const half = size / 2;
      return (this.read(address, half) | (this.read(address + half, half) << (half * 8))) >>> 0;
    }
    this.#count(address).reads++;
    return size === 4 ? 0xffffffff : (1 << (size * 8)) - 1;
  }

  write(address: number, size: number, value: number): void {
    const m = this.#find(address, size);
    if (m !== undefined) {
      m.counts.writes++;
      m.region.write(address - m.base, size as AccessSize, value >>> 0);
    } else if (size > 1 && this.#touches(address, size)) {
      const half = size / 2;
      this.write(address, half, value & (half === 2 ? 0xffff : 0xff));
      this.write(address + half, half, value >>> (half * 8));
    } else this.#count(address).writes++;
  }

  /** Accesses that nobody answered, by address; at most the first few thousand addresses. */
  get unclaimed(): readonly Unclaimed[] {
    return [...this.#unclaimed].map(([address, counts]) => ({ address, ...counts })).sort((a, b) => a.address - b.address);
  }

  /** How often each device was asked, by its name; those that never were are left out. */
  get accesses(): Readonly<Record<string, DeviceAccesses>> {
    return Object.fromEntries([...this.#counts].filter(([, c]) => c.reads + c.writes > 0).map(([name, c]) => [name, { ...c }]));
  }

  /** The parts list of this bus: "0x3f8-0x3ff uart0". */
  get mappings(): readonly string[] {
    return this.#mappings.map((m) => `${rangeText(m)} ${m.name}`);
  }

  #find(address: number, size: number): Mapping | undefined {
    const last = this.#last;
    if (last !== undefined && address >= last.base && address + size <= last.base + last.length) return last;
    const found = this.#mappings.find((m) => address >= m.base && address + size <= m.base + m.length);
    if (found !== undefined) this.#last = found;
    return found;
  }

  #touches(address: number, size: number): boolean {
    return this.#mappings.some((m) => address < m.base + m.length && m.base < address + size);
  }

  #count(address: number): { reads: number; writes: number } {
    const known = this.#unclaimed.get(address);
    if (known !== undefined) return known;
    const fresh = { reads: 0, writes: 0 };
    if (this.#unclaimed.size < REMEMBERED) this.#unclaimed.set(address, fresh);
    return fresh;
  }
}

function rangeText({ base, length }: Mapping): string {
  return `0x${base.toString(16)}-0x${(base + length - 1).toString(16)}`;
}
