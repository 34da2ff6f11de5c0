/**
 * Sections: the image does not need them, but some things are found only by a section's name: the unwind tables, constructors of old
 * compilers, the full symbol table. A file may have none. "Tool Interface Standard ELF Specification", sections.
 */
import { ERROR_CODE } from "../../vmm/error-codes.ts";
import { type Extent, type FileBytes, hex } from "./file-bytes.ts";
import type { Header } from "./header.ts";

const ENTRY = 64;
const SHT_NOBITS = 8;
const SHF_ALLOC = 2n;
const SHF_EXECINSTR = 4n;
const MAX_ALIGNMENT = 4096n;

export interface Section {
  readonly name: string;
  readonly type: number;
  readonly address: bigint;
  readonly size: bigint;
  /** holds instructions */
  readonly code: boolean;
  /** in the file; of no bytes for a section that has none there */
  readonly extent: Extent;
  /** index of a section that belongs to it */
  readonly link: number;
}

export function parseSections(file: FileBytes, header: Header): readonly Section[] {
  const { offset, size } = header.sectionHeaders;
  const count = size / ENTRY;
  if (count === 0) return [];
  const at = (index: number) => offset + index * ENTRY;
  if (header.sectionNames >= count) {
    file.fail(ERROR_CODE.BFELF_ERROR_INVALID_FILE, `section ${header.sectionNames} has the sections' names, but there are ${count}`);
  }
  const names = extentAt(file, at(header.sectionNames), "the section with the sections' names");
  return Array.from({ length: count }, (_, i) => sectionAt(file, at(i), names, i, count));
}

function sectionAt(file: FileBytes, at: number, names: Extent, index: number, count: number): Section {
  const name = file.string(names, file.u32(at), `section ${index}`);
  const what = name === "" ? `section ${index}` : `section ${name}`;
  const link = file.u32(at + 40);
  const flags = file.u64(at + 8);
  if (link >= count) file.fail(ERROR_CODE.BFELF_ERROR_INVALID_SECTION, `${what} is linked to section ${link}, but there are ${count}`);
  if ((flags & SHF_ALLOC) !== 0n && file.u64(at + 48) > MAX_ALIGNMENT) {
    const problem = `${what} is aligned to ${hex(file.u64(at + 48))}, but images are aligned to pages`;
    file.fail(ERROR_CODE.BFELF_ERROR_UNSUPPORTED_FILE, problem);
  }
  const [type, address, size] = [file.u32(at + 4), file.u64(at + 16), file.u64(at + 32)];
  return { name, type, address, size, code: (flags & SHF_EXECINSTR) !== 0n, extent: extentAt(file, at, what), link };
}

function extentAt(file: FileBytes, at: number, what: string): Extent {
  const type = file.u32(at + 4);
  if (type === 0 || type === SHT_NOBITS) return { offset: 0, size: 0 };
  return file.extent(file.u64(at + 24), file.u64(at + 32), what, ERROR_CODE.BFELF_ERROR_INVALID_SECTION);
}
