/**
 * An address space: pages of three sizes mapped with an attribute (memory-attribute.ts). The VMM's own one is built from the memory manager's
 * descriptors, and tells it what is mapped and unmapped later.
 */
import { ContractViolation, LogicError } from "./errors.ts";
import { PT_WB, patIndexOf, RE_WB, RW_WB, rightsOf, WRITE_BACK_INDEX } from "./memory-attribute.ts";
import { MEMORY_TYPE, type MemoryDescriptor, type MemoryManager } from "./memory-manager.ts";
import { LEVEL, PageTable } from "./page-table.ts";
import { leafEntry, type PageTableEntry } from "./page-table-entry.ts";
import type { PhysicalMemory } from "./physical-memory.ts";

export const PAGE_1G = 1n << LEVEL.PDPT;
export const PAGE_2M = 1n << LEVEL.PD;
export const PAGE_4K = 1n << LEVEL.PT;
const PWT_BIT = 3n;

export interface RootPageTableOptions {
  readonly memory: PhysicalMemory;
  readonly manager: Pick<MemoryManager, "obtain" | "free" | "virtToPhys" | "addMd" | "removeMd">;
  /** the VMM's own: the manager hears of every page */
  readonly isVmm?: boolean;
}

export class RootPageTable {
  readonly #table: PageTable;
  readonly #manager: RootPageTableOptions["manager"];
  #isVmm: boolean;

  constructor({ memory, manager, isVmm = false }: RootPageTableOptions) {
    this.#table = new PageTable(memory, manager);
    this.#manager = manager;
    this.#isVmm = isVmm;
  }

  /** Maps every page that the manager knows as data or code. */
  static ofVmm(memory: PhysicalMemory, manager: MemoryManager): RootPageTable {
    const root = new RootPageTable({ memory, manager });
    try {
      for (const { virt, phys, type } of manager.descriptors()) root.map4k(virt, phys, attributeOf(virt, type));
    } catch (error) {
      root.dispose();
      throw error;
    }
    root.#isVmm = true;
    return root;
  }

  /** Value for CR3: the root table is read through the cache, like the tables below it. */
  get cr3(): bigint {
    return this.#table.phys | (WRITE_BACK_INDEX << PWT_BIT);
  }

  map1g(virt: bigint, phys: bigint, attribute: bigint): void {
    this.map(virt, phys, attribute, PAGE_1G);
  }

  map2m(virt: bigint, phys: bigint, attribute: bigint): void {
    this.map(virt, phys, attribute, PAGE_2M);
  }

  map4k(virt: bigint, phys: bigint, attribute: bigint): void {
    this.map(virt, phys, attribute, PAGE_4K);
  }

  /** A page that was mapped here before is replaced. After a failure nothing is mapped here. */
  map(virt: bigint, phys: bigint, attribute: bigint, size: bigint): void {
    const entry = this.#add(virt, size);
    try {
      const patIndex = patIndexOf(attribute);
      const { writable, noExecute, descriptorType } = rightsOf(attribute);
      entry.raw = leafEntry({ phys: phys & ~(size - 1n), large: size !== PAGE_4K, patIndex, writable, noExecute });
      if (this.#isVmm) this.#manager.addMd(virt, phys, descriptorType);
    } catch (error) {
      this.unmap(virt);
      throw error;
    }
  }

  unmap(virt: bigint): void {
    this.#table.removePage(virt);
    if (this.#isVmm) this.#manager.removeMd(virt);
  }

  setupIdentityMap1g(start: bigint, end: bigint): void {
    this.#each(start, end, PAGE_1G, (at) => this.map1g(at, at, PT_WB));
  }

  setupIdentityMap2m(start: bigint, end: bigint): void {
    this.#each(start, end, PAGE_2M, (at) => this.map2m(at, at, PT_WB));
  }

  setupIdentityMap4k(start: bigint, end: bigint): void {
    this.#each(start, end, PAGE_4K, (at) => this.map4k(at, at, PT_WB));
  }

  unmapIdentityMap1g(start: bigint, end: bigint): void {
    this.#each(start, end, PAGE_1G, (at) => this.unmap(at));
  }

  unmapIdentityMap2m(start: bigint, end: bigint): void {
    this.#each(start, end, PAGE_2M, (at) => this.unmap(at));
  }

  unmapIdentityMap4k(start: bigint, end: bigint): void {
    this.#each(start, end, PAGE_4K, (at) => this.unmap(at));
  }

  virtToPte(virt: bigint): PageTableEntry {
    return this.#table.virtToPte(virt);
  }

  descriptors(): MemoryDescriptor[] {
    return this.#table.descriptors();
  }

  dispose(): void {
    this.#table.dispose();
  }

  #add(virt: bigint, size: bigint): PageTableEntry {
    switch (size) {
      case PAGE_1G:
        return this.#table.addPage1g(virt);
      case PAGE_2M:
        return this.#table.addPage2m(virt);
      case PAGE_4K:
        return this.#table.addPage4k(virt);
      default:
        throw new LogicError(`invalid pt size ${size}`);
    }
  }

  #each(start: bigint, end: bigint, size: bigint, f: (at: bigint) => void): void {
    for (const address of [start, end])
      if (address % size !== 0n) throw new ContractViolation(`identity map: 0x${address.toString(16)} is no multiple of ${size}`);
    for (let at = start; at < end; at += size) f(at);
  }
}

/** Builds the VMM's address space when it is first asked for. */
export function vmmRootPageTable(memory: PhysicalMemory, manager: MemoryManager): () => RootPageTable {
  let root: RootPageTable | undefined;
  return () => {
    root ??= RootPageTable.ofVmm(memory, manager);
    return root;
  };
}

function attributeOf(virt: bigint, type: bigint): bigint {
  const { R, W, E } = MEMORY_TYPE;
  if (type === (R | W)) return RW_WB;
  if (type === (R | E)) return RE_WB;
  throw new LogicError(`the page at 0x${virt.toString(16)} has type ${type}: neither data nor code`);
}
