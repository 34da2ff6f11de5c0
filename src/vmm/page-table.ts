/**
 * A paging structure of the VMM with those below it. Each is a page out of the memory manager; which entries lead to further tables is known
 * here and not read back. Leaves are handed out empty: whoever adds a page fills its entry. SDM Vol. 3 "4-Level Paging and 5-Level Paging".
 */
import { PAGE_SIZE } from "./constants.ts";
import { RuntimeError } from "./errors.ts";
import { WRITE_BACK_INDEX } from "./memory-attribute.ts";
import { MEMORY_TYPE, type MemoryDescriptor, type MemoryManager } from "./memory-manager.ts";
import { PageTableEntry } from "./page-table-entry.ts";
import type { PhysicalMemory } from "./physical-memory.ts";

/** the lowest address bit that selects an entry, by level; a leaf maps two to its power bytes */
export const LEVEL = { PML4: 39n, PDPT: 30n, PD: 21n, PT: 12n } as const;
export const ENTRIES = 512n;
const INDEX_BITS = 9n;
const ENTRY_BYTES = 8n;

export type TableSource = Pick<MemoryManager, "obtain" | "free" | "virtToPhys">;

export function tableIndex(virt: bigint, from: bigint): bigint {
  return (virt >> from) & (ENTRIES - 1n);
}

export class PageTable {
  readonly virt: bigint;
  readonly phys: bigint;
  readonly #memory: PhysicalMemory;
  readonly #source: TableSource;
  readonly #from: bigint;
  readonly #children = new Map<bigint, PageTable>();

  /** `from`: the lowest address bit that selects an entry of this table */
  constructor(memory: PhysicalMemory, source: TableSource, from: bigint = LEVEL.PML4) {
    this.#memory = memory;
    this.#source = source;
    this.#from = from;
    this.virt = source.obtain(PAGE_SIZE);
    try {
      this.phys = source.virtToPhys(this.virt);
      memory.fill(this.phys, Number(PAGE_SIZE));
    } catch (error) {
      source.free(this.virt);
      throw error;
    }
  }

  addPage1g(virt: bigint): PageTableEntry {
    return this.#add(virt, LEVEL.PDPT);
  }

  addPage2m(virt: bigint): PageTableEntry {
    return this.#add(virt, LEVEL.PD);
  }

  addPage4k(virt: bigint): PageTableEntry {
    return this.#add(virt, LEVEL.PT);
  }

  /** Clears the leaf that maps the address, and frees tables that have no entries left. */
  removePage(virt: bigint): void {
    const index = tableIndex(virt, this.#from);
    const child = this.#children.get(index);
    child?.removePage(virt);
    if (child === undefined || child.isEmpty) this.#drop(index);
  }

  virtToPte(virt: bigint): PageTableEntry {
    const index = tableIndex(virt, this.#from);
    const child = this.#children.get(index);
    if (child !== undefined) return child.virtToPte(virt);
    const entry = this.#entry(index);
    if (this.#from > LEVEL.PT && !entry.ps) throw new RuntimeError(`no table leads to 0x${virt.toString(16)}`);
    return entry;
  }

  /** What has to be mapped for the tables themselves to be read and written. */
  descriptors(): MemoryDescriptor[] {
    const own = { phys: this.phys, virt: this.virt, type: MEMORY_TYPE.R | MEMORY_TYPE.W };
    return [own, ...[...this.#children.values()].flatMap((child) => child.descriptors())];
  }

  /** entries in use, in this table and below */
  get globalSize(): number {
    return [...this.#children.values()].reduce((sum, child) => sum + child.globalSize, this.#used().length);
  }

  get isEmpty(): boolean {
    return this.#used().length === 0;
  }

  /** Gives all pages back. */
  dispose(): void {
    for (const child of this.#children.values()) child.dispose();
    this.#children.clear();
    this.#source.free(this.virt);
  }

  #add(virt: bigint, leaf: bigint): PageTableEntry {
    const index = tableIndex(virt, this.#from);
    const child = this.#children.get(index);
    if (this.#from === leaf) {
      // QUIRK: Bareflank drops the tables of all neighbours, too, and leaves their entries pointing at freed memory
      if (child !== undefined) this.#drop(index);
      return this.#entry(index);
    }
    if (child !== undefined) return child.#add(virt, leaf);
    const table = this.#link(index);
    try {
      return table.#add(virt, leaf);
    } catch (error) {
      this.#drop(index);
      throw error;
    }
  }

  #link(index: bigint): PageTable {
    const table = new PageTable(this.#memory, this.#source, this.#from - INDEX_BITS);
    this.#children.set(index, table);
    const entry = this.#entry(index);
    entry.clear();
    entry.physicalAddress = table.phys;
    entry.present = true;
    entry.rw = true;
    entry.patIndex4k = WRITE_BACK_INDEX;
    return table;
  }

  #drop(index: bigint): void {
    this.#entry(index).clear();
    this.#children.get(index)?.dispose();
    this.#children.delete(index);
  }

  #entry(index: bigint): PageTableEntry {
    return new PageTableEntry(this.#memory, this.phys + index * ENTRY_BYTES);
  }

  #used(): bigint[] {
    const bytes = this.#memory.read(this.phys, Number(PAGE_SIZE));
    return [...new BigUint64Array(bytes.buffer)].filter((raw) => raw !== 0n);
  }
}
