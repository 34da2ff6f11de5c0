/**
 * Pages of files in guest RAM, one copy of each however many processes map it: a shell that starts a program twenty times reads it once,
 * and the core keeps what it has decoded from those pages. Pages nobody maps stay until RAM runs short.
 */
import type { FileStatus } from "./file-status.ts";
import { type Frames, PAGE } from "./frames.ts";
import type { PageSource } from "./regions.ts";

/** A file that can be mapped. */
export interface MappableFile {
  readonly path: string;
  status(): FileStatus;
  readAt(offset: number, into: Uint8Array): number;
  writeAt(offset: number, bytes: Uint8Array): number;
  retain(): void;
  release(): void;
}

/** pages read at once */
const READ_PAGES = 16;
/** files that nobody maps any more but whose pages are kept */
const MAX_IDLE_FILES = 32;

export class PageCache {
  readonly #frames: Frames;
  readonly #files = new Map<string, FilePages>();

  constructor(frames: Frames) {
    this.#frames = frames;
    frames.onShortage = () => this.#shrink();
  }

  /** The pages of a file, with one reference for the caller. */
  source(file: MappableFile): PageSource {
    const status = file.status();
    const key = keyOf(status);
    const version = `${status.mtimeNs}:${status.size}`;
    let pages = this.#files.get(key);
    if (pages !== undefined && pages.mappings === 0 && pages.version !== version) {
      this.#drop(key, pages);
      pages = undefined;
    }
    if (pages === undefined) {
      pages = new FilePages(this.#frames, file, version);
      this.#files.set(key, pages);
      this.#dropIdle();
    }
    pages.retain();
    return pages;
  }

  /** A program wrote to a file by a system call: mapped pages show it. */
  written(status: FileStatus, offset: number, bytes: Uint8Array): void {
    this.#files.get(keyOf(status))?.written(offset, bytes);
  }

  #dropIdle(): void {
    const idle = [...this.#files].filter(([, pages]) => pages.mappings === 0);
    for (const [key, pages] of idle.slice(0, Math.max(0, idle.length - MAX_IDLE_FILES))) this.#drop(key, pages);
  }

  #shrink(): void {
    for (const [key, pages] of this.#files) if (pages.mappings === 0) this.#drop(key, pages);
    for (const pages of this.#files.values()) pages.shrink();
  }

  #drop(key: string, pages: FilePages): void {
    this.#files.delete(key);
    pages.close();
  }
}

function keyOf(status: FileStatus): string {
  return `${status.dev}:${status.ino}`;
}

class FilePages implements PageSource {
  mappings = 0;
  /** while pages are read, none is given back */
  #busy = false;
  readonly version: string;
  readonly #frames: Frames;
  readonly #file: MappableFile;
  readonly #pages = new Map<number, number>();

  constructor(frames: Frames, file: MappableFile, version: string) {
    this.#frames = frames;
    this.#file = file;
    this.version = version;
    file.retain();
  }

  get name(): string {
    return this.#file.path;
  }

  retain(): void {
    this.mappings++;
  }
  release(): void {
    this.mappings--;
  }

  frame(page: number): number | undefined {
    const frame = this.#pages.get(page);
    if (frame !== undefined) return frame;
    this.#load(page - (page % READ_PAGES));
    return this.#pages.get(page);
  }

  changed(page: number): void {
    const frame = this.#pages.get(page);
    const rest = Number(this.#file.status().size) - page * PAGE;
    if (frame !== undefined && rest > 0) this.#file.writeAt(page * PAGE, this.#frames.ram.slice(frame, frame + Math.min(PAGE, rest)));
  }

  written(offset: number, bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; ) {
      const inPage = (offset + done) % PAGE;
      const part = Math.min(bytes.length - done, PAGE - inPage);
      const frame = this.#pages.get((offset + done - inPage) / PAGE);
      if (frame !== undefined) {
        this.#frames.ram.set(bytes.subarray(done, done + part), frame + inPage);
        this.#frames.written(frame + inPage, part);
      }
      done += part;
    }
  }

  /** Gives back the pages that no process has mapped. */
  shrink(): void {
    if (this.#busy) return;
    for (const [page, frame] of this.#pages)
      if (this.#frames.owners(frame) === 1) {
        this.#frames.release(frame);
        this.#pages.delete(page);
      }
  }

  close(): void {
    for (const frame of this.#pages.values()) this.#frames.release(frame);
    this.#pages.clear();
    this.#file.release();
  }

  #load(first: number): void {
    const bytes = new Uint8Array(READ_PAGES * PAGE);
    const length = this.#file.readAt(first * PAGE, bytes);
    this.#busy = true;
    try {
      for (let i = 0; i * PAGE < length; i++) {
        if (this.#pages.has(first + i)) continue;
        const frame = this.#frames.allocate();
        this.#frames.ram.set(bytes.subarray(i * PAGE, (i + 1) * PAGE), frame);
        this.#pages.set(first + i, frame);
      }
    } finally {
      this.#busy = false;
    }
  }
}

/** Pages that several mappings share without a file: MAP_SHARED | MAP_ANONYMOUS, kept for the children of fork. */
export class SharedPages implements PageSource {
  readonly name: string;
  readonly #frames: Frames;
  readonly #pages = new Map<number, number>();
  #mappings = 1;

  constructor(frames: Frames, name = "/dev/zero (deleted)") {
    this.#frames = frames;
    this.name = name;
  }

  frame(page: number): number {
    let frame = this.#pages.get(page);
    if (frame === undefined) {
      frame = this.#frames.allocate();
      this.#pages.set(page, frame);
    }
    return frame;
  }

  changed(): void {}

  retain(): void {
    this.#mappings++;
  }

  release(): void {
    if (--this.#mappings > 0) return;
    for (const frame of this.#pages.values()) this.#frames.release(frame);
    this.#pages.clear();
  }
}
