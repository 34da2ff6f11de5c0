/** Directories and names: getdents64(2), chdir(2), mkdir(2), rename(2), unlink(2) and the rest that changes the tree. */
import { fail } from "../errno.ts";
import { isDirectory, kindOf } from "../file-status.ts";
import { DirectoryFile } from "../host-file.ts";
import { AT, changeable, existing, locate, vacant } from "./places.ts";
import { type CallContext, type Result, row } from "./row.ts";

const RENAME_NOREPLACE = 1;
const UTIME = { NOW: 0x3fff_ffff, OMIT: 0x3fff_fffe } as const;
const X_OK = 1;
const RECORD_HEADER = 19;

function getdents64(c: CallContext, fd: number, buffer: number, size: number): Result {
  const file = c.process.descriptors.get(fd);
  if (!(file instanceof DirectoryFile)) return fail("ENOTDIR");
  file.entries ??= records(c, file);
  let done = 0;
  while (file.position < file.entries.length) {
    const record = file.entries[file.position];
    if (done + record.length > size) return done === 0 ? fail("EINVAL") : done;
    c.process.memory.write(buffer + done, record);
    done += record.length;
    file.position++;
  }
  return done;
}

/** struct linux_dirent64 of every entry */
function records(c: CallContext, directory: DirectoryFile): Uint8Array[] {
  const { tree } = c.kernel;
  const { node } = existing(c, AT.FDCWD, directory.path);
  const names = [".", "..", ...tree.names(directory.path, node)];
  return names.flatMap((name, i) => {
    const status = name === "." || name === ".." ? node.status : tree.entry(directory.path, name)?.status;
    if (status === undefined) return [];
    const bytes = new TextEncoder().encode(name);
    const length = Math.ceil((RECORD_HEADER + bytes.length + 1) / 8) * 8;
    const record = new Uint8Array(length);
    const view = new DataView(record.buffer);
    view.setBigUint64(0, status.ino, true);
    view.setBigInt64(8, BigInt(i + 1), true);
    view.setUint16(16, length, true);
    view.setUint8(18, kindOf(status) >> 12);
    record.set(bytes, RECORD_HEADER);
    return [record];
  });
}

function getcwd({ process }: CallContext, buffer: number, size: number): Result {
  const bytes = new TextEncoder().encode(`${process.directory}\0`);
  if (bytes.length > size) return fail("ERANGE");
  process.memory.write(buffer, bytes);
  return bytes.length;
}

function chdir(c: CallContext, path: string): Result {
  const location = existing(c, AT.FDCWD, path);
  if (!isDirectory(location.node.status)) return fail("ENOTDIR");
  if (location.node.made === undefined) c.kernel.tree.files.access(location.node.hostPath, X_OK);
  c.process.directory = location.path;
  return 0;
}

function fchdir({ process }: CallContext, fd: number): Result {
  const file = process.descriptors.get(fd);
  if (!isDirectory(file.status())) return fail("ENOTDIR");
  process.directory = file.path;
  return 0;
}

function mkdir(c: CallContext, fd: number, path: string, mode: number): Result {
  c.kernel.tree.files.makeDirectory(vacant(c, fd, path).hostPath, mode & 0o1777 & ~c.process.umask);
  return 0;
}

function unlink(c: CallContext, fd: number, path: string, flags: number): Result {
  const { node } = existing(c, fd, path, false);
  const isDir = isDirectory(node.status);
  const wantsDirectory = (flags & AT.REMOVEDIR) !== 0;
  if (wantsDirectory && !isDir) return fail("ENOTDIR");
  if (wantsDirectory && /(^|\/)\.\/*$/.test(path)) return fail("EINVAL");
  if (node.made !== undefined || !c.kernel.options.writable) return fail("EROFS");
  if (!wantsDirectory && isDir) return fail("EISDIR");
  if (wantsDirectory) c.kernel.tree.files.removeDirectory(node.hostPath);
  else c.kernel.tree.files.unlink(node.hostPath);
  return 0;
}

function rename(c: CallContext, fromFd: number, from: string, toFd: number, to: string, flags: number): Result {
  if ((flags & ~RENAME_NOREPLACE) !== 0) return fail("EINVAL");
  const source = existing(c, fromFd, from, false);
  const target = locate(c, toFd, to, false);
  if (target.node !== undefined && (flags & RENAME_NOREPLACE) !== 0) return fail("EEXIST");
  if (source.node.made !== undefined || target.hostPath === undefined || !c.kernel.options.writable) return fail("EROFS");
  c.kernel.tree.files.rename(source.node.hostPath, target.hostPath);
  return 0;
}

function link(c: CallContext, fromFd: number, from: string, toFd: number, to: string, flags: number): Result {
  const source = existing(c, fromFd, from, (flags & AT.SYMLINK_FOLLOW) !== 0);
  const target = vacant(c, toFd, to);
  if (source.node.made !== undefined) return fail("EXDEV");
  c.kernel.tree.files.link(source.node.hostPath, target.hostPath);
  return 0;
}

function symlink(c: CallContext, target: string, fd: number, path: string): Result {
  c.kernel.tree.files.symbolicLink(target, vacant(c, fd, path).hostPath);
  return 0;
}

function chmod(c: CallContext, fd: number, path: string, mode: number): Result {
  c.kernel.tree.files.changeMode(changeable(c, fd, path), mode & 0o7777);
  return 0;
}

function chown(c: CallContext, fd: number, path: string, uid: number, gid: number, flags: number): Result {
  if (path === "" && (flags & AT.EMPTY_PATH) !== 0) return chown(c, AT.FDCWD, c.process.descriptors.get(fd).path, uid, gid, 0);
  c.kernel.tree.files.changeOwner(changeable(c, fd, path, (flags & AT.SYMLINK_NOFOLLOW) === 0), uid, gid);
  return 0;
}

function truncate(c: CallContext, path: string, length: number): Result {
  if (length < 0) return fail("EINVAL");
  const { files } = c.kernel.tree;
  const handle = files.open(changeable(c, AT.FDCWD, path), 2, 0);
  files.truncate(handle, length);
  files.close(handle);
  return 0;
}

/** A time of struct timespec in seconds; `now` and `current` for its two special values. */
function timeAt({ kernel, process }: CallContext, address: number, current: bigint): number {
  const now = Number(kernel.clock.sinceEpoch()) / 1e9;
  if (address === 0) return now;
  const nanoseconds = process.memory.pointer(address + 8);
  if (nanoseconds === UTIME.NOW) return now;
  if (nanoseconds === UTIME.OMIT) return Number(current) / 1e9;
  return process.memory.i64(address) + nanoseconds / 1e9;
}

function utimensat(c: CallContext, fd: number, pathAddress: number, times: number, flags: number): Result {
  const path = pathAddress === 0 ? c.process.descriptors.get(fd).path : c.process.memory.path(pathAddress);
  const place = { fd: pathAddress === 0 ? AT.FDCWD : fd, follow: (flags & AT.SYMLINK_NOFOLLOW) === 0 };
  const { status } = existing(c, place.fd, path, place.follow).node;
  const hostPath = changeable(c, place.fd, path, place.follow);
  const modified = times === 0 ? 0 : times + 16;
  c.kernel.tree.files.setTimes(hostPath, timeAt(c, times, status.atimeNs), timeAt(c, modified, status.mtimeNs));
  return 0;
}

/** utime(2), utimes(2): two times of seconds, or of seconds and microseconds */
function setTimes(c: CallContext, fd: number, path: string, times: number, stride: 8 | 16): Result {
  const { memory } = c.process;
  const time = (i: number) => {
    if (times === 0) return Number(c.kernel.clock.sinceEpoch()) / 1e9;
    return memory.i64(times + i * stride) + (stride === 16 ? memory.i64(times + i * stride + 8) / 1e6 : 0);
  };
  c.kernel.tree.files.setTimes(changeable(c, fd, path), time(0), time(1));
  return 0;
}

export const directoryCalls = [
  row(76, "truncate", "path offset", truncate),
  row(79, "getcwd", "pointer size", getcwd),
  row(80, "chdir", "path", chdir),
  row(81, "fchdir", "fd", fchdir),
  row(82, "rename", "path path", (c, from, to) => rename(c, AT.FDCWD, from, AT.FDCWD, to, 0)),
  row(83, "mkdir", "path mode", (c, path, mode) => mkdir(c, AT.FDCWD, path, mode)),
  row(84, "rmdir", "path", (c, path) => unlink(c, AT.FDCWD, path, AT.REMOVEDIR)),
  row(86, "link", "path path", (c, from, to) => link(c, AT.FDCWD, from, AT.FDCWD, to, 0)),
  row(87, "unlink", "path", (c, path) => unlink(c, AT.FDCWD, path, 0)),
  row(88, "symlink", "path path", (c, target, path) => symlink(c, target, AT.FDCWD, path)),
  row(90, "chmod", "path mode", (c, path, mode) => chmod(c, AT.FDCWD, path, mode)),
  row(91, "fchmod", "fd mode", (c, fd, mode) => chmod(c, AT.FDCWD, c.process.descriptors.get(fd).path, mode)),
  row(92, "chown", "path int int", (c, path, uid, gid) => chown(c, AT.FDCWD, path, uid, gid, 0)),
  row(93, "fchown", "fd int int", (c, fd, uid, gid) => chown(c, fd, "", uid, gid, AT.EMPTY_PATH)),
  row(94, "lchown", "path int int", (c, path, uid, gid) => chown(c, AT.FDCWD, path, uid, gid, AT.SYMLINK_NOFOLLOW)),
  row(95, "umask", "mode", ({ process }, mode) => {
    const before = process.umask;
    process.umask = mode & 0o777;
    return before;
  }),
  row(132, "utime", "path pointer", (c, path, times) => setTimes(c, AT.FDCWD, path, times, 8)),
  row(217, "getdents64", "fd pointer size", getdents64),
  row(235, "utimes", "path pointer", (c, path, times) => setTimes(c, AT.FDCWD, path, times, 16)),
  row(258, "mkdirat", "fd path mode", mkdir),
  row(260, "fchownat", "fd path int int flags", chown),
  row(261, "futimesat", "fd path pointer", (c, fd, path, times) => setTimes(c, fd, path, times, 16)),
  row(263, "unlinkat", "fd path flags", unlink),
  row(264, "renameat", "fd path fd path", (c, a, from, b, to) => rename(c, a, from, b, to, 0)),
  row(265, "linkat", "fd path fd path flags", link),
  row(266, "symlinkat", "path fd path", symlink),
  row(268, "fchmodat", "fd path mode", chmod),
  row(280, "utimensat", "fd pointer pointer flags", utimensat),
  row(316, "renameat2", "fd path fd path flags", rename),
];
