/**
 * The memory pool: the one range of guest-physical memory that the VMM lives in, hidden from the OS by its memory map. Whatever the VMM has
 * in memory is a named piece of it: modules, stacks, the memory manager's pools. It appears at MEMORY_POOL_VIRTUAL in the VMM's address space,
 * in one piece.
 */
import { MEMORY_POOL_BYTES, MEMORY_POOL_VIRTUAL, PAGE_SHIFT } from "./constants.ts";
import { BadAlloc, ContractViolation, OutOfRange } from "./errors.ts";
import { type Faults, NO_FAULTS } from "./faults.ts";
import { Pool } from "./pool.ts";

export interface MemoryPoolOptions {
  /** guest-physical address of the first byte, at a page border */
  readonly physical: bigint;
  readonly bytes?: bigint;
  readonly faults?: Faults;
}

export interface Piece {
  readonly name: string;
  readonly virt: bigint;
  readonly bytes: bigint;
}

export class MemoryPool {
  readonly physical: bigint;
  readonly virtual = MEMORY_POOL_VIRTUAL;
  readonly bytes: bigint;
  readonly #pool: Pool;
  readonly #faults: Faults;
  readonly #names = new Map<bigint, string>();

  constructor({ physical, bytes = MEMORY_POOL_BYTES, faults = NO_FAULTS }: MemoryPoolOptions) {
    const page = 1n << PAGE_SHIFT;
    if (physical % page !== 0n || bytes % page !== 0n) throw new ContractViolation("the memory pool consists of whole pages");
    this.physical = physical;
    this.bytes = bytes;
    this.#faults = faults;
    this.#pool = new Pool({ name: "memory pool", start: this.virtual, bytes, blockShift: PAGE_SHIFT, raise: RAISE });
  }

  get usedBytes(): bigint {
    return this.#pool.usedBytes;
  }

  /** The largest ones are worth knowing when the pool is exhausted. */
  get pieces(): readonly Piece[] {
    return [...this.#names].map(([virt, name]) => ({ name, virt, bytes: this.#pool.size(virt) }));
  }

  /** Whole pages, with whatever was there; their virtual address. */
  alloc(name: string, bytes: bigint): bigint {
    if (bytes <= 0n) throw new ContractViolation(`memory pool: ${bytes} bytes for ${name}`);
    const fails = this.#faults.fails(`alloc ${name} ${bytes}`);
    if (fails || bytes > this.bytes) throw this.#exhausted(name, bytes);
    try {
      const virt = this.#pool.alloc(bytes);
      this.#names.set(virt, name);
      return virt;
    } catch (error) {
      throw error instanceof BadAlloc ? this.#exhausted(name, bytes) : error;
    }
  }

  free(virt: bigint): void {
    this.#pool.free(virt);
    this.#names.delete(virt);
  }

  /** Bytes of the piece that begins here, whole pages; 0 if none does. */
  sizeOf(virt: bigint): bigint {
    return this.#pool.size(virt);
  }

  contains(virt: bigint): boolean {
    return this.#pool.contains(virt);
  }

  physicalOf(virt: bigint): bigint {
    if (!this.contains(virt)) throw new OutOfRange(`0x${virt.toString(16)} lies outside of the memory pool`);
    return virt - this.virtual + this.physical;
  }

  #exhausted(name: string, bytes: bigint): BadAlloc {
    const largest = [...this.pieces].sort((a, b) => Number(b.bytes - a.bytes)).slice(0, 3);
    const held = largest.map((piece) => `${piece.name} ${piece.bytes}`).join(", ") || "nothing";
    return new BadAlloc(
      `memory pool: no room for ${bytes} bytes (${name}); ${this.usedBytes} of ${this.bytes} are in use (${held}); raise ${RAISE}`,
    );
  }
}

const RAISE = "MEMORY_POOL_BYTES (option memoryPoolBytes)";
