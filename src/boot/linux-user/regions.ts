/**
 * The mappings of an address space: what /proc/PID/maps lists. Ranges of whole pages that do not overlap, sorted by address, each with its
 * protection and where its pages come from. Pages themselves appear on the first access; see address-space.ts.
 */
import { PAGE } from "./frames.ts";

export const PROT = { READ: 1, WRITE: 2, EXEC: 4 } as const;

/** Where the pages of a file or of shared memory come from. */
export interface PageSource {
  /** name in the list of mappings */
  readonly name: string;
  /** The frame of a page, owned by the source; undefined behind the end. */
  frame(page: number): number | undefined;
  /** A page of a shared writable mapping was taken away after it may have been written. */
  changed(page: number): void;
  /** Every mapping holds its source. */
  retain(): void;
  release(): void;
}

export interface Region {
  readonly start: number;
  readonly end: number;
  readonly protection: number;
  /** writes are seen by the other owners of the pages */
  readonly shared: boolean;
  /** absent: zero pages */
  readonly source?: PageSource;
  /** first page of the source */
  readonly page: number;
  /** "[heap]", "[stack]" */
  readonly name?: string;
}

export class Regions {
  #list: Region[] = [];

  [Symbol.iterator](): Iterator<Region> {
    return this.#list[Symbol.iterator]();
  }

  find(address: number): Region | undefined {
    const region = this.#list[this.#from(address)];
    return region !== undefined && region.start <= address ? region : undefined;
  }

  /** The regions that have a part in [start, end). */
  within(start: number, end: number): Region[] {
    const found: Region[] = [];
    if (start >= end) return found;
    for (let i = this.#from(start); i < this.#list.length && this.#list[i].start < end; i++) found.push(this.#list[i]);
    return found;
  }

  /** True if every page of the range is mapped. */
  covers(start: number, end: number): boolean {
    let at = start;
    for (const r of this.within(start, end)) {
      if (r.start > at) return false;
      at = r.end;
    }
    return at >= end;
  }

  /** Adds a region to a free range, joined with its neighbours where they are alike. Takes over the reference to the source. */
  insert(region: Region): void {
    let i = this.#from(region.start);
    this.#list.splice(i, 0, region);
    if (i + 1 < this.#list.length && isContinued(region, this.#list[i + 1])) this.#join(i);
    if (i > 0 && isContinued(this.#list[i - 1], region)) this.#join(--i);
  }

  /** Takes [start, end) out and returns what stood there, cut to the range. The sources' references go to the caller. */
  remove(start: number, end: number): Region[] {
    const removed: Region[] = [];
    for (const r of this.within(start, end)) {
      const i = this.#list.indexOf(r);
      const parts = [cut(r, r.start, start), cut(r, end, r.end)].filter((part) => part !== undefined);
      const middle = cut(r, Math.max(r.start, start), Math.min(r.end, end));
      if (middle !== undefined) removed.push(middle);
      this.#list.splice(i, 1, ...parts);
      for (const _ of parts) r.source?.retain();
    }
    return removed;
  }

  /** Start of the highest free range of `length` bytes below `limit`, as Linux searches, or undefined. */
  gapBelow(limit: number, length: number): number | undefined {
    let end = limit;
    for (let i = this.#list.length - 1; i >= 0; i--) {
      const r = this.#list[i];
      if (r.start >= end) continue;
      if (r.end + length <= end) break;
      end = r.start;
    }
    return end - length >= 0x10000 ? end - length : undefined;
  }

  /** Index of the first region that ends behind `address`. */
  #from(address: number): number {
    let low = 0;
    let high = this.#list.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#list[middle].end > address) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #join(i: number): void {
    const [a, b] = [this.#list[i], this.#list[i + 1]];
    b.source?.release();
    this.#list.splice(i, 2, { ...a, end: b.end });
  }
}

function isContinued(a: Region, b: Region): boolean {
  return (
    a.end === b.start &&
    a.protection === b.protection &&
    a.shared === b.shared &&
    a.name === b.name &&
    a.source === b.source &&
    (a.source === undefined || a.page + (a.end - a.start) / PAGE === b.page)
  );
}

function cut(r: Region, start: number, end: number): Region | undefined {
  return start >= end ? undefined : { ...r, start, end, page: r.page + (start - r.start) / PAGE };
}
