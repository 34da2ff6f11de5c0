/**
 * What a descriptor refers to: Linux's "open file description", shared by dup and fork. Each kind of file is a subclass that overrides
 * what it can do; the rest fails as Linux does.
 */
import { ERRNO, fail } from "./errno.ts";
import type { FileStatus } from "./file-status.ts";
import type { Input } from "./host.ts";
import type { PageSource } from "./regions.ts";

/** open(2) flags, asm-generic/fcntl.h */
export const O = {
  ACCMODE: 3,
  RDONLY: 0,
  WRONLY: 1,
  RDWR: 2,
  CREAT: 0o100,
  EXCL: 0o200,
  NOCTTY: 0o400,
  TRUNC: 0o1000,
  APPEND: 0o2000,
  NONBLOCK: 0o4000,
  DSYNC: 0o10000,
  DIRECT: 0o40000,
  LARGEFILE: 0o100000,
  DIRECTORY: 0o200000,
  NOFOLLOW: 0o400000,
  NOATIME: 0o1000000,
  CLOEXEC: 0o2000000,
  PATH: 0o10000000,
  TMPFILE: 0o20200000,
} as const;

export const POLL = { IN: 1, PRI: 2, OUT: 4, ERR: 8, HUP: 16, NVAL: 32, RDHUP: 0x2000 } as const;
export const SEEK = { SET: 0, CUR: 1, END: 2, DATA: 3, HOLE: 4 } as const;

/** read and write: nothing now, but there may be later */
export const AGAIN = -ERRNO.EAGAIN;

export interface Ioctl {
  readonly request: number;
  readonly argument: number;
}

export abstract class OpenFile {
  /** access mode and status flags */
  flags: number;
  position = 0;
  #references = 1;

  constructor(flags: number) {
    this.flags = flags & ~(O.CREAT | O.EXCL | O.NOCTTY | O.TRUNC | O.CLOEXEC);
  }

  /** absolute path in the program's tree, or what /proc shows, as "pipe:[12]" */
  abstract readonly path: string;
  abstract status(): FileStatus;

  get isReadable(): boolean {
    return (this.flags & O.ACCMODE) !== O.WRONLY && (this.flags & O.PATH) === 0;
  }
  get isWritable(): boolean {
    return (this.flags & O.ACCMODE) !== O.RDONLY && (this.flags & O.PATH) === 0;
  }
  get blocks(): boolean {
    return (this.flags & O.NONBLOCK) === 0;
  }
  /** set where reading has to wait for the outside */
  get input(): Input | undefined {
    return undefined;
  }

  /** Bytes read at the file's position, 0 at the end, or AGAIN. */
  read(_into: Uint8Array): number {
    return fail("EINVAL");
  }
  /** Bytes written at the file's position, or AGAIN. */
  write(_bytes: Uint8Array): number {
    return fail("EINVAL");
  }
  readAt(_offset: number, _into: Uint8Array): number {
    return fail("ESPIPE");
  }
  writeAt(_offset: number, _bytes: Uint8Array): number {
    return fail("ESPIPE");
  }
  seek(_offset: number, _whence: number): number {
    return fail("ESPIPE");
  }
  truncate(_length: number): void {
    fail("EINVAL");
  }
  /** The pages for mmap. */
  pages(): PageSource {
    return fail("ENODEV");
  }
  /** POLL bits that hold now */
  poll(): number {
    return POLL.IN | POLL.OUT;
  }
  sync(): void {}

  retain(): void {
    this.#references++;
  }
  release(): void {
    if (--this.#references === 0) this.close();
  }

  /** The last reference is gone. */
  protected close(): void {}
}

/** lseek on something of `size` bytes. */
export function seekIn(position: number, size: number, offset: number, whence: number): number {
  let to: number;
  if (whence === SEEK.SET) to = offset;
  else if (whence === SEEK.CUR) to = position + offset;
  else if (whence === SEEK.END) to = size + offset;
  else if (whence === SEEK.DATA || whence === SEEK.HOLE) {
    if (offset < 0 || offset >= size) fail("ENXIO");
    to = whence === SEEK.DATA ? offset : size;
  } else return fail("EINVAL");
  return to < 0 ? fail("EINVAL") : to;
}
