/**
 * One entry of a paging structure, in place. SDM Vol. 3 "4-Level Paging and 5-Level Paging".
 *
 *     63 NX │ 47:12 physical address │ 12 PAT (large page) │ 8 G │ 7 PS, or PAT (4k) │ 6 D │ 5 A │ 4 PCD │ 3 PWT │ 2 U/S │ 1 R/W │ 0 P
 */
import { ContractViolation } from "./errors.ts";
import type { PhysicalMemory } from "./physical-memory.ts";

const ADDRESS = 0x0000_ffff_ffff_f000n;
const PRESENT = 1n << 0n;
const WRITABLE = 1n << 1n;
const LARGE = 1n << 7n;
const NO_EXECUTE = 1n << 63n;
const PWT = 3n;
const PCD = 4n;
const PAT_4K = 7n;
const PAT_LARGE = 12n;

export interface Leaf {
  readonly phys: bigint;
  readonly large: boolean;
  readonly patIndex: bigint;
  readonly writable: boolean;
  readonly noExecute: boolean;
}

/** The value of an entry that maps a page. */
export function leafEntry({ phys, large, patIndex, writable, noExecute }: Leaf): bigint {
  const rights = (writable ? WRITABLE : 0n) | (noExecute ? NO_EXECUTE : 0n) | (large ? LARGE : 0n);
  return withPatIndex((phys & ADDRESS) | PRESENT | rights, large ? PAT_LARGE : PAT_4K, patIndex);
}

export class PageTableEntry {
  readonly #memory: PhysicalMemory;
  /** physical address of the entry */
  readonly #at: bigint;

  constructor(memory: PhysicalMemory, at: bigint) {
    this.#memory = memory;
    this.#at = at;
  }

  get raw(): bigint {
    return this.#memory.read64(this.#at);
  }

  set raw(value: bigint) {
    this.#memory.write64(this.#at, value);
  }

  get present(): boolean {
    return this.#bit(0n);
  }
  set present(on: boolean) {
    this.#setBit(0n, on);
  }

  get rw(): boolean {
    return this.#bit(1n);
  }
  set rw(on: boolean) {
    this.#setBit(1n, on);
  }

  get us(): boolean {
    return this.#bit(2n);
  }
  set us(on: boolean) {
    this.#setBit(2n, on);
  }

  get pwt(): boolean {
    return this.#bit(PWT);
  }
  set pwt(on: boolean) {
    this.#setBit(PWT, on);
  }

  get pcd(): boolean {
    return this.#bit(PCD);
  }
  set pcd(on: boolean) {
    this.#setBit(PCD, on);
  }

  get accessed(): boolean {
    return this.#bit(5n);
  }
  set accessed(on: boolean) {
    this.#setBit(5n, on);
  }

  get dirty(): boolean {
    return this.#bit(6n);
  }
  set dirty(on: boolean) {
    this.#setBit(6n, on);
  }

  get ps(): boolean {
    return this.#bit(7n);
  }
  set ps(on: boolean) {
    this.#setBit(7n, on);
  }

  get pat4k(): boolean {
    return this.#bit(PAT_4K);
  }
  set pat4k(on: boolean) {
    this.#setBit(PAT_4K, on);
  }

  get patLarge(): boolean {
    return this.#bit(PAT_LARGE);
  }
  set patLarge(on: boolean) {
    this.#setBit(PAT_LARGE, on);
  }

  get global(): boolean {
    return this.#bit(8n);
  }
  set global(on: boolean) {
    this.#setBit(8n, on);
  }

  get nx(): boolean {
    return this.#bit(63n);
  }
  set nx(on: boolean) {
    this.#setBit(63n, on);
  }

  get physicalAddress(): bigint {
    return this.raw & ADDRESS;
  }
  set physicalAddress(phys: bigint) {
    this.raw = (this.raw & ~ADDRESS) | (phys & ADDRESS);
  }

  get patIndex4k(): bigint {
    return patIndex(this.raw, PAT_4K);
  }
  set patIndex4k(index: bigint) {
    this.raw = withPatIndex(this.raw, PAT_4K, index);
  }

  get patIndexLarge(): bigint {
    return patIndex(this.raw, PAT_LARGE);
  }
  set patIndexLarge(index: bigint) {
    this.raw = withPatIndex(this.raw, PAT_LARGE, index);
  }

  clear(): void {
    this.raw = 0n;
  }

  #bit(bit: bigint): boolean {
    return ((this.raw >> bit) & 1n) !== 0n;
  }

  #setBit(bit: bigint, on: boolean): void {
    this.raw = on ? this.raw | (1n << bit) : this.raw & ~(1n << bit);
  }
}

function patIndex(raw: bigint, patBit: bigint): bigint {
  return ((raw >> PWT) & 1n) | (((raw >> PCD) & 1n) << 1n) | (((raw >> patBit) & 1n) << 2n);
}

function withPatIndex(raw: bigint, patBit: bigint, index: bigint): bigint {
  if (index < 0n || index > 7n) throw new ContractViolation(`a PAT has entries 0 to 7, not ${index}`);
  const cleared = raw & ~((1n << PWT) | (1n << PCD) | (1n << patBit));
  return cleared | ((index & 1n) << PWT) | (((index >> 1n) & 1n) << PCD) | ((index >> 2n) << patBit);
}
