/** What is known about files: stat(2) in its forms, access(2), statfs(2), readlink(2). */
import { fail } from "../errno.ts";
import { type FileStatus, isLink, kindOf, S_IF } from "../file-status.ts";
import type { FileSystemSize } from "../host.ts";
import { AT, existing, statusAt } from "./places.ts";
import { type CallContext, type Result, row } from "./row.ts";

const STAT_SIZE = 144;
const STATX_SIZE = 256;
const STATX_BASIC_STATS = 0x7ff;
const STATFS_SIZE = 120;
const W_OK = 2;
const SECOND = 1_000_000_000n;
const NAME_MAX = 255n;
const TMPFS_MAGIC = 0x0102_1994;

/** struct stat, arch/x86/include/uapi/asm/stat.h */
function statBytes(s: FileStatus): Uint8Array {
  const view = new DataView(new ArrayBuffer(STAT_SIZE));
  view.setBigUint64(0, s.dev, true);
  view.setBigUint64(8, s.ino, true);
  view.setBigUint64(16, s.nlink, true);
  view.setUint32(24, Number(s.mode), true);
  view.setUint32(28, Number(s.uid), true);
  view.setUint32(32, Number(s.gid), true);
  view.setBigUint64(40, s.rdev, true);
  view.setBigInt64(48, s.size, true);
  view.setBigInt64(56, s.blksize, true);
  view.setBigInt64(64, s.blocks, true);
  [s.atimeNs, s.mtimeNs, s.ctimeNs].forEach((time, i) => {
    view.setBigInt64(72 + i * 16, time / SECOND, true);
    view.setBigInt64(80 + i * 16, time % SECOND, true);
  });
  return new Uint8Array(view.buffer);
}

/** struct statx, include/uapi/linux/stat.h */
function statxBytes(s: FileStatus): Uint8Array {
  const view = new DataView(new ArrayBuffer(STATX_SIZE));
  view.setUint32(0, STATX_BASIC_STATS, true);
  view.setUint32(4, Number(s.blksize), true);
  view.setUint32(16, Number(s.nlink), true);
  view.setUint32(20, Number(s.uid), true);
  view.setUint32(24, Number(s.gid), true);
  view.setUint16(28, Number(s.mode), true);
  view.setBigUint64(32, s.ino, true);
  view.setBigUint64(40, s.size, true);
  view.setBigUint64(48, s.blocks, true);
  [s.atimeNs, undefined, s.ctimeNs, s.mtimeNs].forEach((time, i) => {
    view.setBigInt64(64 + i * 16, (time ?? 0n) / SECOND, true);
    view.setUint32(72 + i * 16, Number((time ?? 0n) % SECOND), true);
  });
  [s.rdev, s.dev].forEach((device, i) => {
    view.setUint32(128 + i * 8, major(device), true);
    view.setUint32(132 + i * 8, minor(device), true);
  });
  return new Uint8Array(view.buffer);
}

/** include/linux/kdev_t.h new_decode_dev, 64 bits wide as glibc's makedev */
function major(device: bigint): number {
  return Number(((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xffff_f000n));
}

function minor(device: bigint): number {
  return Number((device & 0xffn) | ((device >> 12n) & 0xffff_ff00n));
}

function stat(c: CallContext, fd: number, path: string, address: number, flags: number): Result {
  c.process.memory.write(address, statBytes(statusAt(c, fd, path, flags)));
  return 0;
}

function statx(c: CallContext, fd: number, path: string, flags: number, _mask: number, address: number): Result {
  c.process.memory.write(address, statxBytes(statusAt(c, fd, path, flags)));
  return 0;
}

function access(c: CallContext, fd: number, path: string, mode: number, flags: number): Result {
  if ((mode & ~7) !== 0) return fail("EINVAL");
  const { node } = existing(c, fd, path, (flags & AT.SYMLINK_NOFOLLOW) === 0);
  if (node.made !== undefined) return 0;
  if ((mode & W_OK) !== 0 && !c.kernel.options.writable && !isDevice(node.status)) return fail("EROFS");
  if (!isLink(node.status)) c.kernel.tree.files.access(node.hostPath, mode);
  return 0;
}

function isDevice(status: FileStatus): boolean {
  const kind = kindOf(status);
  return kind === S_IF.CHR || kind === S_IF.BLK;
}

function readlink(c: CallContext, fd: number, path: string, buffer: number, size: number): Result {
  if (size <= 0) return fail("EINVAL");
  const { node } = existing(c, fd, path, false);
  if (!isLink(node.status)) return fail("EINVAL");
  const target = new TextEncoder().encode(c.kernel.tree.readLink(node)).subarray(0, size);
  c.process.memory.write(buffer, target);
  return target.length;
}

const MADE_SIZE: FileSystemSize = { type: TMPFS_MAGIC, blockSize: 4096, blocks: 0, free: 0, available: 0, files: 0, filesFree: 0 };

function statfsBytes(s: FileSystemSize): Uint8Array {
  const words = [s.type, s.blockSize, s.blocks, s.free, s.available, s.files, s.filesFree, 0].map(BigInt);
  const bytes = new Uint8Array(STATFS_SIZE);
  bytes.set(new Uint8Array(new BigUint64Array([...words, NAME_MAX, BigInt(s.blockSize), 0n]).buffer));
  return bytes;
}

function statfs(c: CallContext, path: string, address: number): Result {
  const { node } = existing(c, AT.FDCWD, path);
  c.process.memory.write(address, statfsBytes(node.made === undefined ? c.kernel.tree.files.size(node.hostPath) : MADE_SIZE));
  return 0;
}

function fstatfs(c: CallContext, fd: number, address: number): Result {
  const { path } = c.process.descriptors.get(fd);
  if (path.startsWith("/")) return statfs(c, path, address);
  c.process.memory.write(address, statfsBytes(MADE_SIZE));
  return 0;
}

export const statusCalls = [
  row(4, "stat", "path pointer", (c, path, address) => stat(c, AT.FDCWD, path, address, 0)),
  row(5, "fstat", "fd pointer", (c, fd, address) => stat(c, fd, "", address, AT.EMPTY_PATH)),
  row(6, "lstat", "path pointer", (c, path, address) => stat(c, AT.FDCWD, path, address, AT.SYMLINK_NOFOLLOW)),
  row(21, "access", "path mode", (c, path, mode) => access(c, AT.FDCWD, path, mode, 0)),
  row(89, "readlink", "path pointer int", (c, path, buffer, size) => readlink(c, AT.FDCWD, path, buffer, size)),
  row(137, "statfs", "path pointer", statfs),
  row(138, "fstatfs", "fd pointer", fstatfs),
  row(262, "newfstatat", "fd path pointer flags", stat),
  row(267, "readlinkat", "fd path pointer int", readlink),
  row(269, "faccessat", "fd path mode", (c, fd, path, mode) => access(c, fd, path, mode, 0)),
  row(332, "statx", "fd path flags flags pointer", statx),
  row(439, "faccessat2", "fd path mode flags", access),
];
