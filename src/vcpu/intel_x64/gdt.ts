/** A global descriptor table in 64-bit words. SDM Vol. 3 "Segment Descriptors", "TSS Descriptor in 64-bit Mode". */
import { ContractViolation, OutOfRange } from "../../vmm/errors.ts";
import type { PhysicalMemory } from "../../vmm/physical-memory.ts";
import type { Intrinsics } from "./intrinsics.ts";

const WORD = 8n;
const S = 1n << 44n;
const G = 1n << 55n;
const LIMIT_LOW = 0xffffn;
const LIMIT_HIGH = 0xfn << 48n;
const BASE_LOW = 0xff_ffffn << 16n;
const BASE_HIGH = 0xffn << 56n;
/** bits 47-40 and 55-52 */
const RIGHTS = (0xffn << 40n) | (0xfn << 52n);
const MASK32 = 0xffff_ffffn;

export class Gdt {
  readonly #words: bigint[];
  readonly base: bigint;

  /** `words` as they stand at linear address `base`. */
  constructor(words: readonly bigint[], base = 0n) {
    this.#words = [...words];
    this.base = base;
  }

  /** A table of so many empty entries. */
  static of(entries: number, base = 0n): Gdt {
    return new Gdt(new Array<bigint>(entries).fill(0n), base);
  }

  /** What GDTR points at; `read` reads a word of linear memory. */
  static fromHardware(cpu: Intrinsics, read: (address: bigint) => bigint): Gdt {
    const { base, limit } = cpu.gdtr;
    const entries = (limit + 1) >> 3;
    return new Gdt(
      Array.from({ length: entries }, (_, n) => read(base + BigInt(n) * WORD)),
      base,
    );
  }

  /** of the last byte */
  get limit(): number {
    return this.#words.length * 8 - 1;
  }

  get words(): readonly bigint[] {
    return this.#words;
  }

  baseOf(index: number): bigint {
    const low = this.#at(index);
    const base32 = ((low & BASE_LOW) >> 16n) | ((low & BASE_HIGH) >> 32n);
    return isSystem(low) ? base32 | (this.#at(index + 1) << 32n) : base32;
  }

  setBase(index: number, base: bigint): void {
    const low = this.#at(index);
    if (isSystem(low)) this.#set(index + 1, (this.#at(index + 1) & ~MASK32) | (base >> 32n));
    this.#set(index, (low & ~(BASE_LOW | BASE_HIGH)) | ((base & 0xff_ffffn) << 16n) | (((base >> 24n) & 0xffn) << 56n));
  }

  /** in bytes */
  limitOf(index: number): number {
    const word = this.#at(index);
    const raw = (word & LIMIT_LOW) | ((word & LIMIT_HIGH) >> 32n);
    return Number((word & G) !== 0n ? (raw << 12n) | 0xfffn : raw);
  }

  setLimit(index: number, bytes: number): void {
    const word = this.#at(index);
    const raw = (word & G) !== 0n ? BigInt(bytes >>> 12) : BigInt(bytes);
    this.#set(index, (word & ~(LIMIT_LOW | LIMIT_HIGH)) | (raw & LIMIT_LOW) | (((raw >> 16n) & 0xfn) << 48n));
  }

  /** as a VMCS has them: bits 7-0 and 15-12 */
  accessRightsOf(index: number): number {
    return Number((this.#at(index) & RIGHTS) >> 40n);
  }

  setAccessRights(index: number, rights: number): void {
    this.#set(index, (this.#at(index) & ~RIGHTS) | ((BigInt(rights) << 40n) & RIGHTS));
  }

  write(memory: PhysicalMemory, phys: bigint): void {
    this.#words.forEach((word, n) => {
      memory.write64(phys + BigInt(n) * WORD, word);
    });
  }

  #at(index: number): bigint {
    if (index === 0) throw new ContractViolation("entry 0 of a GDT is no descriptor");
    const word = this.#words[index];
    if (word === undefined) throw new OutOfRange(`the GDT has ${this.#words.length} entries, and no entry ${index}`);
    return word;
  }

  #set(index: number, word: bigint): void {
    this.#words[index] = word;
  }
}

const isSystem = (word: bigint): boolean => (word & S) === 0n;
