/** Memory: mmap(2), brk(2) and what changes mappings. */
import { fail } from "../errno.ts";
import { pageUp } from "../exec.ts";
import { PAGE } from "../frames.ts";
import { SharedPages } from "../page-cache.ts";
import { PROT, type Region } from "../regions.ts";
import { type CallContext, type Result, row } from "./row.ts";

const MAP = { SHARED: 1, PRIVATE: 2, TYPE: 15, FIXED: 0x10, ANONYMOUS: 0x20, FIXED_NOREPLACE: 0x10_0000 } as const;
const MREMAP = { MAYMOVE: 1, FIXED: 2, DONTUNMAP: 4 } as const;
const MADV = { DONTNEED: 4, FREE: 8, REMOVE: 9 } as const;
const USER_END = 2 ** 47 - PAGE;
const ALL = PROT.READ | PROT.WRITE | PROT.EXEC;

function mmap(c: CallContext, address: number, length: number, protection: number, flags: number, fd: number, offset: number): Result {
  const { kernel, process } = c;
  const { space } = process.memory;
  const size = pageUp(length);
  const type = flags & MAP.TYPE;
  if (length === 0 || offset % PAGE !== 0 || (type !== MAP.PRIVATE && type !== MAP.SHARED && type !== 3)) return fail("EINVAL");
  if (!(size < USER_END)) return fail("ENOMEM");
  const shared = type !== MAP.PRIVATE;
  const fixed = (flags & (MAP.FIXED | MAP.FIXED_NOREPLACE)) !== 0;
  if (fixed && (address % PAGE !== 0 || address + size > USER_END)) return fail(address % PAGE !== 0 ? "EINVAL" : "ENOMEM");
  if ((flags & MAP.FIXED_NOREPLACE) !== 0 && space.regions.within(address, address + size).length > 0) return fail("EEXIST");
  // an obvious overcommitment is refused as Linux does by default; PROT_NONE reservations cost nothing
  if ((flags & MAP.ANONYMOUS) !== 0 && (protection & PROT.WRITE) !== 0 && size > kernel.core.ramBytes) return fail("ENOMEM");
  const start = fixed ? address : placeNear(c, address, size);
  if (start === undefined) return fail("ENOMEM");
  const region: Region = { start, end: start + size, protection: protection & ALL, shared, page: 0 };
  if ((flags & MAP.ANONYMOUS) !== 0) space.map(shared ? { ...region, source: new SharedPages(kernel.frames) } : region);
  else {
    const file = process.descriptors.get(fd);
    if (!file.isReadable || (shared && (protection & PROT.WRITE) !== 0 && !file.isWritable)) return fail("EACCES");
    space.map({ ...region, source: file.pages(), page: offset / PAGE });
  }
  return start;
}

/** The hint if the range is free there. */
function placeNear({ process }: CallContext, hint: number, size: number): number | undefined {
  const { space } = process.memory;
  const start = pageUp(hint);
  const isFree = start >= 0x10000 && start + size <= USER_END && space.regions.within(start, start + size).length === 0;
  return hint !== 0 && isFree ? start : space.place(size);
}

function checkRange(address: number, length: number): number {
  if (address % PAGE !== 0) fail("EINVAL");
  const end = address + pageUp(length);
  return end > USER_END ? fail("ENOMEM") : end;
}

function munmap({ process }: CallContext, address: number, length: number): Result {
  const end = checkRange(address, length);
  if (length === 0 || end > USER_END) return fail("EINVAL");
  process.memory.space.unmap(address, end);
  return 0;
}

function mprotect({ process }: CallContext, address: number, length: number, protection: number): Result {
  const { space } = process.memory;
  const end = checkRange(address, length);
  if (length === 0) return 0;
  if (!space.regions.covers(address, end)) return fail("ENOMEM");
  space.protect(address, end, protection & ALL);
  return 0;
}

function mremap(c: CallContext, address: number, oldLength: number, newLength: number, flags: number, target: number): Result {
  const { process } = c;
  const { space } = process.memory;
  const [oldSize, newSize] = [pageUp(oldLength), pageUp(newLength)];
  if (address % PAGE !== 0 || newLength === 0 || (flags & MREMAP.DONTUNMAP) !== 0) return fail("EINVAL");
  const region = space.regions.find(address);
  if (region === undefined || !space.regions.covers(address, address + oldSize)) return fail("EFAULT");
  const extra = { ...region, page: region.page + (address + oldSize - region.start) / PAGE };
  if ((flags & MREMAP.FIXED) === 0) {
    if (newSize <= oldSize) {
      space.unmap(address + newSize, address + oldSize);
      return address;
    }
    if (space.regions.within(address + oldSize, address + newSize).length === 0 && address + newSize <= USER_END) {
      region.source?.retain();
      space.map({ ...extra, start: address + oldSize, end: address + newSize });
      return address;
    }
    if ((flags & MREMAP.MAYMOVE) === 0) return fail("ENOMEM");
  } else if (target % PAGE !== 0 || (flags & MREMAP.MAYMOVE) === 0) return fail("EINVAL");
  const to = (flags & MREMAP.FIXED) !== 0 ? target : space.place(newSize);
  if (to === undefined || newSize > c.kernel.core.ramBytes) return fail("ENOMEM");
  space.unmap(to, to + newSize);
  if (newSize < oldSize) space.unmap(address + newSize, address + oldSize);
  space.move(address, to, Math.min(oldSize, newSize));
  if (newSize > oldSize) {
    region.source?.retain();
    space.map({ ...extra, start: to + oldSize, end: to + newSize });
  }
  return to;
}

function brk({ kernel, process }: CallContext, address: number): Result {
  const { space } = process.memory;
  const { breakStart, breakEnd } = space;
  if (address < breakStart || address - breakStart > kernel.core.ramBytes) return breakEnd;
  const [from, to] = [pageUp(breakEnd), pageUp(address)];
  if (to > from) {
    if (space.regions.within(from, to).length > 0) return breakEnd;
    space.map({ start: from, end: to, protection: PROT.READ | PROT.WRITE, shared: false, page: 0, name: "[heap]" });
  } else space.unmap(to, from);
  space.breakEnd = address;
  return address;
}

function madvise({ process }: CallContext, address: number, length: number, advice: number): Result {
  const { space } = process.memory;
  const end = checkRange(address, length);
  if (advice === MADV.REMOVE) return fail("EOPNOTSUPP");
  if (advice === MADV.DONTNEED) space.discard(address, end);
  return space.regions.covers(address, end) ? 0 : fail("ENOMEM");
}

function msync({ process }: CallContext, address: number, length: number): Result {
  const { space } = process.memory;
  const end = checkRange(address, length);
  if (!space.regions.covers(address, end)) return fail("ENOMEM");
  space.sync(address, end);
  return 0;
}

function mincore({ process }: CallContext, address: number, length: number, vector: number): Result {
  const { space } = process.memory;
  const end = checkRange(address, length);
  if (!space.regions.covers(address, end)) return fail("ENOMEM");
  const present = Array.from({ length: (end - address) / PAGE }, (_, i) => (space.table.frame(address + i * PAGE) === 0 ? 0 : 1));
  process.memory.write(vector, Uint8Array.from(present));
  return 0;
}

export const memoryCalls = [
  row(9, "mmap", "pointer size flags flags fd offset", mmap),
  row(10, "mprotect", "pointer size flags", mprotect),
  row(11, "munmap", "pointer size", munmap),
  row(12, "brk", "pointer", brk),
  row(25, "mremap", "pointer size size flags pointer", mremap),
  row(26, "msync", "pointer size flags", msync),
  row(27, "mincore", "pointer size pointer", mincore),
  row(28, "madvise", "pointer size int", madvise),
  row(149, "mlock", "pointer size", () => 0),
  row(150, "munlock", "pointer size", () => 0),
  row(151, "mlockall", "flags", () => 0),
  row(152, "munlockall", "", () => 0),
  row(325, "mlock2", "pointer size flags", () => 0),
];
