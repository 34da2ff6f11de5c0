/** Memory of the VMM's own that the CPU is told about by physical address: regions, bitmaps, tables. Whole pages, zeroed. */
import type { Memory } from "../../bus/device.ts";
import { PAGE_SIZE } from "../../vmm/constants.ts";
import type { MemoryManager } from "../../vmm/memory-manager.ts";
import { PhysicalMemory } from "../../vmm/physical-memory.ts";

export interface OwnBlock {
  readonly virt: bigint;
  readonly phys: bigint;
  readonly bytes: bigint;
}

export class OwnMemory {
  readonly physical: PhysicalMemory;
  readonly #manager: Pick<MemoryManager, "obtain" | "free" | "virtToPhys">;
  readonly #memory: Memory;

  constructor(manager: Pick<MemoryManager, "obtain" | "free" | "virtToPhys">, memory: Memory) {
    this.#manager = manager;
    this.#memory = memory;
    this.physical = new PhysicalMemory(memory);
  }

  /** Whole pages that follow each other in physical memory as well. */
  obtain(bytes = PAGE_SIZE): OwnBlock {
    const virt = this.#manager.obtain(bytes);
    try {
      const phys = this.#manager.virtToPhys(virt);
      this.physical.fill(phys, Number(bytes));
      return { virt, phys, bytes };
    } catch (error) {
      this.#manager.free(virt);
      throw error;
    }
  }

  release(block: OwnBlock): void {
    this.#manager.free(block.virt);
  }

  /** The bytes themselves, to be read and written as long as nothing is decoded from them. */
  bytesOf(block: OwnBlock): Uint8Array {
    const bytes = this.#memory.view(Number(block.phys), Number(block.bytes));
    if (bytes === undefined) throw new RangeError(`the VMM's memory at 0x${block.phys.toString(16)} is no RAM`);
    return bytes;
  }
}
