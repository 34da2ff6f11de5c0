/**
 * The dynamic section: where the linker's tables are, as addresses, and what else it tells the loader. "Tool Interface Standard ELF
 * Specification", dynamic section.
 */
import { MAX_NEEDED } from "../../vmm/constants.ts";
import { ERROR_CODE } from "../../vmm/error-codes.ts";
import type { Extent, FileBytes } from "./file-bytes.ts";

/** A range of the image by linked address. */
export interface Range {
  readonly address: bigint;
  readonly size: bigint;
}

export interface Dynamic {
  /** offsets of names of libraries in the string table */
  readonly needed: readonly bigint[];
  readonly stringTable: bigint;
  /** 0 where the file does not say */
  readonly stringTableSize: bigint;
  readonly symbolTable: bigint;
  readonly hash: bigint;
  readonly rela: Range;
  readonly jumpRela: Range;
  /** packed relative relocations: DT_RELR */
  readonly relr: Range;
  readonly init: bigint;
  readonly fini: bigint;
  readonly initArray: Range;
  readonly finiArray: Range;
  readonly flags1: bigint;
}

const DT = {
  NULL: 0n,
  NEEDED: 1n,
  PLTRELSZ: 2n,
  HASH: 4n,
  STRTAB: 5n,
  SYMTAB: 6n,
  RELA: 7n,
  RELASZ: 8n,
  STRSZ: 10n,
  INIT: 12n,
  FINI: 13n,
  REL: 17n,
  PLTREL: 20n,
  JMPREL: 23n,
  INIT_ARRAY: 25n,
  FINI_ARRAY: 26n,
  INIT_ARRAYSZ: 27n,
  FINI_ARRAYSZ: 28n,
  RELRSZ: 35n,
  RELR: 36n,
  FLAGS_1: 0x6fff_fffbn,
} as const;
const ENTRY = 16;

/** A file without a dynamic section, a static executable, has empty tables. */
export function parseDynamic(file: FileBytes, section: Extent | undefined): Dynamic {
  const values = new Map<bigint, bigint>();
  const needed: bigint[] = [];
  const { offset, size } = section ?? { offset: 0, size: 0 };
  for (let at = offset; at + ENTRY <= offset + size; at += ENTRY) {
    const tag = file.u64(at);
    if (tag === DT.NULL) break;
    if (tag === DT.NEEDED) needed.push(file.u64(at + 8));
    else values.set(tag, file.u64(at + 8));
  }
  if (needed.length > MAX_NEEDED) {
    file.fail(ERROR_CODE.BFELF_ERROR_LOADER_FULL, `needs ${needed.length} libraries; ${MAX_NEEDED} are possible`);
  }
  const value = (tag: bigint) => values.get(tag) ?? 0n;
  const range = (address: bigint, bytes: bigint) => ({ address: value(address), size: value(bytes) });
  if (values.has(DT.REL) || (values.has(DT.PLTREL) && value(DT.PLTREL) !== DT.RELA)) {
    file.fail(ERROR_CODE.BFELF_ERROR_UNSUPPORTED_RELA, "has relocations without addends (DT_REL), which x86-64 does not use");
  }
  return {
    needed,
    stringTable: value(DT.STRTAB),
    stringTableSize: value(DT.STRSZ),
    symbolTable: value(DT.SYMTAB),
    hash: value(DT.HASH),
    rela: range(DT.RELA, DT.RELASZ),
    jumpRela: range(DT.JMPREL, DT.PLTRELSZ),
    relr: range(DT.RELR, DT.RELRSZ),
    init: value(DT.INIT),
    fini: value(DT.FINI),
    initArray: range(DT.INIT_ARRAY, DT.INIT_ARRAYSZ),
    finiArray: range(DT.FINI_ARRAY, DT.FINI_ARRAYSZ),
    flags1: value(DT.FLAGS_1),
  };
}
