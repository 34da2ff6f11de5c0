/**
 * What the VMM knows and has while modules are loaded, and what is gone with them: the memory manager and what was allocated from it, the
 * VMM's address space, debug rings, vCPUs.
 */
import type { Memory } from "../bus/device.ts";
import type { Core } from "../core/core.ts";
import type { VcpuFactory } from "../vcpu/factory.ts";
import type { Intrinsics } from "../vcpu/intel_x64/intrinsics.ts";
import { OwnMemory } from "../vcpu/intel_x64/own-memory.ts";
import type { Platform as IntelPlatform } from "../vcpu/intel_x64/platform.ts";
import { VcpuManager } from "../vcpu/manager.ts";
import { consoleWrite } from "../vmm/console.ts";
import { HEAP_POOL_BYTES, PAGE_POOL_BYTES, PAGE_SIZE } from "../vmm/constants.ts";
import { DebugRing, type DebugRings, ringText } from "../vmm/debug-ring.ts";
import type { Faults } from "../vmm/faults.ts";
import { MEMORY_TYPE, MemoryManager } from "../vmm/memory-manager.ts";
import type { MemoryPool } from "../vmm/memory-pool.ts";
import { PhysicalMemory } from "../vmm/physical-memory.ts";
import { vmmRootPageTable } from "../vmm/root-page-table.ts";
import type { ExitCode } from "./exit-code.ts";
import type { VmmMemory } from "./vmm-memory.ts";

/** Sizes of the memory manager's pools, if they are not to be those of src/vmm/constants.ts. */
export interface PoolSizes {
  readonly heapPoolBytes?: bigint;
  readonly pagePoolBytes?: bigint;
  readonly mapPoolBytes?: bigint;
}

export interface SessionOptions {
  readonly core: Core;
  readonly cpu: Intrinsics;
  /** all of physical memory */
  readonly memory: Memory;
  readonly pool: MemoryPool;
  /** the pool by virtual addresses */
  readonly virtual: VmmMemory;
  readonly regions: Regions;
  /** exit handlers of modules */
  readonly exitCode: ExitCode;
  readonly sizes: PoolSizes;
  readonly faults: Faults;
  /** the kinds of vCPUs that there are */
  readonly factory: (session: Session) => VcpuFactory;
  readonly serial: (text: string) => void;
}

/** Pieces of the memory pool that outlast sessions. */
export interface Regions {
  readonly heap: bigint;
  readonly pages: bigint;
  /** a page whose address is HOST_RIP of exits that TypeScript handles */
  readonly exitEntry: bigint;
}

const BOOT_VCPU = 0n;
/** how Vmcs.explain begins these lines */
const BROKEN_RULE = "check failed";
const { R, W, E } = MEMORY_TYPE;

export class Session {
  readonly manager: MemoryManager;
  /** addresses of the rings by vCPU */
  readonly rings: DebugRings = new Map();
  readonly vcpus: VcpuManager;
  readonly intel: IntelPlatform;
  /** lines that tell why something has failed */
  readonly complaints: string[] = [];
  /** hears every line that is printed */
  listener: ((line: string) => void) | undefined;
  readonly #ringObjects = new Map<bigint, DebugRing>();
  readonly #pool: MemoryPool;
  readonly #virtual: VmmMemory;
  readonly #serial: (text: string) => void;

  static takeRegions(pool: MemoryPool, sizes: PoolSizes): Regions {
    return {
      heap: pool.alloc("heap pool", sizes.heapPoolBytes ?? HEAP_POOL_BYTES),
      pages: pool.alloc("page pool", sizes.pagePoolBytes ?? PAGE_POOL_BYTES),
      exitEntry: pool.alloc("exit entry", PAGE_SIZE),
    };
  }

  constructor(options: SessionOptions) {
    const { core, cpu, memory, pool, regions, exitCode, sizes, faults } = options;
    this.#virtual = options.virtual;
    this.#serial = options.serial;
    this.manager = new MemoryManager({
      ...sizes,
      heapStart: regions.heap,
      pagesStart: regions.pages,
      faults,
      print: (line) => this.complain(line),
    });
    this.#pool = pool;
    for (const start of [regions.heap, regions.pages]) this.describe(start, pool.sizeOf(start), true);
    // machine code that handles exits hands them over there
    this.manager.addMd(regions.exitEntry, pool.physicalOf(regions.exitEntry), R | E);
    const physical = new PhysicalMemory(memory);
    const root = vmmRootPageTable(physical, this.manager);
    const flush = (virt: bigint) => cpu.invlpg(virt);
    this.intel = {
      cpu,
      memory,
      own: new OwnMemory(this.manager, memory),
      manager: this.manager,
      mapContext: {
        memory: physical,
        manager: this.manager,
        root: { map4k: (virt, phys, attribute) => root().map4k(virt, phys, attribute), unmap: (virt) => root().unmap(virt) },
        invlpg: flush,
        clflush: (virt) => cpu.clflush(virt),
      },
      fastPath: core.fastPath,
      rootTable: () => root().cr3,
      exitEntry: regions.exitEntry,
      machineEntry: () => exitCode.entry,
      onExit: (handler) => {
        core.vcpu(0).onVmExit = handler === undefined ? undefined : () => exitCode.arrived(handler);
      },
      log: (text) => this.#explain(text),
    };
    this.vcpus = new VcpuManager(options.factory(this));
  }

  /** The memory manager knows of pages with data in the memory pool, or no longer does. */
  describe(start: bigint, bytes: bigint, there: boolean): void {
    for (let page = start; page < start + bytes; page += PAGE_SIZE) {
      if (there) this.manager.addMd(page, this.#pool.physicalOf(page), R | W);
      else this.manager.removeMd(page);
    }
  }

  /** The ring of a vCPU, which outlives it: what it said last is worth reading. */
  ring(id: bigint): DebugRing {
    const known = this.#ringObjects.get(id);
    if (known !== undefined) return known;
    const ring = new DebugRing(id, this.#virtual, this.manager, this.rings);
    if (ring.address !== 0n) this.#ringObjects.set(id, ring);
    return ring;
  }

  /** A line for a vCPU's ring and the serial port. */
  print(line: string, id = BOOT_VCPU): void {
    this.listener?.(line);
    this.ring(id).write(`${line}\n`);
    this.#serial(`${line}\n`);
  }

  /** The same, of something that went wrong. */
  complain(line: string): void {
    this.complaints.push(line);
    this.#serial(`${line}\n`);
  }

  /** A line of a vCPU's; those that name a broken rule are why an entry has failed. */
  #explain(line: string): void {
    if (line.startsWith(BROKEN_RULE)) this.complaints.push(line);
    this.print(line);
  }

  /** What modules write. */
  write(fd: bigint, bytes: Uint8Array): bigint {
    return consoleWrite({ ring: (id, text) => this.ring(id).write(text), serial: this.#serial }, fd, bytes);
  }

  ringText(address: bigint): string {
    return ringText(this.#virtual, address);
  }

  /** No vCPU is left, whatever it takes. */
  end(): void {
    for (const id of this.vcpus.ids) {
      try {
        this.vcpus.delete(id);
      } catch (error) {
        this.complain(`vCPU ${id} does not end: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  }
}
