/**
 * A shared object made here, whose symbols are what TypeScript offers to modules. Each function is HLT; RET: the executor sees the HLT and
 * calls the TypeScript function of that name. The symbols are weak, so a module that defines one of them replaces it. System V ABI "Object
 * Files", "Dynamic Linking".
 *
 *     0      ELF header, program headers, .hash, .dynsym, .dynstr      read-only
 *     text   16 bytes for each function                              code
 *     data   .dynamic                                                data
 */
import { Structure } from "../boot/bytes.ts";

const PAGE = 0x1000;
const HEADER = 64;
const PROGRAM_HEADER = 56;
const SECTION_HEADER = 64;
const SYMBOL = 24;
const STUB = 16;
const HLT_RET = Uint8Array.of(0xf4, 0xc3);
const WEAK_FUNCTION = 0x22;

const PT = { LOAD: 1, DYNAMIC: 2, GNU_STACK: 0x6474_e551 } as const;
const PF = { X: 1, W: 2, R: 4 } as const;
const SHT = { PROGBITS: 1, STRTAB: 3, HASH: 5, DYNAMIC: 6, DYNSYM: 11 } as const;
const DT = { HASH: 4, STRTAB: 5, SYMTAB: 6, STRSZ: 10, SYMENT: 11 } as const;

export interface GateModule {
  readonly image: Uint8Array;
  /** where in the loaded image each function's HLT is */
  readonly offsets: ReadonlyMap<string, number>;
}

export function gateModule(names: readonly string[]): GateModule {
  const count = names.length + 1;
  const hash = HEADER + 5 * PROGRAM_HEADER;
  const symbols = align(hash + 4 * (2 + 1 + count), 8);
  const strings = symbols + count * SYMBOL;
  const text = align(strings + stringBytes(names), PAGE);
  const dynamic = align(text + names.length * STUB, PAGE);
  const entries = [
    [DT.HASH, hash],
    [DT.STRTAB, strings],
    [DT.SYMTAB, symbols],
    [DT.STRSZ, stringBytes(names)],
    [DT.SYMENT, SYMBOL],
    [0, 0],
  ];
  const sectionNames = ["", ".hash", ".dynsym", ".dynstr", ".text", ".dynamic", ".shstrtab"];
  const sectionStrings = dynamic + entries.length * 16;
  const sections = align(sectionStrings + stringBytes(sectionNames.slice(1)), 8);
  const file = new Structure(sections + sectionNames.length * SECTION_HEADER);

  file.text(0, "\x7fELF").u8(4, 2).u8(5, 1).u8(6, 1);
  file.u16(16, 3).u16(18, 62).u32(20, 1); // shared object, x86-64
  file.u64(32, HEADER).u64(40, sections).u16(52, HEADER).u16(54, PROGRAM_HEADER).u16(56, 5);
  file
    .u16(58, SECTION_HEADER)
    .u16(60, sectionNames.length)
    .u16(62, sectionNames.length - 1);
  const segment = (n: number, type: number, flags: number, at: number, bytes: number, unit: number) => {
    const header = HEADER + n * PROGRAM_HEADER;
    file.u32(header, type).u32(header + 4, flags);
    for (const [i, value] of [at, at, at, bytes, bytes, unit].entries()) file.u64(header + 8 + 8 * i, value);
  };
  segment(0, PT.LOAD, PF.R, 0, strings + stringBytes(names), PAGE);
  segment(1, PT.LOAD, PF.R | PF.X, text, names.length * STUB, PAGE);
  segment(2, PT.LOAD, PF.R | PF.W, dynamic, entries.length * 16, PAGE);
  segment(3, PT.DYNAMIC, PF.R | PF.W, dynamic, entries.length * 16, 8);
  segment(4, PT.GNU_STACK, PF.R | PF.W, 0, 0, 16);

  // one bucket: a chain through all symbols
  file
    .u32(hash, 1)
    .u32(hash + 4, count)
    .u32(hash + 8, names.length === 0 ? 0 : 1);
  const offsets = new Map<string, number>();
  let string = 1;
  for (const [i, name] of names.entries()) {
    file.u32(hash + 12 + 4 * (i + 1), i + 2 < count ? i + 2 : 0);
    const at = symbols + (i + 1) * SYMBOL;
    const stub = text + i * STUB;
    file
      .u32(at, string)
      .u8(at + 4, WEAK_FUNCTION)
      .u16(at + 6, 4);
    file.u64(at + 8, stub).u64(at + 16, HLT_RET.length);
    file.text(strings + string, name).put(stub, HLT_RET);
    offsets.set(name, stub);
    string += name.length + 1;
  }
  for (const [i, [tag, value]] of entries.entries()) file.u64(dynamic + 16 * i, tag).u64(dynamic + 16 * i + 8, value);

  let nameAt = 1;
  const section = (n: number, type: number, flags: number, at: number, bytes: number, link: number, entry: number) => {
    const header = sections + n * SECTION_HEADER;
    file.text(sectionStrings + nameAt, sectionNames[n]).u32(header, nameAt);
    nameAt += sectionNames[n].length + 1;
    file
      .u32(header + 4, type)
      .u64(header + 8, flags)
      .u64(header + 16, flags === 0 ? 0 : at)
      .u64(header + 24, at);
    file
      .u64(header + 32, bytes)
      .u32(header + 40, link)
      .u32(header + 44, type === SHT.DYNSYM ? 1 : 0)
      .u64(header + 48, 8)
      .u64(header + 56, entry);
  };
  section(1, SHT.HASH, 2, hash, 4 * (3 + count), 2, 4);
  section(2, SHT.DYNSYM, 2, symbols, count * SYMBOL, 3, SYMBOL);
  section(3, SHT.STRTAB, 2, strings, stringBytes(names), 0, 0);
  section(4, SHT.PROGBITS, 6, text, names.length * STUB, 0, 0);
  section(5, SHT.DYNAMIC, 3, dynamic, entries.length * 16, 3, 16);
  section(6, SHT.STRTAB, 0, sectionStrings, stringBytes(sectionNames.slice(1)), 0, 0);
  return { image: file.bytes, offsets };
}

const align = (value: number, unit: number): number => Math.ceil(value / unit) * unit;

/** a string table starts with an empty string */
const stringBytes = (names: readonly string[]): number => names.reduce((sum, name) => sum + name.length + 1, 1);
