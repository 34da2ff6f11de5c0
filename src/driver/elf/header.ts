/**
 * The header of an ELF file, and what kinds of files can be modules: 64-bit little-endian shared objects and executables for x86-64, of
 * the System V ABI without extensions. "Tool Interface Standard ELF Specification", ELF header.
 */
import { isElf, machineName } from "../../boot/elf.ts";
import { ERROR_CODE } from "../../vmm/error-codes.ts";
import type { Extent, FileBytes } from "./file-bytes.ts";

export const HEADER_BYTES = 64;
const PROGRAM_HEADER_BYTES = 56;
const SECTION_HEADER_BYTES = 64;

export interface Header {
  /** ET_EXEC is linked to one address, ET_DYN usually is not */
  readonly type: "EXEC" | "DYN";
  readonly entry: bigint;
  readonly programHeaders: Extent;
  /** of no bytes where the file has none */
  readonly sectionHeaders: Extent;
  /** index of the section with the names of sections */
  readonly sectionNames: number;
}

const TYPES: Readonly<Record<number, string>> = { 0: "none", 1: "a relocatable object (.o): link it with -shared", 4: "a core dump" };
/** what sets the OS ABI of GNU in files made by GCC */
const GNU_ABI = "GNU, for indirect functions or unique symbols: compile with -fno-gnu-unique and without ifunc";

export function parseHeader(file: FileBytes): Header {
  const { bytes } = file;
  if (bytes.length === 0) file.fail(ERROR_CODE.BFELF_ERROR_INVALID_ARG, "the file is empty");
  if (bytes.length < HEADER_BYTES) {
    file.fail(ERROR_CODE.BFELF_ERROR_INVALID_ARG, `${bytes.length} bytes are no ELF file, whose header alone has ${HEADER_BYTES}`);
  }
  if (!isElf(bytes)) file.fail(ERROR_CODE.BFELF_ERROR_INVALID_SIGNATURE, "not an ELF file");
  const type = file.u16(16);
  const refusals: readonly [boolean, string][] = [
    [file.u8(4) !== 2, `made for 32 bits (ELF class ${file.u8(4)}); modules are 64-bit`],
    [file.u8(5) !== 1, "big-endian"],
    [file.u8(6) !== 1, `version ${file.u8(6)} of the ELF identification; 1 is known`],
    [file.u8(7) !== 0, `for the OS ABI ${file.u8(7) === 3 ? GNU_ABI : file.u8(7)}; modules are for the System V ABI`],
    [file.u8(8) !== 0, `version ${file.u8(8)} of the ABI; 0 is known`],
    [type !== 2 && type !== 3, `not a shared object or executable but ${TYPES[type] ?? `ELF type ${type}`}`],
    [file.u16(18) !== 62, `made for ${machineName(file.u16(18))}, not for x86-64`],
    [file.u32(20) !== 1, `version ${file.u32(20)} of ELF; 1 is known`],
    [file.u32(48) !== 0, `processor flags 0x${file.u32(48).toString(16)}; x86-64 has none`],
  ];
  const refusal = refusals.find(([refused]) => refused);
  if (refusal !== undefined) file.fail(ERROR_CODE.BFELF_ERROR_UNSUPPORTED_FILE, refusal[1]);
  return {
    type: type === 2 ? "EXEC" : "DYN",
    entry: file.u64(24),
    programHeaders: tableAt(file, 32, 54, PROGRAM_HEADER_BYTES, "table of program headers"),
    sectionHeaders: tableAt(file, 40, 58, SECTION_HEADER_BYTES, "table of section headers"),
    sectionNames: file.u16(62),
  };
}

/** A table whose offset, entry size and count the header has. */
function tableAt(file: FileBytes, offsetAt: number, sizesAt: number, entryBytes: number, what: string): Extent {
  const entry = file.u16(sizesAt);
  const count = file.u16(sizesAt + 2);
  if (count === 0) return { offset: 0, size: 0 };
  if (entry !== entryBytes) file.fail(ERROR_CODE.BFELF_ERROR_INVALID_FILE, `the ${what} has entries of ${entry} bytes, not ${entryBytes}`);
  return file.extent(file.u64(offsetAt), BigInt(count * entryBytes), `the ${what}`);
}
