/**
 * The memory that the VMM allocates at run time, and what is known about where its pages stand. Three pools: the heap in blocks of a cache
 * line, pages for whatever is a multiple of one, and addresses without memory at which other memory is mapped for a time (map pool).
 * Descriptors say for each page of the VMM its virtual and its physical address and what may be done with it (MEMORY_TYPE).
 *
 * There is one manager for each VMM; whoever needs it is given it.
 */
import { CACHE_LINE_SHIFT, HEAP_POOL_BYTES, MAP_POOL_BYTES, MAP_POOL_START, PAGE_POOL_BYTES, PAGE_SHIFT, PAGE_SIZE } from "./constants.ts";
import { ERROR_CODE } from "./error-codes.ts";
import { BadAlloc, ContractViolation, OutOfRange } from "./errors.ts";
import { type Faults, NO_FAULTS } from "./faults.ts";
import { guard, type Print } from "./guard.ts";
import { Pool } from "./pool.ts";

/** bits of a descriptor's type */
export const MEMORY_TYPE = { R: 1n, W: 2n, E: 4n } as const;

export interface MemoryDescriptor {
  readonly phys: bigint;
  readonly virt: bigint;
  readonly type: bigint;
}

export interface MemoryManagerOptions {
  /** virtual addresses of the two pools' memory */
  readonly heapStart: bigint;
  readonly pagesStart: bigint;
  readonly heapPoolBytes?: bigint;
  readonly pagePoolBytes?: bigint;
  readonly mapPoolBytes?: bigint;
  readonly faults?: Faults;
  readonly print?: Print;
}

interface Page {
  readonly phys: bigint;
  readonly type: bigint;
}

const OFFSET = PAGE_SIZE - 1n;

export class MemoryManager {
  readonly heap: Pool;
  readonly pages: Pool;
  readonly maps: Pool;
  readonly #print: Print;
  readonly #byVirtual = new Map<bigint, Page>();
  readonly #byPhysical = new Map<bigint, bigint>();

  constructor(options: MemoryManagerOptions) {
    const faults = options.faults ?? NO_FAULTS;
    this.#print = options.print ?? (() => {});
    this.heap = new Pool({
      name: "heap pool",
      start: options.heapStart,
      bytes: options.heapPoolBytes ?? HEAP_POOL_BYTES,
      blockShift: CACHE_LINE_SHIFT,
      raise: "HEAP_POOL_BYTES (option heapPoolBytes)",
      faults,
    });
    this.pages = new Pool({
      name: "page pool",
      start: options.pagesStart,
      bytes: options.pagePoolBytes ?? PAGE_POOL_BYTES,
      blockShift: PAGE_SHIFT,
      raise: "PAGE_POOL_BYTES (option pagePoolBytes)",
      faults,
    });
    this.maps = new Pool({
      name: "map pool",
      start: MAP_POOL_START,
      bytes: options.mapPoolBytes ?? MAP_POOL_BYTES,
      blockShift: PAGE_SHIFT,
      raise: "MAP_POOL_BYTES (option mapPoolBytes)",
      faults,
    });
  }

  /** As machine code asks for memory: 0 if there is none, and the reason is printed. */
  alloc(size: bigint): bigint {
    return size === 0n ? 0n : this.#orNull(() => this.#poolFor(size).alloc(size));
  }

  /** As the VMM's own parts ask: there is memory, or a BadAlloc that says what to raise. */
  obtain(size: bigint): bigint {
    return orBadAlloc(() => this.#poolFor(size).alloc(size));
  }

  free(address: bigint): void {
    this.heap.free(address);
    this.pages.free(address);
  }

  size(address: bigint): bigint {
    return this.heap.size(address) || this.pages.size(address);
  }

  allocMap(size: bigint): bigint {
    return size === 0n ? 0n : this.#orNull(() => this.maps.alloc(size));
  }

  freeMap(address: bigint): void {
    this.maps.free(address);
  }

  sizeMap(address: bigint): bigint {
    return this.maps.size(address);
  }

  /** What is refused is not known afterwards either, whatever was before. */
  addMd(virt: bigint, phys: bigint, type: bigint): void {
    this.#forget(virt);
    const valid = type !== 0n && (virt & OFFSET) === 0n && (phys & OFFSET) === 0n;
    if (!valid) {
      const other = this.#byPhysical.get(phys);
      if (other !== undefined) this.#forget(other);
      throw new ContractViolation(`memory descriptor ${hex(virt)} at ${hex(phys)} of type ${type}: pages are whole and have a type`);
    }
    this.#byVirtual.set(virt, { phys, type });
    this.#byPhysical.set(phys, virt);
  }

  removeMd(virt: bigint): void {
    if (virt === 0n || (virt & OFFSET) !== 0n) this.#print(`remove_md: ${hex(virt)} is no page`);
    else this.#forget(virt);
  }

  virtToPhys(virt: bigint): bigint {
    return this.#page(virt).phys | (virt & OFFSET);
  }

  physToVirt(phys: bigint): bigint {
    if (phys === 0n) throw new ContractViolation("physical address 0 has no virtual one");
    const virt = this.#byPhysical.get(phys & ~OFFSET);
    if (virt === undefined) throw new OutOfRange(`no page of the VMM stands at physical address ${hex(phys)}`);
    return virt | (phys & OFFSET);
  }

  virtToAttr(virt: bigint): bigint {
    return this.#page(virt).type;
  }

  /** By virtual address. */
  descriptors(): MemoryDescriptor[] {
    const list = [...this.#byVirtual].map(([virt, { phys, type }]) => ({ phys, virt, type }));
    return list.sort((a, b) => (a.virt < b.virt ? -1 : 1));
  }

  #poolFor(size: bigint): Pool {
    return (size & OFFSET) === 0n ? this.pages : this.heap;
  }

  #page(virt: bigint): Page {
    if (virt === 0n) throw new ContractViolation("virtual address 0 has no page");
    const page = this.#byVirtual.get(virt & ~OFFSET);
    if (page === undefined) throw new OutOfRange(`the VMM has no page at ${hex(virt)}`);
    return page;
  }

  #forget(virt: bigint): void {
    const page = this.#byVirtual.get(virt);
    if (page === undefined) return;
    this.#byVirtual.delete(virt);
    if (this.#byPhysical.get(page.phys) === virt) this.#byPhysical.delete(page.phys);
  }

  #orNull(alloc: () => bigint): bigint {
    try {
      return orBadAlloc(alloc);
    } catch (error) {
      if (!(error instanceof BadAlloc)) throw error;
      this.#print(error.message);
      return 0n;
    }
  }
}

/** What the driver's add_md is to machine code: an error code, never an exception. */
export function addMd(manager: MemoryManager, md: MemoryDescriptor | null, print: Print): bigint {
  return guard(ERROR_CODE.MEMORY_MANAGER_FAILURE, print, () => {
    if (md === null) throw new ContractViolation("add_md: no descriptor");
    manager.addMd(md.virt, md.phys, md.type);
  });
}

/** A request beyond the pool's size is to its user the same as one that finds no room. */
function orBadAlloc(alloc: () => bigint): bigint {
  try {
    return alloc();
  } catch (error) {
    throw error instanceof ContractViolation ? new BadAlloc(error.message) : error;
  }
}

function hex(value: bigint): string {
  return `0x${value.toString(16)}`;
}
