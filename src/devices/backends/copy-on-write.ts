/**
 * A disk over an image that is never written: pages of 64 KiB that the guest has changed are kept in memory. Of the image's own pages the last
 * few that were read are kept too, since systems read a page in small pieces.
 */
import type { Saved } from "../../bus/device.ts";
import type { BlockBackend } from "./block.ts";

const PAGE = 65536;
const SECTOR = 512;
const KEPT = 64;
const ZEROS = new Uint8Array(PAGE);

/** Fills `into` with the image's bytes from `offset` on, as far as there are any; returns how many. */
export type ReadAt = (offset: number, into: Uint8Array) => number;

export class CopyOnWrite implements BlockBackend {
  /** whole sectors: the last one of an odd image is filled up with zeros */
  readonly size: number;
  readonly #readAt: ReadAt;
  readonly #changed = new Map<number, Uint8Array>();
  /** oldest first */
  readonly #kept = new Map<number, Uint8Array>();

  constructor(size: number, readAt: ReadAt) {
    this.size = Math.ceil(size / SECTOR) * SECTOR;
    this.#readAt = readAt;
  }

  /** Bytes of memory that changed pages take. */
  get changedBytes(): number {
    return [...this.#changed.values()].filter((page) => page !== ZEROS).length * PAGE;
  }

  read(offset: number, length: number): Uint8Array {
    const n = Math.floor(offset / PAGE);
    const at = offset - n * PAGE;
    return (this.#changed.get(n) ?? this.#original(n)).subarray(at, at + length);
  }

  write(offset: number, bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; ) {
      const n = Math.floor((offset + done) / PAGE);
      const at = offset + done - n * PAGE;
      const part = bytes.subarray(done, done + PAGE - at);
      this.#own(n, part.length).set(part, at);
      done += part.length;
    }
  }

  zero(offset: number, length: number): void {
    for (let done = 0; done < length; ) {
      const n = Math.floor((offset + done) / PAGE);
      const at = offset + done - n * PAGE;
      const part = Math.min(length - done, PAGE - at);
      if (part === PAGE) this.#change(n, ZEROS);
      else if (this.#changed.get(n) !== ZEROS) this.#own(n, part).fill(0, at, at + part);
      done += part;
    }
  }

  /** Nothing to do: it is all in memory, and stays there. */
  flush(): void {}

  save(): Saved {
    const pages = [...this.#changed].sort(([a], [b]) => a - b);
    return pages.map(([n, page]) => ({ n, bytes: page === ZEROS ? null : page.slice() }));
  }

  restore(saved: Saved): void {
    this.#changed.clear();
    for (const { n, bytes } of saved as readonly { n: number; bytes: Uint8Array | null }[]) this.#change(n, bytes?.slice() ?? ZEROS);
  }

  #change(n: number, page: Uint8Array): void {
    this.#changed.set(n, page);
    this.#kept.delete(n);
  }

  /** The page to write `length` bytes of: ours, or a copy of the image's unless all of it will be written. */
  #own(n: number, length: number): Uint8Array {
    const ours = this.#changed.get(n);
    if (ours !== undefined && ours !== ZEROS) return ours;
    const page = ours === ZEROS || length === PAGE ? new Uint8Array(PAGE) : this.#original(n).slice();
    this.#change(n, page);
    return page;
  }

  #original(n: number): Uint8Array {
    const kept = this.#kept.get(n);
    if (kept !== undefined) return kept;
    const oldest = this.#kept.size < KEPT ? undefined : this.#kept.entries().next().value;
    if (oldest !== undefined) this.#kept.delete(oldest[0]);
    const page = oldest?.[1] ?? new Uint8Array(PAGE);
    page.fill(0, this.#readAt(n * PAGE, page));
    this.#kept.set(n, page);
    return page;
  }
}

/** A disk image that is in memory already. */
export function readFrom(image: Uint8Array): ReadAt {
  return (offset, into) => {
    const part = image.subarray(offset, offset + into.length);
    into.set(part);
    return part.length;
  };
}
