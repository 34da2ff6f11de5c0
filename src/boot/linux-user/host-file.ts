/** A regular file or another thing of the host's tree that was opened by path. The position is kept here, so that fork shares it. */
import { fail } from "./errno.ts";
import type { FileStatus } from "./file-status.ts";
import type { HostFiles } from "./host.ts";
import { O, OpenFile, SEEK, seekIn } from "./open-file.ts";
import type { PageCache } from "./page-cache.ts";
import type { PageSource } from "./regions.ts";

export class HostFile extends OpenFile {
  readonly path: string;
  readonly #files: HostFiles;
  readonly #handle: number;
  readonly #cache: PageCache;

  constructor(files: HostFiles, handle: number, path: string, flags: number, cache: PageCache) {
    super(flags);
    this.#files = files;
    this.#handle = handle;
    this.path = path;
    this.#cache = cache;
  }

  status(): FileStatus {
    return this.#files.statusOf(this.#handle);
  }

  override read(into: Uint8Array): number {
    const count = this.#files.read(this.#handle, into, this.position);
    this.position += count;
    return count;
  }

  override write(bytes: Uint8Array): number {
    if ((this.flags & O.APPEND) !== 0) this.position = Number(this.status().size);
    const count = this.writeAt(this.position, bytes);
    this.position += count;
    return count;
  }

  override readAt(offset: number, into: Uint8Array): number {
    return this.#files.read(this.#handle, into, offset);
  }

  override writeAt(offset: number, bytes: Uint8Array): number {
    const count = this.#files.write(this.#handle, bytes, offset);
    this.#cache.written(this.status(), offset, bytes.subarray(0, count));
    return count;
  }

  override seek(offset: number, whence: number): number {
    this.position = seekIn(this.position, Number(this.status().size), offset, whence);
    return this.position;
  }

  override truncate(length: number): void {
    this.#files.truncate(this.#handle, length);
  }

  override pages(): PageSource {
    return this.#cache.source(this);
  }

  override sync(): void {
    this.#files.sync(this.#handle);
  }

  protected override close(): void {
    this.#files.close(this.#handle);
  }
}

/** Something opened with O_PATH: only a place in the tree. */
export class PathFile extends OpenFile {
  readonly path: string;
  readonly #status: FileStatus;

  constructor(path: string, status: FileStatus, flags: number) {
    super(flags);
    this.path = path;
    this.#status = status;
  }

  status(): FileStatus {
    return this.#status;
  }

  override read(): number {
    return fail("EBADF");
  }
}

/** A directory: descriptors of it serve for getdents64, fchdir and the …at calls. */
export class DirectoryFile extends PathFile {
  /** records as getdents64 gives them, made when the first is asked for */
  entries: readonly Uint8Array[] | undefined;

  override read(): number {
    return fail("EISDIR");
  }

  override seek(offset: number, whence: number): number {
    if (offset === 0 && whence === SEEK.SET) this.entries = undefined;
    this.position = seekIn(this.position, this.entries?.length ?? 0, offset, whence);
    return this.position;
  }
}
