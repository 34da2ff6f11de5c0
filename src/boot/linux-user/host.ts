/**
 * What the Linux personality needs from the world outside: a tree of files, standard streams, a clock. `host-node.ts` gives Node's; a
 * browser or a test may give another one. Methods fail with SystemCallError. Everything else in this folder is free of side effects.
 */
import type { FileStatus } from "./file-status.ts";

export interface FileSystemSize {
  readonly type: number;
  readonly blockSize: number;
  readonly blocks: number;
  readonly free: number;
  readonly available: number;
  readonly files: number;
  readonly filesFree: number;
}

/** Files by absolute host path without symbolic links before the last component; open files by handle. */
export interface HostFiles {
  /** undefined: there is no such file */
  status(path: string): FileStatus | undefined;
  statusOf(handle: number): FileStatus;
  open(path: string, flags: number, mode: number): number;
  close(handle: number): void;
  /** at the given offset, or at the file's own position if it is null */
  read(handle: number, into: Uint8Array, offset: number | null): number;
  write(handle: number, bytes: Uint8Array, offset: number | null): number;
  truncate(handle: number, length: number): void;
  sync(handle: number): void;
  /** names in a directory, without "." and ".." */
  list(path: string): readonly string[];
  readLink(path: string): string;
  access(path: string, mode: number): void;
  size(path: string): FileSystemSize;
  makeDirectory(path: string, mode: number): void;
  removeDirectory(path: string): void;
  unlink(path: string): void;
  rename(from: string, to: string): void;
  link(from: string, to: string): void;
  symbolicLink(target: string, path: string): void;
  changeMode(path: string, mode: number): void;
  changeOwner(path: string, uid: number, gid: number): void;
  /** times in seconds */
  setTimes(path: string, accessed: number, modified: number): void;
}

/** Bytes from outside: a terminal, a pipe, a file, or what a caller of the library passes. */
export interface Input {
  /** bytes put into the buffer; 0 at the end; undefined if there is nothing yet */
  read(into: Uint8Array): number | undefined;
  /** true if `read` would answer now */
  readonly ready: boolean;
  /** Resolves when `ready` may have changed, at the latest after `milliseconds`. */
  wait(milliseconds?: number): Promise<void>;
  close(): void;
}

export interface Terminal {
  size(): { readonly rows: number; readonly columns: number };
  /** raw: every key at once, no echo */
  setRaw(raw: boolean): void;
}

/** One of the descriptors 0, 1 and 2. */
export interface StandardStream {
  /** a regular file: programs may seek in it */
  readonly file?: { readonly handle: number; readonly position: number; readonly path: string };
  readonly input?: Input;
  write?(bytes: Uint8Array): number;
  /** set if it is a terminal */
  readonly terminal?: Terminal;
  /** what stat says of it */
  status(): FileStatus;
}

export interface Identity {
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
}

export interface Host {
  readonly files: HostFiles;
  readonly streams: readonly [StandardStream, StandardStream, StandardStream];
  readonly identity: Identity;
  /** milliseconds of real time since an arbitrary moment: for time limits and `realTime` only */
  now(): number;
  /** nanoseconds since 1970, for `realTime` only */
  realTime(): bigint;
  /** Lets signals and input of the outside in; resolves after `milliseconds` of real time. */
  pause(milliseconds: number): Promise<void>;
}
