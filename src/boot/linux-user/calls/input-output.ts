/** Reading and writing: read(2) and its relatives on anything that is open. */
import { ERRNO, fail, SystemCallError } from "../errno.ts";
import { AGAIN, type OpenFile, SEEK } from "../open-file.ts";
import type { Process } from "../process.ts";
import { SI, SIG } from "../signals.ts";
import { concatenate } from "../user-memory.ts";
import { type CallContext, type Result, row } from "./row.ts";

/** largest single transfer through our own buffer */
const CHUNK = 1 << 20;
const MAX_VECTORS = 1024;
/** as much as one call moves, include/linux/fs.h MAX_RW_COUNT */
const MAX_COUNT = 0x7fff_f000;

interface Piece {
  readonly address: number;
  readonly length: number;
}

function readable(process: Process, fd: number): OpenFile {
  const file = process.descriptors.get(fd);
  return file.isReadable ? file : fail("EBADF");
}

function writable(process: Process, fd: number): OpenFile {
  const file = process.descriptors.get(fd);
  return file.isWritable ? file : fail("EBADF");
}

/** `at`: file offset, or -1 for the file's position. */
function readPieces(process: Process, file: OpenFile, pieces: readonly Piece[], at: number): Result {
  let done = 0;
  for (const { address, length } of pieces) {
    for (let inPiece = 0; inPiece < length; ) {
      const want = Math.min(length - inPiece, CHUNK);
      const room = process.memory.writable(address + inPiece, want);
      const buffer = new Uint8Array(room);
      const count = at < 0 ? file.read(buffer) : file.readAt(at + done, buffer);
      if (count === AGAIN) return done > 0 ? done : file.blocks ? { forInput: file.input !== undefined } : AGAIN;
      process.memory.write(address + inPiece, buffer.subarray(0, count));
      done += count;
      inPiece += count;
      if (count < want) return done;
    }
  }
  return done;
}

function read({ process }: CallContext, fd: number, buffer: number, count: number): Result {
  return readPieces(process, readable(process, fd), [{ address: buffer, length: Math.min(count, MAX_COUNT) }], -1);
}

function pread({ process }: CallContext, fd: number, buffer: number, count: number, offset: number): Result {
  if (offset < 0) return fail("EINVAL");
  return readPieces(process, readable(process, fd), [{ address: buffer, length: Math.min(count, MAX_COUNT) }], offset);
}

/** Writes all of it; what a full pipe does not take yet is tried again later. `done` bytes went out in earlier attempts. */
function writeAll(c: CallContext, file: OpenFile, bytes: Uint8Array): Result {
  let done = c.waited?.progress ?? 0;
  do {
    const count = writeSome(c, file, bytes.subarray(done));
    if (count < 0 && count !== AGAIN) return done > 0 ? done : count;
    if (count === AGAIN) {
      if (file.blocks) return { progress: done };
      return done > 0 ? done : AGAIN;
    }
    done += count;
  } while (done < bytes.length);
  return done;
}

function writeSome({ kernel, process }: CallContext, file: OpenFile, bytes: Uint8Array): number {
  try {
    return file.write(bytes);
  } catch (error) {
    if (!(error instanceof SystemCallError)) throw error;
    if (error.errno === ERRNO.EPIPE) kernel.send(process, { signo: SIG.PIPE, code: SI.USER, pid: process.pid });
    return -error.errno;
  }
}

function write(c: CallContext, fd: number, buffer: number, count: number): Result {
  const file = writable(c.process, fd);
  let done = 0;
  const length = Math.min(count, MAX_COUNT);
  if (length <= CHUNK || c.waited !== undefined) return writeAll(c, file, c.process.memory.read(buffer, length));
  while (done < length) {
    const bytes = c.process.memory.read(buffer + done, Math.min(CHUNK, length - done));
    const result = writeAll(c, file, bytes);
    if (typeof result === "object") return { ...result, progress: done + (result.progress ?? 0) };
    if (typeof result === "number" && result < 0) return done > 0 ? done : result;
    done += bytes.length;
  }
  return done;
}

function pwrite({ process }: CallContext, fd: number, buffer: number, count: number, offset: number): Result {
  if (offset < 0) return fail("EINVAL");
  return writable(process, fd).writeAt(offset, process.memory.read(buffer, Math.min(count, MAX_COUNT)));
}

function vector(process: Process, address: number, count: number): Piece[] {
  if (count < 0 || count > MAX_VECTORS) fail("EINVAL");
  return Array.from({ length: count }, (_, i) => ({
    address: process.memory.pointer(address + i * 16),
    length: process.memory.pointer(address + i * 16 + 8),
  }));
}

function gather(process: Process, address: number, count: number): Uint8Array {
  return concatenate(vector(process, address, count).map((piece) => process.memory.read(piece.address, piece.length)));
}

function readv({ process }: CallContext, fd: number, address: number, count: number): Result {
  return readPieces(process, readable(process, fd), vector(process, address, count), -1);
}

function preadv({ process }: CallContext, fd: number, address: number, count: number, offset: number): Result {
  return readPieces(process, readable(process, fd), vector(process, address, count), offset);
}

function writev(c: CallContext, fd: number, address: number, count: number): Result {
  return writeAll(c, writable(c.process, fd), gather(c.process, address, count));
}

function pwritev({ process }: CallContext, fd: number, address: number, count: number, offset: number): Result {
  return writable(process, fd).writeAt(offset, gather(process, address, count));
}

function lseek({ process }: CallContext, fd: number, offset: number, whence: number): Result {
  return process.descriptors.get(fd).seek(offset, whence);
}

/** Copies from file to file; at most one chunk at a time, as the callers repeat it. */
function copy(c: CallContext, from: OpenFile, fromAt: number, to: OpenFile, toAt: number, count: number): Result {
  if (!isSeekable(from)) return fail("EINVAL");
  const buffer = new Uint8Array(Math.min(count, CHUNK));
  const position = from.position;
  const length = fromAt < 0 ? from.read(buffer) : from.readAt(fromAt, buffer);
  const result = toAt < 0 ? writeSome(c, to, buffer.subarray(0, length)) : to.writeAt(toAt, buffer.subarray(0, length));
  // what a full pipe did not take is read again by the next attempt
  if (fromAt < 0 && result < length) from.position = position + Math.max(0, result);
  if (result === AGAIN) return to.blocks ? {} : AGAIN;
  return result;
}

function isSeekable(file: OpenFile): boolean {
  try {
    file.seek(0, SEEK.CUR);
    return true;
  } catch {
    return false;
  }
}

function sendfile(c: CallContext, out: number, input: number, offset: number, count: number): Result {
  const { process } = c;
  const from = readable(process, input);
  if (offset === 0) return copy(c, from, -1, writable(process, out), -1, count);
  const at = process.memory.i64(offset);
  const result = copy(c, from, at, writable(process, out), -1, count);
  if (typeof result === "number" && result > 0) process.memory.setU64(offset, at + result);
  return result;
}

function copyFileRange(
  c: CallContext,
  input: number,
  inOffset: number,
  output: number,
  outOffset: number,
  count: number,
  flags: number,
): Result {
  const { process } = c;
  if (flags !== 0) return fail("EINVAL");
  const [from, to] = [readable(process, input), writable(process, output)];
  const fromAt = inOffset === 0 ? -1 : process.memory.i64(inOffset);
  const toAt = outOffset === 0 ? -1 : process.memory.i64(outOffset);
  const result = copy(c, from, fromAt, to, toAt, count);
  if (typeof result !== "number" || result <= 0) return result;
  if (inOffset !== 0) process.memory.setU64(inOffset, fromAt + result);
  if (outOffset !== 0) process.memory.setU64(outOffset, toAt + result);
  return result;
}

function ftruncate({ process }: CallContext, fd: number, length: number): Result {
  if (length < 0) return fail("EINVAL");
  const file = process.descriptors.get(fd);
  if (!file.isWritable) return fail("EINVAL");
  file.truncate(length);
  return 0;
}

/** fallocate(2): only growing; there are no holes to punch. */
function fallocate({ process }: CallContext, fd: number, mode: number, offset: number, length: number): Result {
  const file = writable(process, fd);
  if (offset < 0 || length <= 0) return fail("EINVAL");
  if (mode !== 0) return fail("EOPNOTSUPP");
  if (offset + length > Number(file.status().size)) file.truncate(offset + length);
  return 0;
}

function sync({ process }: CallContext, fd: number): Result {
  process.descriptors.get(fd).sync();
  return 0;
}

export const inputOutputCalls = [
  row(0, "read", "fd pointer size", read),
  row(1, "write", "fd data size", write),
  row(8, "lseek", "fd offset int", lseek),
  row(17, "pread64", "fd pointer size offset", pread),
  row(18, "pwrite64", "fd data size offset", pwrite),
  row(19, "readv", "fd pointer int", readv),
  row(20, "writev", "fd pointer int", writev),
  row(40, "sendfile", "fd fd pointer size", sendfile),
  row(74, "fsync", "fd", sync),
  row(75, "fdatasync", "fd", sync),
  row(77, "ftruncate", "fd offset", ftruncate),
  row(162, "sync", "", () => 0),
  row(187, "readahead", "fd offset size", () => 0),
  row(221, "fadvise64", "fd offset size int", ({ process }, fd) => (process.descriptors.has(fd) ? 0 : fail("EBADF"))),
  row(277, "sync_file_range", "fd offset offset flags", sync),
  row(285, "fallocate", "fd int offset offset", fallocate),
  row(295, "preadv", "fd pointer int offset", preadv),
  row(296, "pwritev", "fd pointer int offset", pwritev),
  row(306, "syncfs", "fd", sync),
  row(326, "copy_file_range", "fd pointer fd pointer size flags", copyFileRange),
];
