/**
 * Relocations of one module: what the linker left open until the addresses are known. Those of x86-64 shared objects that need nothing but
 * addresses work; all others are refused by name, with what makes the compiler do without them. psABI x86-64 "Relocation Types".
 */
import { ERROR_CODE } from "../../vmm/error-codes.ts";
import type { Range } from "./dynamic.ts";
import { hex } from "./file-bytes.ts";
import type { LoadedModule } from "./loaded-module.ts";
import type { Loader } from "./loader.ts";
import { BINDING, type ElfSymbol, SYMBOL_TYPE } from "./symbols.ts";

const RELA_BYTES = 24;
const R = { NONE: 0, ABSOLUTE: 1, GLOB_DAT: 6, JUMP_SLOT: 7, RELATIVE: 8 } as const;

const STATIC = "code for one fixed address: compile with -fPIC";
const THREAD = "thread-local storage of the compiler: use the runtime's keys (pthread_getspecific)";
const NAMES: Readonly<Record<number, readonly [name: string, why: string]>> = {
  2: ["R_X86_64_PC32", STATIC],
  3: ["R_X86_64_GOT32", STATIC],
  4: ["R_X86_64_PLT32", STATIC],
  5: ["R_X86_64_COPY", "a variable of another module copied into an executable: compile with -fPIC and link with -shared"],
  9: ["R_X86_64_GOTPCREL", STATIC],
  10: ["R_X86_64_32", STATIC],
  11: ["R_X86_64_32S", STATIC],
  12: ["R_X86_64_16", STATIC],
  13: ["R_X86_64_PC16", STATIC],
  14: ["R_X86_64_8", STATIC],
  15: ["R_X86_64_PC8", STATIC],
  16: ["R_X86_64_DTPMOD64", THREAD],
  17: ["R_X86_64_DTPOFF64", THREAD],
  18: ["R_X86_64_TPOFF64", THREAD],
  24: ["R_X86_64_PC64", STATIC],
  32: ["R_X86_64_SIZE32", "the size of a symbol"],
  33: ["R_X86_64_SIZE64", "the size of a symbol"],
  36: ["R_X86_64_TLSDESC", THREAD],
  37: ["R_X86_64_IRELATIVE", "a function that is chosen when it is loaded: compile without ifunc"],
};

export function relocate(module: LoadedModule, loader: Loader): void {
  const { rela, jumpRela, relr } = module.elf.dynamic;
  const image = new DataView(module.image.buffer, module.image.byteOffset, module.image.byteLength);
  relocatePacked(module, image, relr);
  relocateTable(module, loader, image, rela, "DT_RELA");
  relocateTable(module, loader, image, jumpRela, "DT_JMPREL");
}

function relocateTable(module: LoadedModule, loader: Loader, image: DataView, table: Range, name: string): void {
  if (table.size === 0n) return;
  const { elf } = module;
  const { file } = elf;
  const extent = elf.inFile(table.address, table.size, `the table of relocations ${name}`);
  if (extent.size % RELA_BYTES !== 0) {
    file.fail(
      ERROR_CODE.BFELF_ERROR_INVALID_FILE,
      `the table of relocations ${name} has ${extent.size} bytes, not a multiple of ${RELA_BYTES}`,
    );
  }
  for (let at = extent.offset; at < extent.offset + extent.size; at += RELA_BYTES) {
    const type = file.u32(at + 8);
    if (type === R.NONE) continue;
    const where = () => `relocation ${(at - extent.offset) / RELA_BYTES} of ${name}`;
    const place = placeOf(module, file.u64(at), where);
    const value = relocatedValue(module, loader, type, file.u32(at + 12), file.i64(at + 16), where);
    image.setBigUint64(place, BigInt.asUintN(64, value), true);
  }
}

/** A place to write to, as an offset in the image. */
function placeOf({ elf }: LoadedModule, address: bigint, where: () => string): number {
  if (elf.segmentOf(address, 8n) === undefined) {
    elf.file.fail(ERROR_CODE.BFELF_ERROR_INVALID_FILE, `${where()} writes at ${hex(address)}, outside of the image`);
  }
  return Number(address - elf.start);
}

function relocatedValue(module: LoadedModule, loader: Loader, type: number, index: number, addend: bigint, where: () => string): bigint {
  switch (type) {
    case R.RELATIVE:
      return module.base + addend;
    case R.ABSOLUTE:
      return symbolValue(module, loader, index, where) + addend;
    case R.GLOB_DAT:
    case R.JUMP_SLOT:
      return symbolValue(module, loader, index, where);
    default: {
      const [name, why] = NAMES[type] ?? [`of type ${type}`, "not known"];
      return module.elf.file.fail(ERROR_CODE.BFELF_ERROR_UNSUPPORTED_RELA, `${where()} is ${name}, which is not supported (${why})`);
    }
  }
}

function symbolValue(module: LoadedModule, loader: Loader, index: number, where: () => string): bigint {
  if (index === 0) return 0n;
  const { elf } = module;
  const own = elf.symbols.at(index);
  if (own.defined && own.binding !== BINDING.WEAK) return addressFor(module, module, own, where);
  const found = loader.choose(own.name, own.binding === BINDING.WEAK ? undefined : module);
  if (found !== undefined) return addressFor(module, found.module, found.symbol, where);
  if (own.binding === BINDING.WEAK) return 0n;
  return elf.file.fail(ERROR_CODE.BFELF_ERROR_NO_SUCH_SYMBOL, `needs ${own.name}, which no module defines (${where()})`);
}

/** What `user` writes for a symbol of `owner`. */
function addressFor(user: LoadedModule, owner: LoadedModule, symbol: ElfSymbol, where: () => string): bigint {
  const { file } = user.elf;
  if (symbol.type === SYMBOL_TYPE.TLS) {
    file.fail(ERROR_CODE.BFELF_ERROR_UNSUPPORTED_RELA, `${where()} is for ${symbol.name}, which is in ${THREAD}`);
  }
  if (symbol.type === SYMBOL_TYPE.IFUNC) {
    const problem = `${where()} is for ${symbol.name}, a function that is chosen when it is loaded: compile without ifunc`;
    file.fail(ERROR_CODE.BFELF_ERROR_UNSUPPORTED_RELA, problem);
  }
  return owner.addressOf(symbol);
}

/**
 * DT_RELR: an even number is an address whose 64-bit word is relocated; an odd one is a bitmap of the 63 words behind it. "RELR Relative
 * Relocation Table" of the generic ABI.
 */
function relocatePacked(module: LoadedModule, image: DataView, table: Range): void {
  if (table.size === 0n) return;
  const { elf, base } = module;
  const extent = elf.inFile(table.address, table.size, "the table of relocations DT_RELR");
  const add = (address: bigint, at: number) => {
    const place = placeOf(module, address, () => `relocation ${(at - extent.offset) / 8} of DT_RELR`);
    image.setBigUint64(place, BigInt.asUintN(64, image.getBigUint64(place, true) + base), true);
  };
  let next = 0n;
  for (let at = extent.offset; at + 8 <= extent.offset + extent.size; at += 8) {
    const entry = elf.file.u64(at);
    if ((entry & 1n) === 0n) {
      add(entry, at);
      next = entry + 8n;
      continue;
    }
    for (let bit = 0n; bit < 63n; bit++) if (((entry >> (bit + 1n)) & 1n) !== 0n) add(next + bit * 8n, at);
    next += 63n * 8n;
  }
}
