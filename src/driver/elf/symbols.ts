/**
 * Symbol tables. `DynamicSymbols` is the one that modules are linked by: a name is found as the SysV hash table finds it, or without one
 * as the first in the table. "Tool Interface Standard ELF Specification", symbol table and hash table.
 */
import { ERROR_CODE } from "../../vmm/error-codes.ts";
import type { Dynamic } from "./dynamic.ts";
import type { Extent, FileBytes } from "./file-bytes.ts";
import type { Section } from "./sections.ts";

export const BINDING = { LOCAL: 0, GLOBAL: 1, WEAK: 2 } as const;
export const SYMBOL_TYPE = { NONE: 0, OBJECT: 1, FUNC: 2, SECTION: 3, FILE: 4, TLS: 6, IFUNC: 10 } as const;
const SHN = { UNDEF: 0, ABS: 0xfff1, COMMON: 0xfff2 } as const;
export const SYMBOL_BYTES = 24;

export interface ElfSymbol {
  readonly name: string;
  readonly value: bigint;
  readonly size: bigint;
  readonly binding: number;
  readonly type: number;
  /** has a value in this module */
  readonly defined: boolean;
  /** the value is no address: nothing is added to it */
  readonly absolute: boolean;
}

/** Where in the file a part of the image is; a range of the image that is not all in the file is an error. */
export type FileRange = (address: bigint, size: bigint, what: string) => Extent;

export class DynamicSymbols {
  readonly count: number;
  readonly strings: Extent;
  private readonly file: FileBytes;
  private readonly table: Extent;
  private readonly chains: HashTable | undefined;
  private index: Map<string, ElfSymbol> | undefined;

  constructor(file: FileBytes, dynamic: Dynamic, sections: readonly Section[], range: FileRange) {
    this.file = file;
    const { symbolTable, stringTable } = dynamic;
    this.strings = { offset: 0, size: 0 };
    this.table = { offset: 0, size: 0 };
    this.count = 0;
    if (symbolTable === 0n || stringTable === 0n) return;
    this.strings = range(stringTable, dynamic.stringTableSize, "the string table");
    this.chains = dynamic.hash === 0n ? undefined : hashTable(file, dynamic.hash, range);
    const count = this.chains?.symbolCount ?? symbolsBetween(file, dynamic, sections);
    this.table = range(symbolTable, count * BigInt(SYMBOL_BYTES), `the symbol table of ${count} symbols`);
    this.count = this.table.size / SYMBOL_BYTES;
  }

  at(index: number): ElfSymbol {
    if (index >= this.count) {
      this.file.fail(ERROR_CODE.BFELF_ERROR_INVALID_INDEX, `symbol ${index} is asked for, but the symbol table has ${this.count}`);
    }
    return symbolAt(this.file, this.table.offset + index * SYMBOL_BYTES, this.strings, index);
  }

  /** The defined symbol of this name that other modules may use. */
  find(name: string): ElfSymbol | undefined {
    this.index ??= this.buildIndex();
    return this.index.get(name);
  }

  private buildIndex(): Map<string, ElfSymbol> {
    const index = new Map<string, ElfSymbol>();
    for (const i of this.chains === undefined ? this.every() : this.hashed(this.chains)) {
      const symbol = this.at(i);
      if (symbol.defined && symbol.binding !== BINDING.LOCAL && !index.has(symbol.name)) index.set(symbol.name, symbol);
    }
    return index;
  }

  private *every(): Iterable<number> {
    for (let i = 1; i < this.count; i++) yield i;
  }

  /** The symbols in the order in which lookups meet them, each once, and only those that stand in the chain of their own hash. */
  private *hashed({ buckets, chain }: HashTable): Iterable<number> {
    const met = new Uint8Array(this.count);
    const { file } = this;
    for (let bucket = 0; bucket < buckets.size / 4; bucket++) {
      for (let i = file.u32(buckets.offset + bucket * 4); i !== 0; i = file.u32(chain.offset + i * 4)) {
        if (i >= this.count)
          file.fail(ERROR_CODE.BFELF_ERROR_INVALID_FILE, `chain ${bucket} of the hash table has symbol ${i} of ${this.count}`);
        if (met[i] !== 0) break;
        met[i] = 1;
        if (sysvHash(this.at(i).name) % (buckets.size / 4) === bucket) yield i;
      }
    }
  }
}

const SHT_DYNSYM = 11;
const SHT_SYMTAB = 2;

/** How many symbols there are, if no hash table tells: by the section, or else because linkers put the strings right behind the symbols. */
function symbolsBetween(file: FileBytes, { symbolTable, stringTable }: Dynamic, sections: readonly Section[]): bigint {
  const section = sections.find(({ address, type }) => type === SHT_DYNSYM && address === symbolTable);
  if (section !== undefined) return section.size / BigInt(SYMBOL_BYTES);
  if (stringTable < symbolTable) file.fail(ERROR_CODE.BFELF_ERROR_INVALID_FILE, "nothing tells how many symbols the symbol table has");
  return (stringTable - symbolTable) / BigInt(SYMBOL_BYTES);
}

interface HashTable {
  readonly symbolCount: bigint;
  readonly buckets: Extent;
  readonly chain: Extent;
}

function hashTable(file: FileBytes, address: bigint, range: FileRange): HashTable {
  const head = range(address, 8n, "the hash table");
  const [bucketCount, symbolCount] = [BigInt(file.u32(head.offset)), BigInt(file.u32(head.offset + 4))];
  const all = range(address, 8n + 4n * (bucketCount + symbolCount), `the hash table of ${bucketCount} buckets and ${symbolCount} symbols`);
  const buckets = { offset: all.offset + 8, size: Number(bucketCount) * 4 };
  return { symbolCount, buckets, chain: { offset: buckets.offset + buckets.size, size: Number(symbolCount) * 4 } };
}

/** The hash of a name, whose characters are bytes. System V ABI "Hash Table". */
export function sysvHash(name: string): number {
  let hash = 0;
  for (let i = 0; i < name.length; i++) {
    hash = ((hash << 4) + name.charCodeAt(i)) | 0;
    const top = hash & 0xf000_0000;
    hash = (hash ^ (top >>> 24)) & ~top;
  }
  return hash >>> 0;
}

function symbolAt(file: FileBytes, at: number, strings: Extent, index: number): ElfSymbol {
  const section = file.u16(at + 6);
  const value = file.u64(at + 8);
  const info = file.u8(at + 4);
  return {
    name: file.string(strings, file.u32(at), `symbol ${index}`),
    value,
    size: file.u64(at + 16),
    binding: info >> 4,
    type: info & 15,
    defined: section !== SHN.UNDEF && section !== SHN.COMMON && value !== 0n,
    absolute: section === SHN.ABS,
  };
}

/** The functions of a module by linked address: from its full symbol table, or if it is stripped from the dynamic one. */
export function functionsOf(file: FileBytes, sections: readonly Section[], dynamic: DynamicSymbols): readonly ElfSymbol[] {
  const section = sections.find(({ type }) => type === SHT_SYMTAB);
  const symbols: ElfSymbol[] = [];
  if (section === undefined) for (let i = 1; i < dynamic.count; i++) symbols.push(dynamic.at(i));
  else {
    const { extent } = section;
    const strings = sections[section.link].extent;
    for (let i = 1; i < Math.floor(extent.size / SYMBOL_BYTES); i++)
      symbols.push(symbolAt(file, extent.offset + i * SYMBOL_BYTES, strings, i));
  }
  const functions = symbols.filter(({ type, defined }) => defined && (type === SYMBOL_TYPE.FUNC || type === SYMBOL_TYPE.IFUNC));
  return functions.sort((a, b) => (a.value < b.value ? -1 : a.value > b.value ? 1 : 0));
}
