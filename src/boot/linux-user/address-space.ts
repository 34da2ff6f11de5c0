/**
 * One address space: the list of mappings and the page tables that follow it on demand. A page appears at the first access: zeros,
 * the page of a file, or (at the first write) a copy of a page that has other owners. fork shares all pages and copies on write.
 */
import { type Frames, PAGE } from "./frames.ts";
import { type Access, PageTable } from "./page-table.ts";
import { PROT, type Region, Regions } from "./regions.ts";

/** what the core must forget after page tables changed */
export interface Translations {
  flushTlb(): void;
  flushPage(va: bigint): void;
}

/** Why an access cannot be answered: Linux's signal and si_code. */
export type Refusal = "not mapped" | "not permitted" | "behind the end of the file";
export type AccessKind = "read" | "write" | "execute";

/** above: the stack with the argument strings, as Linux places them without randomisation */
export const STACK_TOP = 0x7fff_ffff_f000;
export const STACK_SIZE = 8 << 20;
const MAP_TOP = 0x7fff_f7ff_f000;
/** pages of a file that one fault maps */
const FAULT_AROUND = 16;
const MANY_PAGES = 64;

export class AddressSpace {
  readonly regions = new Regions();
  readonly table: PageTable;
  /** end of the data segment: the program break starts there and may go up */
  breakStart = 0;
  breakEnd = 0;
  /** processes that run in it */
  users = 1;
  faults = 0;
  readonly #frames: Frames;
  readonly #translations: Translations;

  constructor(frames: Frames, translations: Translations) {
    this.#frames = frames;
    this.#translations = translations;
    this.table = new PageTable(frames);
  }

  /** bytes of all mappings */
  get size(): number {
    let bytes = 0;
    for (const r of this.regions) bytes += r.end - r.start;
    return bytes;
  }

  /** Answers a page fault: undefined when the access may be repeated. */
  fault(va: number, kind: AccessKind): Refusal | undefined {
    this.faults++;
    const region = this.regions.find(va);
    if (region === undefined) return "not mapped";
    const page = va - (va % PAGE);
    const frame = this.table.frame(page);
    // Linux brings a readable page in before it notices that it must not be executed: the program sees a fault on a present page
    if (kind === "execute" && frame === 0 && permits(region.protection, "read")) return this.#bringIn(region, page, "read");
    if (!permits(region.protection, kind)) return "not permitted";
    if (frame !== 0) {
      if (kind === "write" && !this.table.isWritable(page)) this.#makeWritable(region, page, frame);
      else this.#translations.flushPage(BigInt(page));
      return undefined;
    }
    return this.#bringIn(region, page, kind);
  }

  /** Adds a mapping to a range, in the place of what was there. Takes over the reference to the source. */
  map(region: Region): void {
    this.unmap(region.start, region.end);
    this.regions.insert(region);
  }

  /** Where a new mapping of `length` bytes goes when the program does not say. */
  place(length: number): number | undefined {
    return this.regions.gapBelow(MAP_TOP, length);
  }

  unmap(start: number, end: number): void {
    for (const r of this.regions.remove(start, end)) {
      this.#dropPages(r);
      r.source?.release();
    }
  }

  protect(start: number, end: number, protection: number): void {
    for (const r of this.regions.remove(start, end)) {
      const region = { ...r, protection };
      this.regions.insert(region);
      this.table.forEach(r.start, r.end, (va, frame) => {
        // a page that was read-only may have other owners: the first write decides
        this.table.map(va, frame, accessOf(region, this.table.isWritable(va)));
      });
    }
    this.#forget(start, end);
  }

  /** Moves the pages of a range to another place, which is free. */
  move(from: number, to: number, length: number): void {
    for (const r of this.regions.remove(from, from + length)) {
      const shift = to - from;
      this.regions.insert({ ...r, start: r.start + shift, end: r.end + shift });
      this.table.forEach(r.start, r.end, (va, frame) => {
        const writable = this.table.isWritable(va);
        this.table.unmap(va);
        this.table.map(va + shift, frame, accessOf(r, writable));
      });
    }
    this.#forget(from, from + length);
  }

  /** Gives anonymous pages back (MADV_DONTNEED): the next access finds zeros, or the file again. */
  discard(start: number, end: number): void {
    for (const r of this.regions.within(start, end)) this.#dropPages({ ...r, start: Math.max(start, r.start), end: Math.min(end, r.end) });
  }

  /** Writes shared pages back that may have changed (msync). */
  sync(start: number, end: number): void {
    for (const r of this.regions.within(start, end))
      if (r.shared && r.source !== undefined)
        this.table.forEach(Math.max(start, r.start), Math.min(end, r.end), (va) => {
          if (this.table.isWritable(va)) r.source?.changed(r.page + (va - r.start) / PAGE);
        });
  }

  /** A copy for fork: the same mappings; private pages are shared until one of the two writes. */
  fork(): AddressSpace {
    const child = new AddressSpace(this.#frames, this.#translations);
    child.breakStart = this.breakStart;
    child.breakEnd = this.breakEnd;
    for (const r of this.regions) {
      r.source?.retain();
      child.regions.insert(r);
      this.table.forEach(r.start, r.end, (va, frame) => {
        const access = accessOf(r, r.shared && this.table.isWritable(va));
        if (!r.shared && this.table.isWritable(va)) this.table.map(va, frame, access);
        child.table.map(va, this.#frames.share(frame), access);
      });
    }
    this.#translations.flushTlb();
    return child;
  }

  /** The last process has left it. */
  destroy(): void {
    this.unmap(0, 2 ** 47);
    this.table.destroy();
  }

  // ---- private

  #bringIn(region: Region, page: number, kind: AccessKind): Refusal | undefined {
    if (region.source !== undefined)
      return kind === "write" || region.shared ? this.#mapOne(region, page, kind) : this.#mapAround(region, page);
    this.table.map(page, this.#frames.allocate(), accessOf(region, true));
    return undefined;
  }

  #makeWritable(region: Region, page: number, frame: number): void {
    const alone = region.shared || this.#frames.owners(frame) === 1;
    const mine = alone ? frame : this.#frames.copy(frame);
    this.table.map(page, mine, accessOf(region, true));
    if (!alone) this.#frames.release(frame);
    this.#translations.flushPage(BigInt(page));
  }

  #mapOne(region: Region, page: number, kind: AccessKind): Refusal | undefined {
    const frame = region.source?.frame(region.page + (page - region.start) / PAGE);
    if (frame === undefined) return "behind the end of the file";
    // a shared page is mapped for writing only once it is written, so that the tables know which pages may have changed
    const access = accessOf(region, kind === "write");
    this.#frames.share(frame);
    if (region.shared) this.table.map(page, frame, access);
    else {
      this.table.map(page, this.#frames.copy(frame), access);
      this.#frames.release(frame);
    }
    return undefined;
  }

  /** Maps the pages of the file around `page`, for reading. */
  #mapAround(region: Region, page: number): Refusal | undefined {
    const window = PAGE * FAULT_AROUND;
    const start = Math.max(region.start, page - (page % window));
    const end = Math.min(region.end, page - (page % window) + window);
    let found = false;
    for (let va = start; va < end; va += PAGE) {
      if (this.table.frame(va) !== 0) continue;
      const frame = region.source?.frame(region.page + (va - region.start) / PAGE);
      if (frame === undefined) break;
      this.table.map(va, this.#frames.share(frame), accessOf(region, false));
      if (va === page) found = true;
    }
    return found ? undefined : "behind the end of the file";
  }

  #dropPages(r: Region): void {
    this.table.forEach(r.start, r.end, (va, frame) => {
      if (r.shared && this.table.isWritable(va)) r.source?.changed(r.page + (va - r.start) / PAGE);
      this.table.unmap(va);
      this.#frames.release(frame);
    });
    this.#forget(r.start, r.end);
  }

  #forget(start: number, end: number): void {
    if (end - start > MANY_PAGES * PAGE) this.#translations.flushTlb();
    else for (let va = start; va < end; va += PAGE) this.#translations.flushPage(BigInt(va));
  }
}

function permits(protection: number, kind: AccessKind): boolean {
  if (kind === "write") return (protection & PROT.WRITE) !== 0;
  if (kind === "execute") return (protection & PROT.EXEC) !== 0;
  return (protection & (PROT.READ | PROT.WRITE | PROT.EXEC)) !== 0;
}

/** `writable`: the page itself may be written if the mapping allows it. */
function accessOf({ protection }: Region, writable: boolean): Access {
  return { user: protection !== 0, write: writable && (protection & PROT.WRITE) !== 0, execute: (protection & PROT.EXEC) !== 0 };
}
