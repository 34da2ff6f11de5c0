/**
 * The page tables of one address space, in guest RAM where the core walks them. SDM 3A "4-Level Paging". Addresses are numbers: user
 * space ends at 2^47. Entries are seen as two 32-bit words, since RAM ends below 4 GiB: the upper word holds nothing but NX.
 *
 *     31          12 11                   0      63  62       32
 *    ┌──────────────┬──────┬───┬───┬───┬───┐   ┌────┬──────────┐
 *    │ frame        │ …A D │ … │ U │ W │ P │   │ NX │ 0        │
 *    └──────────────┴──────┴───┴───┴───┴───┘   └────┴──────────┘
 */
import { type Frames, PAGE } from "./frames.ts";

const P = 1;
const W = 2;
const U = 4;
const NX = 0x8000_0000;
const TABLE_ENTRIES = 512;
/** bytes of address space behind one entry, from the top level down */
const SPAN = [2 ** 39, 2 ** 30, 2 ** 21, 2 ** 12] as const;

export interface Access {
  /** false: the page is kept, but any access of the program faults (PROT_NONE) */
  readonly user: boolean;
  readonly write: boolean;
  readonly execute: boolean;
}

export class PageTable {
  readonly root: number;
  readonly #frames: Frames;

  constructor(frames: Frames) {
    this.#frames = frames;
    this.root = frames.allocate();
  }

  /** The frame behind `va`, or 0. */
  frame(va: number): number {
    const at = this.#find(va);
    return at < 0 || (this.#frames.words[at] & P) === 0 ? 0 : (this.#frames.words[at] & 0xffff_f000) >>> 0;
  }

  isWritable(va: number): boolean {
    const at = this.#find(va);
    return at >= 0 && (this.#frames.words[at] & (P | W)) === (P | W);
  }

  /** Puts a frame there. What was there before is the caller's to release. */
  map(va: number, frame: number, access: Access): void {
    const { words } = this.#frames;
    let table = this.root;
    for (let level = 0; level < 3; level++) {
      const at = entry(table, va, level);
      // the frame is taken first, so that a failure leaves no half-made entry
      if ((words[at] & P) === 0) words[at] = (this.#frames.allocate() | P | W | U) >>> 0;
      table = (words[at] & 0xffff_f000) >>> 0;
    }
    const at = entry(table, va, 3);
    words[at] = (frame | P | (access.user ? U : 0) | (access.write ? W : 0)) >>> 0;
    words[at + 1] = access.execute ? 0 : NX;
  }

  /** Takes the page away and returns its frame, or 0. */
  unmap(va: number): number {
    const frame = this.frame(va);
    if (frame !== 0) {
      const at = this.#find(va);
      this.#frames.words[at] = 0;
      this.#frames.words[at + 1] = 0;
    }
    return frame;
  }

  /** Calls `visit` for every mapped page of a range, in order, skipping what has no tables. */
  forEach(start: number, end: number, visit: (va: number, frame: number) => void): void {
    const { words } = this.#frames;
    for (let va = start; va < end; ) {
      const [level, table] = this.#descend(va);
      const next = Math.min(end, (Math.floor(va / SPAN[Math.min(level, 2)]) + 1) * SPAN[Math.min(level, 2)]);
      if (level === 3)
        for (; va < next; va += PAGE) {
          const low = words[entry(table, va, 3)];
          if ((low & P) !== 0) visit(va, (low & 0xffff_f000) >>> 0);
        }
      va = next;
    }
  }

  /** Releases the tables; the pages must have been unmapped before. */
  destroy(): void {
    this.#destroy(this.root, 0);
  }

  #destroy(table: number, level: number): void {
    const { words } = this.#frames;
    if (level < 3)
      for (let i = 0; i < TABLE_ENTRIES; i++) {
        const low = words[(table >>> 2) + i * 2];
        if ((low & P) !== 0) this.#destroy((low & 0xffff_f000) >>> 0, level + 1);
      }
    this.#frames.release(table);
  }

  /** Word index of the entry of `va`'s page, or -1 if there is no table for it. */
  #find(va: number): number {
    const [level, table] = this.#descend(va);
    return level < 3 ? -1 : entry(table, va, 3);
  }

  /** The lowest table on the way to `va`, and its level: 3 if the walk got to the end. */
  #descend(va: number): readonly [number, number] {
    const { words } = this.#frames;
    let table = this.root;
    for (let level = 0; level < 3; level++) {
      const low = words[entry(table, va, level)];
      if ((low & P) === 0) return [level, table];
      table = (low & 0xffff_f000) >>> 0;
    }
    return [3, table];
  }
}

/** Word index in RAM of `va`'s entry in a table. */
function entry(table: number, va: number, level: number): number {
  return (table >>> 2) + ((va / SPAN[level]) & (TABLE_ENTRIES - 1)) * 2;
}
