/** The host as Node gives it: node:fs for files, the process's own descriptors for the standard streams. */
import * as fs from "node:fs";
import { ERRNO, type ErrnoName, SystemCallError } from "./errno.ts";
import type { FileSystemSize, Host, HostFiles, Identity, StandardStream } from "./host.ts";

/** What node:fs throws becomes the error of the system call. */
function attempt<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw new SystemCallError(code in ERRNO ? (code as ErrnoName) : "EIO");
  }
}

/** Errors of stat that mean that there is nothing. */
const ABSENT: ReadonlySet<number> = new Set([ERRNO.ENOENT, ERRNO.ENOTDIR]);

export const nodeFiles: HostFiles = {
  status(path) {
    try {
      return attempt(() => fs.lstatSync(path, { bigint: true, throwIfNoEntry: false }));
    } catch (error) {
      if (error instanceof SystemCallError && ABSENT.has(error.errno)) return undefined;
      throw error;
    }
  },
  statusOf: (handle) => attempt(() => fs.fstatSync(handle, { bigint: true })),
  open: (path, flags, mode) => attempt(() => fs.openSync(path, flags, mode)),
  close: (handle) => {
    // 0 to 2 belong to this process, not to the program
    if (handle > 2) attempt(() => fs.closeSync(handle));
  },
  read: (handle, into, offset) => attempt(() => fs.readSync(handle, into, 0, into.length, offset)),
  write: (handle, bytes, offset) => attempt(() => fs.writeSync(handle, bytes, 0, bytes.length, offset)),
  truncate: (handle, length) => attempt(() => fs.ftruncateSync(handle, length)),
  sync: (handle) => attempt(() => fs.fsyncSync(handle)),
  list: (path) => attempt(() => fs.readdirSync(path)),
  readLink: (path) => attempt(() => fs.readlinkSync(path)),
  access: (path, mode) => attempt(() => fs.accessSync(path, mode)),
  size: (path) => attempt(() => sizeOf(fs.statfsSync(path))),
  makeDirectory: (path, mode) => attempt(() => fs.mkdirSync(path, mode)),
  removeDirectory: (path) => attempt(() => fs.rmdirSync(path)),
  unlink: (path) => attempt(() => fs.unlinkSync(path)),
  rename: (from, to) => attempt(() => fs.renameSync(from, to)),
  link: (from, to) => attempt(() => fs.linkSync(from, to)),
  symbolicLink: (target, path) => attempt(() => fs.symlinkSync(target, path)),
  changeMode: (path, mode) => attempt(() => fs.chmodSync(path, mode)),
  changeOwner: (path, uid, gid) => attempt(() => fs.lchownSync(path, uid, gid)),
  setTimes: (path, accessed, modified) => attempt(() => fs.lutimesSync(path, accessed, modified)),
};

function sizeOf(s: fs.StatsFs): FileSystemSize {
  return { type: s.type, blockSize: s.bsize, blocks: s.blocks, free: s.bfree, available: s.bavail, files: s.files, filesFree: s.ffree };
}

export function nodeIdentity(): Identity {
  return { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0, groups: process.getgroups?.() ?? [] };
}

/** A stream that goes to a descriptor of this process. */
export function outputTo(fd: number): StandardStream {
  return {
    status: () => nodeFiles.statusOf(fd),
    write: (bytes) => writeFully(fd, bytes),
  };
}

/** Writes at least one byte; a pipe that Node has made non-blocking is waited for. */
export function writeFully(fd: number, bytes: Uint8Array): number {
  for (;;)
    try {
      return fs.writeSync(fd, bytes);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") return attempt(() => fs.writeSync(fd, bytes));
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
}

export function nodeHost(streams: Host["streams"]): Host {
  return {
    files: nodeFiles,
    streams,
    identity: nodeIdentity(),
    now: () => performance.now(),
    realTime: () => BigInt(Math.round((performance.timeOrigin + performance.now()) * 1e3)) * 1000n,
    pause: (milliseconds) => new Promise((done) => (milliseconds > 0 ? setTimeout(done, milliseconds) : setImmediate(done))),
  };
}
