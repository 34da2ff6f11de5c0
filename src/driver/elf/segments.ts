/**
 * Program headers: what of the file goes where in the image. Segments stand in ascending order and do not overlap; a page is not both
 * writable and executable. "Tool Interface Standard ELF Specification", program header.
 */
import { PF, PT } from "../../boot/elf.ts";
import { MAX_SEGMENTS } from "../../vmm/constants.ts";
import { ERROR_CODE } from "../../vmm/error-codes.ts";
import { type Extent, type FileBytes, hex } from "./file-bytes.ts";
import type { Header } from "./header.ts";

const PT_DYNAMIC = 2;
const PT_GNU_RELRO = 0x6474e552;
const ENTRY = 56;
const PAGE = 4096n;
/** far above any memory pool: offsets in an image are plain numbers */
const MAX_IMAGE = 1n << 32n;

/** One step of loading: copy bytes of the file to a place of the image. */
export interface LoadInstruction {
  /** PF.X, PF.W, PF.R */
  readonly permissions: number;
  readonly memoryOffset: number;
  readonly fileOffset: number;
  readonly memorySize: number;
  readonly fileSize: number;
  readonly virtualAddress: bigint;
}

export interface Segments {
  readonly loads: readonly LoadInstruction[];
  /** linked address of the first byte of the image; 0 of position-independent files */
  readonly start: bigint;
  readonly totalSize: number;
  readonly dynamic?: Extent;
  readonly stackPermissions: number;
  readonly relro?: { readonly address: bigint; readonly size: bigint };
}

export interface SegmentOptions {
  /** take modules with segments, or pages, that are writable and executable */
  readonly allowWritableCode?: boolean;
}

interface ProgramHeader {
  readonly permissions: number;
  readonly offset: bigint;
  readonly address: bigint;
  readonly fileSize: bigint;
  readonly memorySize: bigint;
}

export function parseSegments(file: FileBytes, header: Header, options: SegmentOptions): Segments {
  const loads: ProgramHeader[] = [];
  const found: { dynamic?: Extent; relro?: { address: bigint; size: bigint } } = {};
  let stackPermissions = PF.R | PF.W;
  for (let i = 0; i < header.programHeaders.size / ENTRY; i++) {
    const at = header.programHeaders.offset + i * ENTRY;
    const type = file.u32(at);
    const segment = programHeaderAt(file, at);
    if (type === PT.LOAD && segment.memorySize > 0n) loads.push(checked(file, segment));
    else if (type === PT_DYNAMIC) found.dynamic = file.extent(segment.offset, segment.fileSize, "the dynamic section");
    else if (type === PT.GNU_STACK) stackPermissions = segment.permissions;
    else if (type === PT_GNU_RELRO) found.relro = { address: segment.address, size: segment.memorySize };
  }
  if (loads.length === 0) file.fail(ERROR_CODE.BFELF_ERROR_INVALID_SEGMENT, "has no segment to load");
  if (loads.length > MAX_SEGMENTS) {
    const advice = "ld -z noseparate-code makes fewer";
    file.fail(ERROR_CODE.BFELF_ERROR_LOADER_FULL, `has ${loads.length} segments to load; ${MAX_SEGMENTS} are possible (${advice})`);
  }
  const start = loads[0].address;
  const last = loads[loads.length - 1];
  const totalSize = last.address + last.memorySize - start;
  checkOrder(file, loads);
  if (totalSize > MAX_IMAGE) file.fail(ERROR_CODE.BFELF_ERROR_INVALID_SEGMENT, `an image of ${hex(totalSize)} bytes is too large`);
  if (options.allowWritableCode !== true) checkWritableCode(file, loads);
  return { loads: loads.map((segment) => instruction(segment, start)), start, totalSize: Number(totalSize), stackPermissions, ...found };
}

function programHeaderAt(file: FileBytes, at: number): ProgramHeader {
  return {
    permissions: file.u32(at + 4),
    offset: file.u64(at + 8),
    address: file.u64(at + 16),
    fileSize: file.u64(at + 32),
    memorySize: file.u64(at + 40),
  };
}

function checked(file: FileBytes, segment: ProgramHeader): ProgramHeader {
  const INVALID_SEGMENT = ERROR_CODE.BFELF_ERROR_INVALID_SEGMENT;
  const where = `the segment at ${hex(segment.address)}`;
  if (segment.fileSize > segment.memorySize) file.fail(INVALID_SEGMENT, `${where} is larger in the file than in memory`);
  if (segment.address + segment.memorySize > 1n << 64n) file.fail(INVALID_SEGMENT, `${where} goes beyond the address space`);
  file.extent(segment.offset, segment.fileSize, where, INVALID_SEGMENT);
  return segment;
}

function checkOrder(file: FileBytes, loads: readonly ProgramHeader[]): void {
  loads.forEach((segment, i) => {
    if (i === 0) return;
    const end = loads[i - 1].address + loads[i - 1].memorySize;
    if (segment.address >= end) return;
    const problem = segment.address >= loads[i - 1].address ? "overlaps" : "stands below";
    const others = `the one before it, ${hex(loads[i - 1].address)} to ${hex(end)}`;
    file.fail(ERROR_CODE.BFELF_ERROR_INVALID_SEGMENT, `the segment at ${hex(segment.address)} ${problem} ${others}`);
  });
}

/** What may be written must not run: neither a segment, nor a page that two of them share. */
function checkWritableCode(file: FileBytes, loads: readonly ProgramHeader[]): void {
  const both = loads.find(({ permissions }) => (permissions & PF.W) !== 0 && (permissions & PF.X) !== 0);
  const advice = "link with -z separate-code and without -z execstack, -N";
  if (both !== undefined) {
    file.fail(ERROR_CODE.BFELF_ERROR_INVALID_SEGMENT, `the segment at ${hex(both.address)} is writable and executable: ${advice}`);
  }
  loads.forEach(({ address, permissions }, i) => {
    if (i === 0) return;
    const before = loads[i - 1];
    const shared = (before.address + before.memorySize - 1n) / PAGE === address / PAGE;
    const rights = before.permissions | permissions;
    if (!shared || (rights & PF.W) === 0 || (rights & PF.X) === 0) return;
    const page = hex((address / PAGE) * PAGE);
    file.fail(ERROR_CODE.BFELF_ERROR_INVALID_SEGMENT, `the page at ${page} holds writable data and code: ${advice}`);
  });
}

function instruction(segment: ProgramHeader, start: bigint): LoadInstruction {
  return {
    permissions: segment.permissions,
    memoryOffset: Number(segment.address - start),
    fileOffset: Number(segment.offset),
    memorySize: Number(segment.memorySize),
    fileSize: Number(segment.fileSize),
    virtualAddress: segment.address,
  };
}
