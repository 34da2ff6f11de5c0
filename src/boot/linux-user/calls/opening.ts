/** open(2), and the descriptors it gives: dup(2), fcntl(2), pipe(2), close(2). */

import { MAX_DESCRIPTORS } from "../descriptors.ts";
import { EventFile, MemoryFile } from "../device-files.ts";
import { fail } from "../errno.ts";
import { isDirectory, isLink, kindOf, S_IF } from "../file-status.ts";
import { DirectoryFile, HostFile, PathFile } from "../host-file.ts";
import { O, type OpenFile } from "../open-file.ts";
import { makePipe } from "../pipe.ts";
import type { Location } from "../tree.ts";
import { AT, locate } from "./places.ts";
import { type CallContext, type Result, row } from "./row.ts";

const F = {
  DUPFD: 0,
  GETFD: 1,
  SETFD: 2,
  GETFL: 3,
  SETFL: 4,
  GETLK: 5,
  SETLK: 6,
  SETLKW: 7,
  SETOWN: 8,
  GETOWN: 9,
  DUPFD_CLOEXEC: 1030,
  SETPIPE_SZ: 1031,
  GETPIPE_SZ: 1032,
};
const FD_CLOEXEC = 1;
const R_OK = 4;
/** flags that F_SETFL changes */
const SETTABLE = O.APPEND | O.NONBLOCK | O.DIRECT | O.NOATIME;
const F_UNLCK = 2;
const PIPE_CAPACITY = 65536;
const MFD_CLOEXEC = 1;
const EFD_SEMAPHORE = 1;
const CLOSE_RANGE_CLOEXEC = 4;

function openat(c: CallContext, fd: number, path: string, flags: number, mode: number): Result {
  if ((flags & O.TMPFILE) === O.TMPFILE) return fail("EOPNOTSUPP");
  const follow = (flags & O.NOFOLLOW) === 0 && (flags & (O.CREAT | O.EXCL)) !== (O.CREAT | O.EXCL);
  const location = locate(c, fd, path, follow);
  const file =
    location.node === undefined ? create(c, location, flags, mode) : openExisting(c, { ...location, node: location.node }, flags);
  return c.process.descriptors.add(file, (flags & O.CLOEXEC) !== 0);
}

function create({ kernel, process }: CallContext, location: Location, flags: number, mode: number): OpenFile {
  if ((flags & O.CREAT) === 0) return fail("ENOENT");
  if (location.mustBeDirectory) return fail("EISDIR");
  if (location.hostPath === undefined || !kernel.options.writable) return fail("EROFS");
  const handle = kernel.tree.files.open(
    location.hostPath,
    (flags & (O.ACCMODE | O.TRUNC)) | O.CREAT | O.EXCL,
    mode & 0o7777 & ~process.umask,
  );
  return new HostFile(kernel.tree.files, handle, location.path, flags, kernel.cache);
}

function openExisting(
  { kernel }: CallContext,
  { node, path }: Location & { node: NonNullable<Location["node"]> },
  flags: number,
): OpenFile {
  if ((flags & (O.CREAT | O.EXCL)) === (O.CREAT | O.EXCL)) return fail("EEXIST");
  const isDir = isDirectory(node.status);
  if ((flags & O.DIRECTORY) !== 0 && !isDir) return fail("ENOTDIR");
  if ((flags & O.PATH) !== 0) return isDir ? new DirectoryFile(path, node.status, flags) : new PathFile(path, node.status, flags);
  if (isLink(node.status)) return fail("ELOOP");
  const writes = (flags & O.ACCMODE) !== O.RDONLY || (flags & O.TRUNC) !== 0;
  if (isDir) {
    if (writes || (flags & O.CREAT) !== 0) return fail("EISDIR");
    if (node.made === undefined) kernel.tree.files.access(node.hostPath, R_OK);
    return new DirectoryFile(path, node.status, flags);
  }
  if (node.made !== undefined) return node.made.open?.(path, flags) ?? fail("EACCES");
  if (kindOf(node.status) !== S_IF.REG) return fail("ENXIO");
  if (writes && !kernel.options.writable) return fail("EROFS");
  const handle = kernel.tree.files.open(node.hostPath, flags & (O.ACCMODE | O.TRUNC), 0);
  return new HostFile(kernel.tree.files, handle, path, flags, kernel.cache);
}

/** openat2(2): struct open_how has flags, mode and resolve. */
function openat2(c: CallContext, fd: number, path: string, how: number, size: number): Result {
  if (size < 24) return fail("EINVAL");
  const { memory } = c.process;
  if (memory.u64(how + 16) !== 0n) return fail("EINVAL");
  return openat(c, fd, path, Number(memory.u64(how) & 0xffff_ffffn), Number(memory.u64(how + 8)));
}

function duplicate({ process }: CallContext, fd: number, from: number, closeOnExec: boolean): Result {
  const file = process.descriptors.get(fd);
  if (from < 0 || from >= MAX_DESCRIPTORS) return fail("EINVAL");
  file.retain();
  return process.descriptors.add(file, closeOnExec, from);
}

function dup2({ process }: CallContext, from: number, to: number): Result {
  const file = process.descriptors.get(from);
  if (from === to) return to;
  return replace(process, file, to, false);
}

function dup3({ process }: CallContext, from: number, to: number, flags: number): Result {
  if (from === to || (flags & ~O.CLOEXEC) !== 0) return fail("EINVAL");
  return replace(process, process.descriptors.get(from), to, (flags & O.CLOEXEC) !== 0);
}

function replace(process: CallContext["process"], file: OpenFile, to: number, closeOnExec: boolean): Result {
  if (to < 0 || to >= MAX_DESCRIPTORS) return fail("EBADF");
  file.retain();
  process.descriptors.set(to, file, closeOnExec);
  return to;
}

function fcntl(c: CallContext, fd: number, command: number, argument: number): Result {
  const { descriptors, memory, group } = c.process;
  const file = descriptors.get(fd);
  switch (command) {
    case F.DUPFD:
    case F.DUPFD_CLOEXEC:
      return duplicate(c, fd, argument, command === F.DUPFD_CLOEXEC);
    case F.GETFD:
      return descriptors.closesOnExec(fd) ? FD_CLOEXEC : 0;
    case F.SETFD:
      descriptors.setCloseOnExec(fd, (argument & FD_CLOEXEC) !== 0);
      return 0;
    case F.GETFL:
      return file.flags | O.LARGEFILE;
    case F.SETFL:
      file.flags = (file.flags & ~SETTABLE) | (argument & SETTABLE);
      return 0;
    case F.GETLK:
      // nobody else holds a lock: processes of one run trust each other
      memory.write(argument, Uint8Array.of(F_UNLCK, 0));
      return 0;
    case F.SETLK:
    case F.SETLKW:
    case F.SETOWN:
      return 0;
    case F.GETOWN:
      return group;
    case F.GETPIPE_SZ:
    case F.SETPIPE_SZ:
      return PIPE_CAPACITY;
    default:
      return fail("EINVAL");
  }
}

function pipe2({ kernel, process }: CallContext, address: number, flags: number): Result {
  const { reader, writer } = makePipe(kernel.newInode(), flags & O.NONBLOCK);
  const closeOnExec = (flags & O.CLOEXEC) !== 0;
  const ends = [process.descriptors.add(reader, closeOnExec), process.descriptors.add(writer, closeOnExec)];
  process.memory.setU32(address, ends[0]);
  process.memory.setU32(address + 4, ends[1]);
  return 0;
}

function closeRange({ process }: CallContext, first: number, last: number, flags: number): Result {
  for (const fd of process.descriptors.numbers())
    if (fd >= first && fd <= last) {
      if ((flags & CLOSE_RANGE_CLOEXEC) !== 0) process.descriptors.setCloseOnExec(fd, true);
      else process.descriptors.close(fd);
    }
  return 0;
}

function memfdCreate({ kernel, process }: CallContext, name: string, flags: number): Result {
  const file = new MemoryFile(name, kernel.newInode(), O.RDWR, kernel.cache);
  return process.descriptors.add(file, (flags & MFD_CLOEXEC) !== 0);
}

function eventfd2({ process }: CallContext, count: number, flags: number): Result {
  const file = new EventFile(count, O.RDWR | (flags & O.NONBLOCK), (flags & EFD_SEMAPHORE) !== 0);
  return process.descriptors.add(file, (flags & O.CLOEXEC) !== 0);
}

export const openingCalls = [
  row(2, "open", "path flags mode", (c, path, flags, mode) => openat(c, AT.FDCWD, path, flags, mode)),
  row(3, "close", "fd", ({ process }, fd) => {
    process.descriptors.close(fd);
    return 0;
  }),
  row(22, "pipe", "pointer", (c, address) => pipe2(c, address, 0)),
  row(32, "dup", "fd", (c, fd) => duplicate(c, fd, 0, false)),
  row(33, "dup2", "fd fd", dup2),
  row(72, "fcntl", "fd int pointer", fcntl),
  row(73, "flock", "fd int", ({ process }, fd) => (process.descriptors.has(fd) ? 0 : fail("EBADF"))),
  row(85, "creat", "path mode", (c, path, mode) => openat(c, AT.FDCWD, path, O.WRONLY | O.CREAT | O.TRUNC, mode)),
  row(257, "openat", "fd path flags mode", openat),
  row(284, "eventfd", "uint", (c, count) => eventfd2(c, count, 0)),
  row(290, "eventfd2", "uint flags", eventfd2),
  row(292, "dup3", "fd fd flags", dup3),
  row(293, "pipe2", "pointer flags", pipe2),
  row(319, "memfd_create", "path flags", memfdCreate),
  row(436, "close_range", "uint uint flags", closeRange),
  row(437, "openat2", "fd path pointer size", openat2),
];
