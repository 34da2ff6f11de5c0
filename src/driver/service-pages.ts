/**
 * Page tables of code that runs in the driver's context: the whole memory pool, and nothing else. Pages are data until somebody asks for
 * something else; no page can be written and executed. SDM Vol. 3 "4-Level Paging and 5-Level Paging".
 */
import { PAGE_SIZE } from "../vmm/constants.ts";
import { ContractViolation } from "../vmm/errors.ts";
import type { VmmMemory } from "./vmm-memory.ts";

export type PageAccess = "data" | "read-only" | "code" | "guard";

const PRESENT = 1n;
const WRITABLE = 2n;
const NO_EXECUTE = 1n << 63n;
const TABLE = PRESENT | WRITABLE;
const LEAF: Readonly<Record<PageAccess, bigint>> = {
  data: PRESENT | WRITABLE | NO_EXECUTE,
  "read-only": PRESENT | NO_EXECUTE,
  code: PRESENT,
  guard: 0n,
};
const ENTRIES = 512n;

export class ServicePages {
  /** physical address of the root table */
  readonly root: bigint;
  readonly #memory: VmmMemory;
  /** virtual address of the last level's tables, which stand in one piece: one entry for each page of the pool */
  readonly #leaves: bigint;
  readonly #guards = new Set<bigint>();

  /** bytes that the tables of a pool take */
  static bytesFor(poolBytes: bigint): bigint {
    return (2n + tablesFor(poolBytes, 2) + tablesFor(poolBytes, 1)) * PAGE_SIZE;
  }

  /** `at`: where `bytesFor` bytes of the pool are free for the tables */
  constructor(memory: VmmMemory, at: bigint) {
    this.#memory = memory;
    const { virtual, physical, bytes } = memory;
    memory.zero(at, ServicePages.bytesFor(bytes));
    const [root, level3, level2] = [at, at + PAGE_SIZE, at + 2n * PAGE_SIZE];
    this.#leaves = level2 + tablesFor(bytes, 2) * PAGE_SIZE;
    this.root = memory.physicalOf(root);
    const link = (table: bigint, first: bigint, child: bigint, count: bigint) => {
      for (let i = 0n; i < count; i++) memory.writeU64(table + (first + i) * 8n, memory.physicalOf(child + i * PAGE_SIZE) | TABLE);
    };
    // the pool starts where a table of the third level does
    link(root, (virtual >> 39n) % ENTRIES, level3, 1n);
    link(level3, (virtual >> 30n) % ENTRIES, level2, tablesFor(bytes, 2));
    link(level2, 0n, this.#leaves, tablesFor(bytes, 1));
    for (let page = 0n; page < bytes; page += PAGE_SIZE)
      memory.writeU64(this.#leaves + (page / PAGE_SIZE) * 8n, (physical + page) | LEAF.data);
  }

  /** Changes what may be done with the pages of a range. Whoever may have used the old rights has to flush. */
  protect(virtual: bigint, bytes: bigint, access: PageAccess): void {
    if (virtual % PAGE_SIZE !== 0n || bytes % PAGE_SIZE !== 0n || !this.#memory.contains(virtual, bytes))
      throw new ContractViolation(`protect: 0x${virtual.toString(16)}, ${bytes} bytes, are not pages of the pool`);
    for (let page = virtual; page < virtual + bytes; page += PAGE_SIZE) {
      const index = (page - this.#memory.virtual) / PAGE_SIZE;
      this.#memory.writeU64(this.#leaves + index * 8n, this.#memory.physicalOf(page) | LEAF[access]);
      if (access === "guard") this.#guards.add(page);
      else this.#guards.delete(page);
    }
  }

  isGuard(virtual: bigint): boolean {
    return this.#guards.has(virtual & ~(PAGE_SIZE - 1n));
  }
}

/** tables of a level (1: the last one) that cover so many bytes */
function tablesFor(bytes: bigint, level: 1 | 2): bigint {
  const covered = level === 1 ? 21n : 30n;
  return (bytes + (1n << covered) - 1n) >> covered;
}
