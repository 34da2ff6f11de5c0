/** Parts of a VMM for tests: a few MiB of memory, a memory manager whose pools stand in it, and descriptors of their pages. */
import type { Faults } from "../../src/vmm/faults.ts";
import { MEMORY_TYPE, MemoryManager } from "../../src/vmm/memory-manager.ts";
import { PhysicalMemory } from "../../src/vmm/physical-memory.ts";
import { FakeMemory } from "../devices/memory.ts";

export const PHYSICAL = 0x700_0000n;
export const VIRTUAL = 0xffff_f000_0000_0000n;
export const HEAP_BYTES = 0x4_0000n;
export const PAGES_BYTES = 0x8_0000n;
const SPARE_BYTES = 0x10_0000;

export interface Parts {
  readonly fake: FakeMemory;
  readonly memory: PhysicalMemory;
  readonly manager: MemoryManager;
  readonly printed: string[];
  /** physical address of memory that is not the VMM's */
  readonly spare: bigint;
  /** memory by virtual address, as far as there are descriptors */
  readonly virtual: { read(virt: bigint, length: number): Uint8Array; write(virt: bigint, bytes: Uint8Array): void };
}

export function vmmParts(faults?: Faults, mapPoolBytes = 0x1_0000n): Parts {
  const own = HEAP_BYTES + PAGES_BYTES;
  const fake = new FakeMemory(Number(own) + SPARE_BYTES, Number(PHYSICAL));
  const memory = new PhysicalMemory(fake);
  const printed: string[] = [];
  const manager = new MemoryManager({
    heapStart: VIRTUAL,
    pagesStart: VIRTUAL + HEAP_BYTES,
    heapPoolBytes: HEAP_BYTES,
    pagePoolBytes: PAGES_BYTES,
    mapPoolBytes,
    print: (line) => printed.push(line),
    ...(faults === undefined ? {} : { faults }),
  });
  for (let at = 0n; at < own; at += 0x1000n) manager.addMd(VIRTUAL + at, PHYSICAL + at, MEMORY_TYPE.R | MEMORY_TYPE.W);
  // the pools are contiguous in physical memory
  const virtual = {
    read: (virt: bigint, length: number) => memory.read(manager.virtToPhys(virt), length),
    write: (virt: bigint, bytes: Uint8Array) => memory.write(manager.virtToPhys(virt), bytes),
  };
  return { fake, memory, manager, printed, spare: PHYSICAL + own, virtual };
}

/** Makes one kind of step fail, from the n-th one on. */
export function failing(step: RegExp, from = 1): Faults {
  let seen = 0;
  return { fails: (name) => step.test(name) && ++seen >= from };
}
