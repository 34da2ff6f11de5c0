/**
 * ELF64 for x86-64: the header and the program headers, checked. "Tool Interface Standard ELF Specification" and the psABI's
 * "Object Files"; sections are not read. Every refusal says what is wrong with the file, since it ends up on a terminal.
 */
export const PT = { LOAD: 1, INTERP: 3, PHDR: 6, GNU_STACK: 0x6474e551 } as const;
export const PF = { X: 1, W: 2, R: 4 } as const;

export interface Segment {
  readonly type: number;
  readonly flags: number;
  readonly offset: number;
  readonly address: number;
  readonly fileSize: number;
  readonly memorySize: number;
  readonly align: number;
}

export interface Elf {
  /** ET_DYN: position independent */
  readonly relocatable: boolean;
  readonly entry: number;
  readonly headersOffset: number;
  readonly headerCount: number;
  readonly segments: readonly Segment[];
  /** path in PT_INTERP, of the dynamic loader */
  readonly interpreter?: string;
}

/** Reads up to `length` bytes; fewer where the file ends. */
export type ReadAt = (offset: number, length: number) => Uint8Array;

export class ElfError extends Error {}

const HEADER_SIZE = 64;
const PROGRAM_HEADER_SIZE = 56;
const MAX_PROGRAM_HEADERS = 512;
const ET = ["none", "a relocatable object (.o): link it first", "EXEC", "DYN", "a core dump"] as const;
const EM_X86_64 = 62;
const MACHINES: Readonly<Record<number, string>> = {
  2: "SPARC",
  3: "32-bit x86",
  8: "MIPS",
  20: "PowerPC",
  21: "64-bit PowerPC",
  22: "S/390",
  40: "32-bit ARM",
  43: "64-bit SPARC",
  183: "AArch64",
  243: "RISC-V",
  258: "LoongArch",
};
/** user addresses end here */
const MAX_ADDRESS = 2 ** 47;

export function isElf(head: Uint8Array): boolean {
  return head.length >= 4 && head[0] === 0x7f && head[1] === 0x45 && head[2] === 0x4c && head[3] === 0x46;
}

export function machineName(machine: number): string {
  return MACHINES[machine] ?? `machine ${machine}`;
}

export function parseElf(read: ReadAt, size: number): Elf {
  const head = read(0, HEADER_SIZE);
  if (head.length === 0) throw new ElfError("the file is empty");
  if (!isElf(head)) throw new ElfError("not an ELF file");
  if (head.length < HEADER_SIZE) throw new ElfError(`truncated: ${head.length} bytes, but an ELF header has ${HEADER_SIZE}`);
  const view = viewOf(head);
  const machine = view.getUint16(18, head[5] !== 2);
  if (machine !== EM_X86_64) throw new ElfError(`made for ${machineName(machine)}, not for x86-64`);
  if (head[4] !== 2) throw new ElfError("a 32-bit ELF file (x32); only 64-bit x86-64 programs run");
  if (head[5] !== 1) throw new ElfError("big-endian");
  const type = view.getUint16(16, true);
  if (type !== 2 && type !== 3) throw new ElfError(`not a program but ${ET[type] ?? `ELF type ${type}`}`);
  const headersOffset = Number(view.getBigUint64(32, true));
  const headerSize = view.getUint16(54, true);
  const headerCount = view.getUint16(56, true);
  if (headerSize !== PROGRAM_HEADER_SIZE || headerCount === 0 || headerCount > MAX_PROGRAM_HEADERS)
    throw new ElfError(`damaged: ${headerCount} program headers of ${headerSize} bytes`);
  const table = read(headersOffset, headerCount * PROGRAM_HEADER_SIZE);
  if (table.length < headerCount * PROGRAM_HEADER_SIZE) throw new ElfError("truncated: the program headers are not in the file");
  const segments = Array.from({ length: headerCount }, (_, i) => segmentAt(viewOf(table), i * PROGRAM_HEADER_SIZE));
  for (const segment of segments) if (segment.type === PT.LOAD) checkSegment(segment, size);
  if (!segments.some((s) => s.type === PT.LOAD)) throw new ElfError("has no loadable segment");
  const elf = { relocatable: type === 3, entry: Number(view.getBigUint64(24, true)), headersOffset, headerCount, segments };
  const interp = segments.find((s) => s.type === PT.INTERP);
  return interp === undefined ? elf : { ...elf, interpreter: interpreterPath(read, interp) };
}

function segmentAt(view: DataView, at: number): Segment {
  const number = (offset: number) => Number(view.getBigUint64(at + offset, true));
  return {
    type: view.getUint32(at, true),
    flags: view.getUint32(at + 4, true),
    offset: number(8),
    address: number(16),
    fileSize: number(32),
    memorySize: number(40),
    align: number(48),
  };
}

function checkSegment(s: Segment, size: number): void {
  const where = `segment at 0x${s.address.toString(16)}`;
  if (s.offset + s.fileSize > size)
    throw new ElfError(`truncated: the ${where} ends at byte ${s.offset + s.fileSize}, the file at ${size}`);
  if (s.fileSize > s.memorySize) throw new ElfError(`damaged: the ${where} is larger in the file than in memory`);
  if (s.address + s.memorySize > MAX_ADDRESS) throw new ElfError(`damaged: the ${where} is outside of user space`);
  if ((s.offset - s.address) % 4096 !== 0)
    throw new ElfError(`damaged: the ${where} does not start at the same place of a page as in the file`);
}

function interpreterPath(read: ReadAt, { offset, fileSize }: Segment): string {
  const bytes = read(offset, Math.min(fileSize, 4096));
  const end = bytes.indexOf(0);
  if (end < 0) throw new ElfError("damaged: the path of the dynamic loader has no end");
  return new TextDecoder().decode(bytes.subarray(0, end));
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
