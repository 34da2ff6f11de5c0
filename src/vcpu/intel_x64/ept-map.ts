/**
 * Extended page tables that map guest-physical memory to itself in the largest pages, and finer wherever somebody wants a page for himself:
 * with other rights, or standing somewhere else. SDM Vol. 3 "The Extended Page Table Mechanism (EPT)".
 *
 *      63      52 51                    12 11    8 7 6 5    3 2 1 0
 *     ┌──────────┬────────────────────────┬───────┬─┬─┬──────┬─┬─┬─┐
 *     │          │ table or page          │       │L│P│ type │X│W│R│   L large page   P ignore PAT
 *     └──────────┴────────────────────────┴───────┴─┴─┴──────┴─┴─┴─┘
 */
import { PAGE_SIZE } from "../../vmm/constants.ts";
import { LogicError, OutOfRange } from "../../vmm/errors.ts";
import type { OwnBlock, OwnMemory } from "./own-memory.ts";

export const EPT = { READ: 1n, WRITE: 2n, EXECUTE: 4n, ALL: 7n } as const;
const LARGE = 1n << 7n;
const TYPE_SHIFT = 3n;
const ADDRESS = 0x000f_ffff_ffff_f000n;
const UNCACHEABLE = 0n;
const WRITE_BACK = 6n;
/** of the EPT pointer: walk of 4 levels, structures in write-back memory */
const POINTER_BITS = WRITE_BACK | (3n << 3n);
const ENTRIES = 512n;
/** where devices stand */
const HOLE_FROM = 0xc000_0000n;
const HOLE_TO = 0x1_0000_0000n;

/** log2 of the bytes that an entry of a table maps, from the top */
const SHIFTS = [39n, 30n, 21n, 12n] as const;
const PDPT = 1;
const PT = 3;

export interface EptLeaf {
  /** log2 of its bytes: 30, 21 or 12 */
  readonly shift: bigint;
  readonly host: bigint;
  readonly rights: bigint;
}

export class EptMap {
  readonly #own: OwnMemory;
  readonly #limit: bigint;
  readonly #tables = new Map<bigint, OwnBlock>();
  readonly #root: OwnBlock;
  readonly #changed: () => void;

  /** Maps 2 to the power of `bits` bytes; `changed` is called behind every change: translations may be remembered. */
  constructor(own: OwnMemory, bits = 40n, changed: () => void = () => {}) {
    this.#own = own;
    this.#limit = 1n << bits;
    this.#changed = changed;
    this.#root = this.#table();
    try {
      for (let at = 0n; at < this.#limit; at += 1n << SHIFTS[0]) this.#mapRegion(at);
    } catch (error) {
      this.release();
      throw error;
    }
  }

  /** the field of the VMCS */
  get pointer(): bigint {
    return this.#root.phys | POINTER_BITS;
  }

  /** The entry that translates an address, of whatever size. */
  leafOf(guest: bigint): EptLeaf {
    const { at, level } = this.#find(guest, PT);
    const entry = this.#read(at);
    return { shift: SHIFTS[level], host: entry & ADDRESS & ~((1n << SHIFTS[level]) - 1n), rights: entry & EPT.ALL };
  }

  /** The page of 4 KiB around an address gets an entry of its own, and stays what it is. */
  split(guest: bigint): void {
    this.#leaf4k(guest);
  }

  /** What may be done with the 4 KiB around an address; rights without READ but with WRITE are none. */
  protect(guest: bigint, rights: bigint): void {
    const at = this.#leaf4k(guest);
    this.#write(at, (this.#read(at) & ~EPT.ALL) | checked(rights));
    this.#changed();
  }

  /** The 4 KiB around an address stand elsewhere. */
  remap(guest: bigint, host: bigint, rights: bigint = EPT.ALL): void {
    const at = this.#leaf4k(guest);
    this.#write(at, (this.#read(at) & ~(EPT.ALL | ADDRESS)) | (host & ADDRESS) | checked(rights));
    this.#changed();
  }

  /** They stand where they say they do, with all rights. */
  restore(guest: bigint): void {
    this.remap(guest, guest, EPT.ALL);
  }

  release(): void {
    for (const table of this.#tables.values()) this.#own.release(table);
    this.#tables.clear();
  }

  /** 512 GiB in pages of 1 GiB. */
  #mapRegion(from: bigint): void {
    const table = this.#table();
    const shift = SHIFTS[PDPT];
    for (let n = 0n; n < ENTRIES && from + (n << shift) < this.#limit; n++)
      this.#write(table.phys + n * 8n, leaf(from + (n << shift), LARGE));
    this.#write(this.#root.phys + (from >> SHIFTS[0]) * 8n, table.phys | EPT.ALL);
  }

  /** Where the entry of an address stands that is a leaf, or is of level `until`. */
  #find(guest: bigint, until: number): { readonly at: bigint; readonly level: number } {
    if (guest < 0n || guest >= this.#limit) throw new OutOfRange(`no guest-physical address: 0x${guest.toString(16)}`);
    let table = this.#root.phys;
    for (let level = 0; ; level++) {
      const at = table + ((guest >> SHIFTS[level]) & (ENTRIES - 1n)) * 8n;
      const entry = this.#read(at);
      if (level === until || (level >= PDPT && (entry & LARGE) !== 0n)) return { at, level };
      table = entry & ADDRESS;
    }
  }

  #leaf4k(guest: bigint): bigint {
    for (;;) {
      const { at, level } = this.#find(guest, PT);
      if (level === PT) return at;
      this.#splitLeaf(at, level);
    }
  }

  /** A large page becomes 512 pages of the next size, with its rights and type. */
  #splitLeaf(at: bigint, level: number): void {
    const entry = this.#read(at);
    const below = SHIFTS[level + 1];
    const kept = entry & (EPT.ALL | (7n << TYPE_SHIFT));
    const base = entry & ADDRESS & ~((1n << SHIFTS[level]) - 1n);
    const table = this.#table();
    for (let n = 0n; n < ENTRIES; n++) this.#write(table.phys + n * 8n, (base + (n << below)) | kept | (level + 1 === PT ? 0n : LARGE));
    this.#write(at, table.phys | EPT.ALL);
  }

  #table(): OwnBlock {
    const block = this.#own.obtain(PAGE_SIZE);
    this.#tables.set(block.phys, block);
    return block;
  }

  #read(at: bigint): bigint {
    return this.#own.physical.read64(at);
  }

  #write(at: bigint, entry: bigint): void {
    this.#own.physical.write64(at, entry);
  }
}

function leaf(address: bigint, size: bigint): bigint {
  const type = address >= HOLE_FROM && address < HOLE_TO ? UNCACHEABLE : WRITE_BACK;
  return address | EPT.ALL | size | (type << TYPE_SHIFT);
}

/** Writable and not readable is a misconfiguration. */
function checked(rights: bigint): bigint {
  if ((rights & ~EPT.ALL) !== 0n || (rights & (EPT.READ | EPT.WRITE)) === EPT.WRITE)
    throw new LogicError(`no rights of an EPT entry: ${rights}`);
  return rights;
}
