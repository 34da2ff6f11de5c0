/**
 * ELF files as system images: 32- and 64-bit, loaded to their physical addresses. "Tool Interface Standard ELF Specification". What makes
 * a program for an operating system (interpreter, position independence) means nothing here.
 */
import { Reader } from "./bytes.ts";
import { DamagedError, hex, LoadError, TruncatedError, UnknownFormatError } from "./load-error.ts";
import type { Placement } from "./placement.ts";

export interface ImageSegment {
  readonly type: number;
  readonly offset: number;
  readonly virtual: number;
  readonly physical: number;
  readonly fileSize: number;
  readonly memorySize: number;
}

export interface ElfImage {
  readonly bits: 32 | 64;
  /** physical address of the entry */
  readonly entry: number;
  readonly segments: readonly ImageSegment[];
}

const PT_LOAD = 1;
const EM_386 = 3;
const EM_X86_64 = 62;
const ET_EXEC = 2;
const ET_DYN = 3;
const MAX_PROGRAM_HEADERS = 512;

/** Where the fields of the two classes stand: offset in the ELF header, then in a program header. */
const LAYOUT = {
  32: { entry: 24, phoff: 28, phentsize: 42, phnum: 44, size: 32, offset: 4, vaddr: 8, paddr: 12, filesz: 16, memsz: 20 },
  64: { entry: 24, phoff: 32, phentsize: 54, phnum: 56, size: 56, offset: 8, vaddr: 16, paddr: 24, filesz: 32, memsz: 40 },
} as const;

export function readElfImage(image: Uint8Array): ElfImage {
  const r = new Reader(image, "ELF header");
  const bits = classOf(r);
  const machine = r.u16(18);
  if (machine !== EM_X86_64 && machine !== EM_386) throw new UnknownFormatError(`an ELF file for machine ${machine}, not for x86`);
  const type = r.u16(16);
  if (type !== ET_EXEC && type !== ET_DYN)
    throw new UnknownFormatError(`an ELF file of type ${type}, which is no executable; link it first (an object file has type 1)`);
  const at = LAYOUT[bits];
  const word = (where: number) => (bits === 32 ? r.u32(where) : r.u64(where));
  const count = r.u16(at.phnum);
  if (r.u16(at.phentsize) !== at.size || count === 0 || count > MAX_PROGRAM_HEADERS)
    throw new DamagedError(`damaged: ${count} program headers of ${r.u16(at.phentsize)} bytes in an ELF file of ${bits} bits`);
  const table = word(at.phoff);
  const segments = Array.from({ length: count }, (_, i) => {
    const base = table + i * at.size;
    return {
      type: r.u32(base),
      offset: word(base + at.offset),
      virtual: word(base + at.vaddr),
      physical: word(base + at.paddr),
      fileSize: word(base + at.filesz),
      memorySize: word(base + at.memsz),
    };
  });
  for (const segment of segments) if (segment.type === PT_LOAD) checkSegment(segment, image.length);
  if (!segments.some((s) => s.type === PT_LOAD && s.memorySize > 0))
    throw new DamagedError("damaged: the ELF file has no loadable segment");
  return { bits, entry: physicalEntry(word(at.entry), segments), segments };
}

/** Copies the segments to their physical addresses and clears what is behind them. */
export function loadSegments(image: Uint8Array, elf: ElfImage, place: Placement): void {
  const loaded = elf.segments.filter((s) => s.type === PT_LOAD && s.memorySize > 0);
  for (const s of loaded) place.claim("the ELF segment", s.physical, s.memorySize);
  for (const s of loaded) {
    place.write(s.physical, image.subarray(s.offset, s.offset + s.fileSize));
    place.zero(s.physical + s.fileSize, s.memorySize - s.fileSize);
  }
  if (!loaded.some((s) => elf.entry >= s.physical && elf.entry < s.physical + s.memorySize))
    throw new DamagedError(`damaged: the entry ${hex(elf.entry)} of the ELF file is in none of its segments`);
}

export function isElf(image: Uint8Array): boolean {
  return image.length >= 4 && image[0] === 0x7f && image[1] === 0x45 && image[2] === 0x4c && image[3] === 0x46;
}

function classOf(r: Reader): 32 | 64 {
  const [bits, order] = [r.u8(4), r.u8(5)];
  if (order !== 1) throw new UnknownFormatError("a big-endian ELF file, not for x86");
  if (bits !== 1 && bits !== 2) throw new DamagedError(`damaged: the ELF file has class ${bits}`);
  return bits === 1 ? 32 : 64;
}

function checkSegment(s: ImageSegment, fileBytes: number): void {
  const what = `the segment for ${hex(s.physical)}`;
  if (s.offset + s.fileSize > fileBytes)
    throw new TruncatedError(`truncated: ${what} ends at byte ${s.offset + s.fileSize}, but the file has ${fileBytes}; is it complete?`);
  if (s.fileSize > s.memorySize) throw new DamagedError(`damaged: ${what} is larger in the file than in memory`);
  if (s.physical + s.memorySize > 2 ** 40)
    throw new LoadError(
      `${what} of ${s.memorySize} bytes is beyond all RAM a machine can have; set its physical address with the linker (AT, LMA)`,
    );
}

/** The header has a virtual address; images that run elsewhere than they are loaded say by their segments where that is. */
function physicalEntry(entry: number, segments: readonly ImageSegment[]): number {
  const s = segments.find((x) => x.type === PT_LOAD && entry >= x.virtual && entry < x.virtual + x.memorySize);
  return s === undefined ? entry : entry - s.virtual + s.physical;
}
