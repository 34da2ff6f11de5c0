/** How modules are linked with each other: which definition is chosen, what each type of relocation writes, what is refused. */
import { describe, expect, it } from "vitest";
import { ElfFile } from "../../../src/driver/elf/elf-file.ts";
import { Loader } from "../../../src/driver/elf/loader.ts";
import { sysvHash } from "../../../src/driver/elf/symbols.ts";
import { failure } from "../../lib/driver-error.ts";
import { CODE, DATA, elfModule, type ModuleText, type SymbolText } from "../../lib/elf-module.ts";

const A = 0x7000_0000_0000n;
const B = 0x7100_0000_0000n;
const C = 0x7200_0000_0000n;
const at = (base: bigint, offset: number) => base + BigInt(offset);

/** Modules named a, b, c at A, B, C. */
function linked(...texts: ModuleText[]) {
  const loader = new Loader();
  const modules = texts.map((text, i) => {
    const elf = new ElfFile("abc"[i], elfModule(text));
    return loader.add(elf, elf.image(), [A, B, C][i]);
  });
  return {
    loader,
    modules,
    word: (module: number, offset: number) => new DataView(modules[module].image.buffer).getBigUint64(offset, true),
  };
}
const relocated = (...texts: ModuleText[]) => {
  const all = linked(...texts);
  all.loader.relocate();
  return all;
};
const reference = (type: number, symbol: string, addend = 0n) => ({ at: DATA, type, symbol, addend });

describe("adding", () => {
  it("ELF-11: position-independent files are rebased, others stay where they are linked", () => {
    const sections = [{ name: ".eh_frame", type: 1, address: CODE, offset: CODE, size: 1 }];
    const { modules } = linked(
      {
        entry: CODE,
        dynamic: [
          [12, CODE],
          [25, DATA],
          [27, 8],
        ],
        sections,
      },
      { base: 0x40_0000, entry: CODE },
    );
    expect(modules.map(({ base, entry }) => ({ base, entry }))).toEqual([
      { base: A, entry: at(A, CODE) },
      { base: 0n, entry: 0x40_0000n + BigInt(CODE) },
    ]);
  });
  it("ELF-10: entry, relro and section information are rebased, what is not there stays 0", () => {
    const sections = [{ name: ".eh_frame", type: 1, address: CODE, offset: CODE, size: 1 }];
    const relro = { type: 0x6474e552, flags: 4, offset: DATA, address: DATA, fileSize: 16, memorySize: 16 };
    const segments: ModuleText["segments"] = (usual) => [...usual, relro];
    const { modules } = linked(
      {
        entry: CODE,
        dynamic: [
          [12, CODE],
          [25, DATA],
          [27, 8],
        ],
        sections,
        segments,
      },
      {},
    );
    expect(modules[0].relro).toEqual({ address: at(A, DATA), size: 16n });
    expect(modules[1].relro).toBeUndefined();
    expect(modules[0].sectionInfo()).toEqual({
      init: at(A, CODE),
      fini: 0n,
      initArray: at(A, DATA),
      initArraySize: 8n,
      finiArray: 0n,
      finiArraySize: 0n,
      ehFrame: at(A, CODE),
      ehFrameSize: 1n,
    });
    expect(new Set(Object.values(modules[1].sectionInfo()))).toEqual(new Set([0n]));
  });
  it("ELF-11 DRV-10: a file that is in a loader already", () => {
    const elf = new ElfFile("a", elfModule({}));
    new Loader().add(elf, elf.image(), A);
    expect(failure("BFELF_ERROR_INVALID_ARG", () => new Loader().add(elf, elf.image(), B))).toBe("a: is in a loader already");
  });
  it("CONST-4 ELF-11: 75 modules, not more", () => {
    const loader = new Loader();
    const add = () => loader.add(new ElfFile("m", elfModule({})), new Uint8Array(0), A);
    for (let i = 0; i < 75; i++) add();
    expect(failure("BFELF_ERROR_LOADER_FULL", add)).toContain("75 modules");
  });
  it("ELF-11: symbols are counted by the distance of the tables if nothing else tells", () => {
    // behind 3 symbols of 24 bytes come the strings
    expect(linked({ symbols: [{ name: "f", value: CODE }, { name: "g" }] }).modules[0].elf.symbols.count).toBe(3);
    expect(linked({ symbols: [{ name: "f", value: CODE }], buckets: 1 }).modules[0].elf.symbols.count).toBe(2);
  });
});

describe("relocating", () => {
  it("ELF-12: nothing to relocate is a success, and a second time does nothing", () => {
    new Loader().relocate();
    const { loader, modules, word } = relocated({ relocations: [{ at: DATA, type: 8, addend: 0x1234n }] });
    modules[0].image.fill(0);
    loader.relocate();
    expect(word(0, DATA)).toBe(0n);
  });
  it("ELF-12: DT_RELA first, then DT_JMPREL", () => {
    const { word } = relocated({
      symbols: [{ name: "f", value: CODE }],
      relocations: [{ at: DATA, type: 8, addend: 1n }],
      pltRelocations: [reference(7, "f")],
    });
    expect(word(0, DATA)).toBe(at(A, CODE));
  });

  const target: ModuleText = { symbols: [{ name: "f", value: CODE }] };
  it.each([
    ["RELATIVE is base + addend", { at: DATA, type: 8, addend: 0x1234n }, A + 0x1234n],
    ["RELATIVE with a negative addend", { at: DATA, type: 8, addend: -1n }, A - 1n],
    ["64 is symbol + addend", reference(1, "f", 16n), at(B, CODE) + 16n],
    ["64 without a symbol is the addend", { at: DATA, type: 1, addend: 5n }, 5n],
    ["GLOB_DAT is the symbol", reference(6, "f", 16n), at(B, CODE)],
    ["JUMP_SLOT is the symbol", reference(7, "f", 16n), at(B, CODE)],
    ["NONE writes nothing", reference(0, "f", 16n), 0x5555_5555_5555_5555n],
  ])("ELF-13: %s", (_, relocation, expected) => {
    const { word } = relocated({ data: new Uint8Array(16).fill(0x55), symbols: [{ name: "f" }], relocations: [relocation] }, target);
    expect(word(0, DATA)).toBe(expected);
    expect(word(0, DATA + 8)).toBe(0x5555_5555_5555_5555n);
  });
  it("ELF-13: in a file that is linked to its place nothing is added", () => {
    const { word } = relocated({ base: 0x40_0000, relocations: [{ at: DATA, type: 8, addend: 0x40_1234n }] });
    expect(word(0, DATA)).toBe(0x40_1234n);
  });
  it("ELF-13: packed relative relocations: an address, then words behind it by bitmap", () => {
    const data = new Uint8Array(64 * 9);
    // bits 0, 2 and 62 of the bitmap: words 1, 3 and 63 from the address
    const { word } = relocated({ data, relr: [BigInt(DATA), (0b101n << 1n) | (1n << 63n) | 1n, BigInt(DATA) + 0x208n] });
    const written = Array.from({ length: 72 }, (_, i) => i).filter((i) => word(0, DATA + i * 8) === A);
    expect(written).toEqual([0, 1, 3, 63, 65]);
  });
  it.each([
    [2, "R_X86_64_PC32"],
    [5, "R_X86_64_COPY"],
    [10, "R_X86_64_32"],
    [16, "R_X86_64_DTPMOD64"],
    [18, "R_X86_64_TPOFF64"],
    [36, "R_X86_64_TLSDESC"],
    [37, "R_X86_64_IRELATIVE"],
    [99, "type 99"],
  ])("ELF-13: type %i is refused by name, %s", (type, name) => {
    const message = failure("BFELF_ERROR_UNSUPPORTED_RELA", () =>
      relocated({ symbols: [{ name: "f" }], relocations: [reference(type, "f")] }),
    );
    expect(message).toContain(`a: relocation 0 of DT_RELA is`);
    expect(message).toContain(name);
  });
  it("ELF-13: symbols that are more than an address", () => {
    const use = (type: number) => () =>
      relocated({ symbols: [{ name: "x" }], relocations: [reference(6, "x")] }, { symbols: [{ name: "x", value: 8, type }] });
    expect(failure("BFELF_ERROR_UNSUPPORTED_RELA", use(6))).toMatch(/^a: .*thread-local/);
    expect(failure("BFELF_ERROR_UNSUPPORTED_RELA", use(10))).toMatch(/^a: .*ifunc/);
  });

  it("a relocation outside of the image, in a hole of it, over its end, with a symbol that is not there", () => {
    const places = [0x7fff_ffffn, -8n, BigInt(CODE) + 0x100n, BigInt(DATA) + 92n];
    for (const place of places) {
      const message = failure("BFELF_ERROR_INVALID_FILE", () => relocated({ relocations: [{ at: place, type: 8 }] }));
      expect(message).toMatch(/^a: relocation 0 of DT_RELA writes at 0x[0-9a-f]+, outside of the image$/);
    }
    expect(failure("BFELF_ERROR_INVALID_INDEX", () => relocated({ relocations: [{ at: DATA, type: 1, symbol: 7 }] }))).toContain(
      "symbol 7",
    );
    expect(failure("BFELF_ERROR_INVALID_FILE", () => relocated({ relr: [BigInt(DATA) + 92n] }))).toContain("DT_RELR writes at");
  });
  it("tables of relocations and symbols that the file does not hold, or that are larger than it", () => {
    const dynamic = (...entries: [number, number | bigint][]): ModuleText => ({ symbols: [{ name: "f", value: CODE }], dynamic: entries });
    expect(failure("BFELF_ERROR_INVALID_FILE", () => relocated(dynamic([8, 1n << 60n])))).toContain("DT_RELA");
    expect(failure("BFELF_ERROR_INVALID_FILE", () => relocated(dynamic([8, 25])))).toContain("not a multiple");
    expect(failure("BFELF_ERROR_INVALID_FILE", () => relocated(dynamic([2, 24], [23, 0x9999_0000])))).toContain("DT_JMPREL");
    expect(failure("BFELF_ERROR_INVALID_FILE", () => relocated(dynamic([10, 1n << 40n])))).toContain("string table");
    // in the zeros behind the data, which the file does not have
    expect(failure("BFELF_ERROR_INVALID_FILE", () => relocated(dynamic([6, DATA + 60])))).toMatch(/how many symbols/);
    expect(failure("BFELF_ERROR_INVALID_FILE", () => relocated(dynamic([6, 0x500], [5, DATA + 60])))).toMatch(/symbol table|string table/);
  });
  it("a huge symbol table in the hash table's count", () => {
    const huge = elfModule({ symbols: [{ name: "f", value: CODE }], buckets: 1 });
    const hash = Number(new ElfFile("a", huge).dynamic.hash);
    new DataView(huge.buffer).setUint32(hash + 4, 0xffff_ffff, true);
    expect(failure("BFELF_ERROR_INVALID_FILE", () => new ElfFile("a", huge))).toContain("4294967295 symbols");
  });
});

describe("huge symbol tables", () => {
  /** A module whose symbols stand in its data: `count` of them, named by `nameAt`, an offset in `strings`. */
  function crowded(
    count: number,
    strings: Uint8Array,
    nameAt: (i: number) => number,
    relocations: ModuleText["relocations"] = [],
  ): ModuleText {
    const data = new Uint8Array(count * 24 + strings.length);
    const view = new DataView(data.buffer);
    for (let i = 1; i < count; i++) {
      view.setUint32(i * 24, nameAt(i), true);
      data[i * 24 + 4] = 0x12;
      view.setUint16(i * 24 + 6, 7, true);
      view.setBigUint64(i * 24 + 8, BigInt(i), true);
    }
    data.set(strings, count * 24);
    return {
      data,
      relocations,
      dynamic: [
        [6, DATA],
        [5, DATA + count * 24],
        [10, strings.length],
      ],
    };
  }

  it("200000 symbols are loaded, and every one can be found", () => {
    const count = 200_000;
    const strings = new Uint8Array(count * 8);
    for (let i = 1; i < count; i++) strings.set(Buffer.from(`s${i.toString(36)}`), i * 8);
    const { loader } = relocated(
      crowded(count, strings, (i) => i * 8),
      { symbols: [{ name: "s1" }], relocations: [reference(6, "s1")] },
    );
    expect(loader.resolve(`s${(count - 1).toString(36)}`)).toBe(A + BigInt(count - 1));
  }, 20_000);
  it("names that share a string of many kilobytes are refused before they are all read", () => {
    const strings = new Uint8Array(16_000).fill(0x61);
    strings[15_999] = 0;
    const crowd = crowded(50_000, strings, (i) => i % 8000);
    const message = failure("BFELF_ERROR_INVALID_FILE", () =>
      relocated(crowd, { symbols: [{ name: "x" }], relocations: [reference(6, "x")] }),
    );
    expect(message).toBe("a: its names are 16 times as long as the file");
  });
  it("a name without an end", () => {
    const crowd = crowded(2, new Uint8Array(20_000).fill(0x61), () => 0);
    expect(failure("BFELF_ERROR_INVALID_FILE", () => linked(crowd).loader.resolve("x"))).toContain(
      "symbol 1 has no end within 16384 bytes",
    );
  });
});

describe("choosing a definition", () => {
  const weak = (name: string, value?: number) => ({ name, binding: 2, ...(value === undefined ? {} : { value }) });
  const strong = (name: string, value?: number) => ({ name, ...(value === undefined ? {} : { value }) });
  const using = (...symbols: SymbolText[]): ModuleText => ({ symbols, relocations: [reference(6, "f")] });

  it("ELF-14: the file's own symbol if it is defined and not weak", () => {
    expect(relocated({ symbols: [strong("f", CODE)] }, using(strong("f", DATA))).word(1, DATA)).toBe(at(B, DATA));
  });
  it("ELF-14: otherwise the first strong one in the order of adding, also behind a weak one", () => {
    const { word } = relocated(using(strong("f")), { symbols: [weak("f", 8)] }, { symbols: [strong("f", 16)] });
    expect(word(0, DATA)).toBe(at(C, 16));
    expect(relocated({ symbols: [strong("f", 8)] }, { symbols: [strong("f", 16)] }, using(strong("f"))).word(2, DATA)).toBe(at(A, 8));
  });
  it("ELF-14: otherwise the last weak one, the file itself included if its own is weak", () => {
    expect(relocated({ symbols: [weak("f", 8)] }, { symbols: [weak("f", 16)] }, using(strong("f"))).word(2, DATA)).toBe(at(B, 16));
    expect(relocated({ symbols: [weak("f", 8)] }, using(weak("f", 16))).word(1, DATA)).toBe(at(B, 16));
    expect(relocated(using(weak("f", 16)), { symbols: [weak("f", 8)] }).word(0, DATA)).toBe(at(B, 8));
    expect(relocated(using(weak("f", 16)), { symbols: [strong("f", 8)] }).word(0, DATA)).toBe(at(B, 8));
  });
  it("ELF-14: a strong reference does not find another symbol of that name in its own file", () => {
    const own = using(strong("f"), strong("f", 24));
    expect(failure("BFELF_ERROR_NO_SUCH_SYMBOL", () => relocated(own))).toContain("f");
    expect(relocated(own, { symbols: [strong("f", 8)] }).word(0, DATA)).toBe(at(B, 8));
  });
  it("ELF-14 DRV-9: none is an error that names symbol and module", () => {
    const message = failure("BFELF_ERROR_NO_SUCH_SYMBOL", () => relocated(using(strong("f")), { symbols: [{ name: "f", value: 0 }] }));
    expect(message).toBe("a: needs f, which no module defines (relocation 0 of DT_RELA)");
  });
  it("ELF-14: local symbols of other modules are not theirs to use", () => {
    expect(
      failure("BFELF_ERROR_NO_SUCH_SYMBOL", () => relocated(using(strong("f")), { symbols: [{ name: "f", value: 8, binding: 0 }] })),
    ).toContain("f");
  });
  it("ELF-14: a weak reference that nothing defines is 0", () => {
    expect(relocated(using(weak("f"))).word(0, DATA)).toBe(0n);
  });
  it("an absolute symbol is no address; a symbol outside of its image is refused, its end is not", () => {
    const define = (value: number, section = 7) =>
      relocated(using(strong("f")), { symbols: [{ name: "f", value, section }] }).word(0, DATA);
    expect(define(0x1234_5678, 0xfff1)).toBe(0x1234_5678n);
    expect(define(DATA + 96)).toBe(at(B, DATA + 96));
    expect(failure("BFELF_ERROR_INVALID_FILE", () => define(DATA + 97))).toContain("b: the symbol f at 0x20061 is outside of the image");
  });

  it("ELF-16: resolve: the address of the definition, or no such symbol", () => {
    const { loader } = linked({ symbols: [weak("f", 8)] }, { base: 0x40_0000, symbols: [strong("f", 16)] });
    expect(loader.resolve("f")).toBe(0x40_0010n);
    expect(failure("BFELF_ERROR_NO_SUCH_SYMBOL", () => loader.resolve("g"))).toBe("no module defines g");
    expect(failure("BFELF_ERROR_NO_SUCH_SYMBOL", () => new Loader().resolve("f"))).toContain("f");
  });
});

describe("lookup", () => {
  it("ELF-17: hash of a name", () => {
    // System V ABI, figure "Hashing Function", by hand: printf is the textbook example
    expect(["", "a", "printf", "exit", "syscall", "flapenguin.me"].map(sysvHash)).toEqual([
      0, 0x61, 0x77905a6, 0x6cf04, 0xb09985c, 0x3987915,
    ]);
  });
  it("ELF-17: names outside of ASCII are hashed as linkers do, with unsigned characters", () => {
    expect(sysvHash("\xc3\xa9")).toBe(0xc3 * 16 + 0xa9);
    const { loader } = linked({ symbols: [{ name: "é", value: 8 }], buckets: 3 });
    expect(loader.resolve("\xc3\xa9")).toBe(A + 8n);
  });
  const many = Array.from({ length: 40 }, (_, i) => ({ name: `symbol${i}`, value: 8 + i }));
  it.each([undefined, 1, 7, 64])("ELF-15: every symbol is found, hash table with %s buckets", (buckets) => {
    const { loader } = linked({ symbols: many, ...(buckets === undefined ? {} : { buckets }) });
    expect(many.map(({ name }) => loader.resolve(name))).toEqual(many.map(({ value }) => at(A, value)));
    expect(failure("BFELF_ERROR_NO_SUCH_SYMBOL", () => loader.resolve("symbol40"))).toContain("symbol40");
  });
  it("ELF-15: only the chain of its hash is searched; chains that loop or lead out end", () => {
    const hashed = (chain: (view: DataView, at: number) => void) => {
      const bytes = elfModule({
        symbols: [
          { name: "a", value: 8 },
          { name: "b", value: 16 },
        ],
        buckets: 2,
      });
      const view = new DataView(bytes.buffer);
      chain(view, Number(new ElfFile("a", bytes).dynamic.hash) + 8);
      const loader = new Loader();
      const elf = new ElfFile("a", bytes);
      loader.add(elf, elf.image(), A);
      return loader;
    };
    // "a" is 0x61: bucket 1; "b" is 0x62: bucket 0
    const swapped = hashed((view, at) => [view.setUint32(at, 1, true), view.setUint32(at + 4, 2, true)]);
    expect(failure("BFELF_ERROR_NO_SUCH_SYMBOL", () => swapped.resolve("a"))).toContain("a");
    const looped = hashed((view, at) => view.setUint32(at + 8 + 4, 1, true));
    expect(looped.resolve("a")).toBe(A + 8n);
    const outside = hashed((view, at) => view.setUint32(at + 8 + 4, 1000, true));
    expect(failure("BFELF_ERROR_INVALID_FILE", () => outside.resolve("a"))).toContain("symbol 1000");
  });

  it("an address is described by module and function", () => {
    const { loader } = linked({ symbols: [{ name: "f", value: CODE }], code: new Uint8Array(32) });
    expect(loader.nameOf(at(A, CODE) + 5n)).toBe("a: f+0x5");
    expect(loader.nameOf(A + 1n)).toBe("a: 0x1");
    expect(loader.nameOf(0x1234n)).toBeUndefined();
  });
});
