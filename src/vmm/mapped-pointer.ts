/**
 * Memory that does not belong to the VMM, mapped into its address space for a time: one physical page, a list of physical ranges one behind the
 * other, or a range of a guest's address space through the guest's own tables. The mapping lasts until `reset` (or the end of a `using`
 * block); nothing else ends it.
 */
import { lower, upper } from "./address.ts";
import { CACHE_LINE_SIZE, PAGE_SIZE } from "./constants.ts";
import { ContractViolation, OutOfRange } from "./errors.ts";
import { walkGuest } from "./guest-walk.ts";
import { memoryTypeToAttribute, PERMISSION, patType, RW_WB } from "./memory-attribute.ts";
import type { MemoryManager } from "./memory-manager.ts";
import type { PhysicalMemory } from "./physical-memory.ts";
import type { RootPageTable } from "./root-page-table.ts";

export interface MapContext {
  readonly memory: PhysicalMemory;
  readonly manager: Pick<MemoryManager, "allocMap" | "freeMap" | "virtToPhys">;
  readonly root: Pick<RootPageTable, "map4k" | "unmap">;
  /** forgets the translation of a page */
  readonly invlpg: (virt: bigint) => void;
  readonly clflush: (virt: bigint) => void;
}

export interface PhysicalRange {
  readonly phys: bigint;
  readonly size: bigint;
}

/** A page to be mapped: where it stands and how. */
interface Target {
  readonly phys: bigint;
  readonly attribute: bigint;
}

export interface Released {
  readonly address: bigint;
  readonly size: bigint;
  /** bytes from the first mapped page's start on */
  readonly unalignedSize: bigint;
}

interface Extent {
  /** of the address in the first page */
  readonly offset: bigint;
  readonly size: bigint;
  readonly unalignedSize: bigint;
}

const NOTHING: Released = { address: 0n, size: 0n, unalignedSize: 0n };

export class MappedPointer {
  #context: MapContext | undefined;
  #held: Released;

  private constructor(context?: MapContext, held: Released = NOTHING) {
    this.#context = context;
    this.#held = held;
  }

  static empty(): MappedPointer {
    return new MappedPointer();
  }

  /** One page. */
  static page(context: MapContext, phys: bigint, attribute = RW_WB): MappedPointer {
    if (phys === 0n || lower(phys) !== 0n) throw new ContractViolation(`0x${phys.toString(16)} is no physical page to map`);
    return MappedPointer.#map(context, [{ phys, attribute }], { offset: 0n, size: PAGE_SIZE, unalignedSize: PAGE_SIZE });
  }

  /** Ranges of whole pages, one behind the other; the address has the first one's offset in its page. */
  static ranges(context: MapContext, list: readonly PhysicalRange[], attribute = RW_WB): MappedPointer {
    if (list.length === 0) throw new ContractViolation("no ranges to map");
    for (const { phys, size } of list) {
      if (phys === 0n || size === 0n || lower(size) !== 0n)
        throw new ContractViolation(`0x${phys.toString(16)}, ${size} bytes: not a range of whole pages`);
    }
    const targets = list.flatMap(({ phys, size }) => pagesOf(size).map((at) => ({ phys: upper(phys) + at, attribute })));
    const size = BigInt(targets.length) * PAGE_SIZE;
    return MappedPointer.#map(context, targets, { offset: lower(list[0].phys), size, unalignedSize: size });
  }

  /** `size` bytes that a guest sees at `virt` with its CR3 (a page's address: without PCID and flags) and its PAT. */
  static guest(context: MapContext, virt: bigint, cr3: bigint, size: bigint, pat: bigint): MappedPointer {
    if (virt === 0n || size === 0n) throw new ContractViolation(`a guest's ${size} bytes at 0x${virt.toString(16)} cannot be mapped`);
    const offset = lower(virt);
    const targets = pagesOf(size + offset).map((at) => {
      const { phys, patIndex } = walkGuest(context.memory, at === 0n ? virt : upper(virt) + at, cr3);
      return { phys: upper(phys), attribute: memoryTypeToAttribute(PERMISSION.RW, patType(pat, patIndex)) };
    });
    return MappedPointer.#map(context, targets, { offset, size, unalignedSize: size + offset });
  }

  static #map(context: MapContext, targets: readonly Target[], extent: Extent): MappedPointer {
    const { manager, root, invlpg } = context;
    const bytes = BigInt(targets.length) * PAGE_SIZE;
    const start = manager.allocMap(bytes);
    const mapped: bigint[] = [];
    try {
      if (start === 0n || lower(start) !== 0n) throw new ContractViolation(`no addresses to map ${bytes} bytes at: raise MAP_POOL_BYTES`);
      for (const { phys, attribute } of targets) {
        const at = start + BigInt(mapped.length) * PAGE_SIZE;
        root.map4k(at, phys, attribute);
        mapped.push(at);
        invlpg(at);
      }
    } catch (error) {
      for (const at of mapped) root.unmap(at);
      manager.freeMap(start);
      throw error;
    }
    return new MappedPointer(context, { address: start + extent.offset, size: extent.size, unalignedSize: extent.unalignedSize });
  }

  get address(): bigint {
    return this.#held.address;
  }

  get size(): bigint {
    return this.#held.size;
  }

  get isMapped(): boolean {
    return this.#held.address !== 0n;
  }

  /** Unmaps, and is empty afterwards. */
  reset(): void {
    const context = this.#context;
    const { address, unalignedSize } = this.release();
    if (context === undefined) return;
    const start = upper(address);
    for (const at of pagesOf(unalignedSize)) context.root.unmap(start + at);
    context.manager.freeMap(start);
  }

  [Symbol.dispose](): void {
    this.reset();
  }

  /** Gives the mapping into the caller's hands. */
  release(): Released {
    const held = this.#held;
    this.#held = NOTHING;
    this.#context = undefined;
    return held;
  }

  /** The mapping in a new owner; this one is empty afterwards. */
  move(): MappedPointer {
    const moved = new MappedPointer(this.#context, this.#held);
    this.release();
    return moved;
  }

  swap(other: MappedPointer): void {
    [this.#context, other.#context] = [other.#context, this.#context];
    [this.#held, other.#held] = [other.#held, this.#held];
  }

  /** Negative, 0 or positive, by address. */
  compare(other: MappedPointer): number {
    return this.address < other.address ? -1 : Number(this.address > other.address);
  }

  /** A copy of what is mapped. */
  read(offset: bigint, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    this.#pieces(offset, length, (phys, from, to) => bytes.set(this.#mapped().memory.read(phys, to - from), from));
    return bytes;
  }

  write(offset: bigint, bytes: Uint8Array): void {
    this.#pieces(offset, bytes.length, (phys, from, to) => this.#mapped().memory.write(phys, bytes.subarray(from, to)));
  }

  cacheFlush(): void {
    const { clflush } = this.#mapped();
    for (let offset = 0n; offset < this.size; offset += CACHE_LINE_SIZE) clflush(this.address + offset);
  }

  #pieces(offset: bigint, length: number, each: (phys: bigint, from: number, to: number) => void): void {
    const { manager } = this.#mapped();
    if (offset < 0n || offset + BigInt(length) > this.size)
      throw new OutOfRange(`${length} bytes at ${offset} of a mapping of ${this.size}`);
    for (let from = 0; from < length; ) {
      const virt = this.address + offset + BigInt(from);
      const to = Math.min(length, from + Number(PAGE_SIZE - lower(virt)));
      each(manager.virtToPhys(virt), from, to);
      from = to;
    }
  }

  #mapped(): MapContext {
    if (this.#context === undefined) throw new ContractViolation("nothing is mapped");
    return this.#context;
  }
}

/** offsets of the pages of so many bytes */
function pagesOf(bytes: bigint): bigint[] {
  return Array.from({ length: Number((bytes + PAGE_SIZE - 1n) / PAGE_SIZE) }, (_, i) => BigInt(i) * PAGE_SIZE);
}
