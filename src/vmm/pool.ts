/**
 * A range of addresses given out in blocks of one size, "next fit": a search begins where the last allocation ended, so that what is freed is
 * not handed out again at once. The pool never looks at what stands at its addresses. One array says for each block how many blocks the
 * allocation that begins there has; freed neighbours are one piece again without further work.
 */
import { BadAlloc, ContractViolation, LogicError } from "./errors.ts";
import { type Faults, NO_FAULTS } from "./faults.ts";

export interface PoolOptions {
  /** in messages and for faults: "heap pool" */
  readonly name: string;
  readonly start: bigint;
  readonly bytes: bigint;
  readonly blockShift: bigint;
  /** what to raise when the pool is too small, as its user knows it: "HEAP_POOL_BYTES (option heapPoolBytes)" */
  readonly raise: string;
  readonly faults?: Faults;
}

const LIMIT = 1n << 64n;

export class Pool {
  readonly name: string;
  readonly start: bigint;
  readonly bytes: bigint;
  readonly #blockShift: bigint;
  readonly #raise: string;
  readonly #faults: Faults;
  /** for the first block of an allocation its number of blocks, 0 everywhere else */
  readonly #lengths: Int32Array;
  /** the block after the last allocation; never inside of one */
  #next = 0;
  #used = 0;

  constructor(options: PoolOptions) {
    const { name, start, bytes, blockShift, raise, faults } = options;
    if (start <= 0n) throw new LogicError(`${name}: starts at 0`);
    if (start + bytes >= LIMIT) throw new LogicError(`${name}: ends beyond the last address`);
    this.name = name;
    this.start = start;
    this.bytes = bytes;
    this.#blockShift = blockShift;
    this.#raise = raise;
    this.#faults = faults ?? NO_FAULTS;
    this.#lengths = new Int32Array(Number(bytes >> blockShift));
  }

  get usedBytes(): bigint {
    return BigInt(this.#used) << this.#blockShift;
  }

  alloc(size: bigint): bigint {
    if (size <= 0n) throw new ContractViolation(`${this.name}: asked for ${size} bytes`);
    if (size > this.bytes) throw new ContractViolation(`${this.name}: asked for ${size} of ${this.bytes} bytes; raise ${this.#raise}`);
    const blocks = Number((size + (1n << this.#blockShift) - 1n) >> this.#blockShift);
    const first = this.#faults.fails(`alloc ${this.name} ${size}`) ? -1 : this.#search(blocks);
    if (first < 0)
      throw new BadAlloc(`${this.name}: no room for ${size} bytes, ${this.usedBytes} of ${this.bytes} are in use; raise ${this.#raise}`);
    this.#lengths[first] = blocks;
    this.#next = first + blocks;
    this.#used += blocks;
    return this.start + (BigInt(first) << this.#blockShift);
  }

  /** Only the first address of an allocation frees it; any other one changes nothing. */
  free(address: bigint): void {
    const block = this.#firstBlock(address);
    if (block < 0) return;
    this.#used -= this.#lengths[block];
    this.#lengths[block] = 0;
  }

  /** Bytes of the allocation that begins here, whole blocks; 0 if none does. */
  size(address: bigint): bigint {
    const block = this.#firstBlock(address);
    return block < 0 ? 0n : BigInt(this.#lengths[block]) << this.#blockShift;
  }

  contains(address: bigint): boolean {
    return address >= this.start && address < this.start + this.bytes;
  }

  clear(): void {
    this.#lengths.fill(0);
    this.#next = 0;
    this.#used = 0;
  }

  #firstBlock(address: bigint): number {
    if (!this.contains(address)) return -1;
    const offset = address - this.start;
    const block = Number(offset >> this.#blockShift);
    return BigInt(block) << this.#blockShift === offset && this.#lengths[block] > 0 ? block : -1;
  }

  #search(blocks: number): number {
    const first = this.#scan(this.#next, this.#lengths.length, blocks);
    return first >= 0 ? first : this.#scan(0, this.#next, blocks);
  }

  /** The first run of free blocks that begins in [from, until); it may go on behind `until`, but not behind the pool's end. */
  #scan(from: number, until: number, blocks: number): number {
    const lengths = this.#lengths;
    for (let start = from; start < until && start + blocks <= lengths.length; ) {
      const end = start + blocks;
      let at = start;
      while (at < end && lengths[at] === 0) at++;
      if (at === end) return start;
      start = at + lengths[at];
    }
    return -1;
  }
}
