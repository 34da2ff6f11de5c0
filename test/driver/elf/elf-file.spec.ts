/** What is read of a module's file, and how a damaged one is refused. */
import { describe, expect, it } from "vitest";
import { ElfFile } from "../../../src/driver/elf/elf-file.ts";
import { failure } from "../../lib/driver-error.ts";
import { CODE, DATA, elfModule, type ModuleText, type SegmentText } from "../../lib/elf-module.ts";

const parse = (text: ModuleText = {}) => new ElfFile("m.so", elfModule(text));
/** a good module with bytes changed */
const patched = (at: number, ...bytes: number[]) => {
  const file = elfModule({});
  file.set(bytes, at);
  return new ElfFile("m.so", file);
};

describe("header", () => {
  it("ELF-1: no bytes, and fewer than 64, are an invalid argument", () => {
    const whole = elfModule({});
    for (const length of [0, 1, 4, 63]) {
      const message = failure("BFELF_ERROR_INVALID_ARG", () => new ElfFile("m.so", whole.subarray(0, length)));
      expect(message).toMatch(/^m\.so: /);
    }
    expect(new ElfFile("m.so", whole).totalSize).toBeGreaterThan(0);
  });

  it.each([0, 1, 2, 3])("ELF-2: byte %i of the signature is checked", (at) => {
    expect(failure("BFELF_ERROR_INVALID_SIGNATURE", () => patched(at, 0))).toContain("not an ELF file");
  });

  const UNSUPPORTED: readonly [what: string, at: number, value: number, says: RegExp][] = [
    ["class", 4, 1, /32 bits/],
    ["byte order", 5, 2, /big-endian/],
    ["version of the identification", 6, 2, /version 2/],
    ["OS ABI", 7, 3, /GNU/],
    ["ABI version", 8, 1, /ABI/],
    ["type", 16, 1, /relocatable/],
    ["machine", 18, 183, /AArch64/],
    ["version", 20, 2, /version 2/],
    ["flags", 48, 1, /flags 0x1/],
  ];
  it.each(UNSUPPORTED)("ELF-3: %s", (_, at, value, says) => {
    expect(failure("BFELF_ERROR_UNSUPPORTED_FILE", () => patched(at, value))).toMatch(says);
  });
  it("ELF-3: they are checked in this order", () => {
    const file = elfModule({});
    for (const [, at, value] of UNSUPPORTED) file[at] = value;
    for (const [, at, , says] of UNSUPPORTED) {
      expect(failure("BFELF_ERROR_UNSUPPORTED_FILE", () => new ElfFile("m.so", file))).toMatch(says);
      file[at] = elfModule({})[at];
    }
  });
  it("ELF-3: shared objects and executables", () => {
    expect(parse({ type: 3 }).positionIndependent).toBe(true);
    expect(parse({ type: 2, base: 0x40_0000 }).start).toBe(0x40_0000n);
  });
});

describe("segments", () => {
  it("ELF-5 ELF-6: the image from the first segment to the end of the last, and a load instruction for each", () => {
    const elf = parse({ base: 0x40_0000, data: Uint8Array.of(1, 2, 3), dataMemory: 0x1800 });
    expect(elf.start).toBe(0x40_0000n);
    expect(elf.totalSize).toBe(DATA + 0x1800);
    expect(elf.loads.slice(1)).toEqual([
      { permissions: 5, memoryOffset: CODE, fileOffset: CODE, memorySize: 1, fileSize: 1, virtualAddress: 0x40_0000n + BigInt(CODE) },
      { permissions: 6, memoryOffset: DATA, fileOffset: DATA, memorySize: 0x1800, fileSize: 3, virtualAddress: 0x40_0000n + BigInt(DATA) },
    ]);
  });

  it("ELF-5: stack permissions and relro", () => {
    expect(parse().stackPermissions).toBe(6);
    const elf = parse({
      segments: (usual) => [
        ...usual.slice(0, 4),
        { ...usual[4], flags: 7 },
        { type: 0x6474e552, flags: 4, offset: DATA, address: DATA, fileSize: 16, memorySize: 0x1000 },
      ],
    });
    expect(elf.stackPermissions).toBe(7);
    expect(elf.relro).toEqual({ address: BigInt(DATA), size: 0x1000n });
  });

  it("CONST-4 ELF-5: four segments are loaded, a fifth is refused", () => {
    const more = (count: number) => (usual: readonly SegmentText[]) => [
      ...usual,
      ...Array.from({ length: count }, (_, i) => ({ ...usual[2], address: DATA + 0x1000 * (i + 1) })),
    ];
    expect(parse({ segments: more(1) }).loads).toHaveLength(4);
    expect(failure("BFELF_ERROR_LOADER_FULL", () => parse({ segments: more(2) }))).toContain("5 segments");
  });

  const change = (index: number, fields: Partial<SegmentText>) => ({
    segments: (usual: readonly SegmentText[]) => usual.map((segment, i) => (i === index ? { ...segment, ...fields } : segment)),
  });
  const DAMAGED: readonly [string, ModuleText, RegExp][] = [
    ["larger in the file than in memory", change(1, { fileSize: 2 }), /larger in the file/],
    ["bytes behind the end of the file", change(2, { offset: 0x7fff_ffff }), /the file ends at/],
    ["an offset whose sum wraps", change(2, { fileSize: 0xffff_ffff_ffff_ff00n, memorySize: 0xffff_ffff_ffff_ff00n }), /address space/],
    ["overlapping", change(1, { address: 0x20 }), /overlaps the one before it/],
    ["in descending order", change(2, { address: 0x8000 }), /stands below/],
    ["an image of 2^60 bytes", change(2, { memorySize: 1n << 60n }), /too large/],
    ["beyond the address space", change(2, { address: 0xffff_ffff_ffff_ff00n, memorySize: 0x1000n }), /address space/],
    ["none", { segments: (usual) => usual.slice(3) }, /no segment/],
    ["writable and executable", change(1, { flags: 7 }), /writable and executable/],
    ["writable on a page with code", change(2, { address: CODE + 0x20 }), /0x10000 holds writable data and code/],
  ];
  it.each(DAMAGED)("ELF-4 segments: %s", (_, text, says) => {
    expect(failure("BFELF_ERROR_INVALID_SEGMENT", () => parse(text))).toMatch(says);
  });
  it("writable code is taken if that is allowed", () => {
    const bytes = elfModule(change(1, { flags: 7 }));
    expect(new ElfFile("m.so", bytes, { allowWritableCode: true }).loadInstruction(1).permissions).toBe(7);
  });

  it("ELF-4: tables of headers that the file does not hold", () => {
    expect(failure("BFELF_ERROR_INVALID_FILE", () => patched(32, 0, 0, 0xff, 0x7f))).toContain("table of program headers");
    expect(failure("BFELF_ERROR_INVALID_FILE", () => patched(54, 57))).toContain("entries of 57 bytes");
    expect(failure("BFELF_ERROR_INVALID_FILE", () => patched(58, 64, 0, 1, 0, 0, 0, 0xff, 0xff))).toMatch(/section/);
  });
});

describe("dynamic section and sections", () => {
  it("ELF-7: the tags that count", () => {
    const elf = parse({
      needed: ["liba.so", "libb.so"],
      dynamic: [
        [12, CODE],
        [13, CODE],
        [25, DATA],
        [27, 16],
        [26, DATA + 16],
        [28, 8],
        [0x6fff_fffb, 1],
        [0x6fff_fef5, 0x1234],
      ],
    });
    expect(elf.needed).toEqual(["liba.so", "libb.so"]);
    expect(elf.dynamic).toMatchObject({
      init: BigInt(CODE),
      fini: BigInt(CODE),
      initArray: { address: BigInt(DATA), size: 16n },
      finiArray: { address: BigInt(DATA + 16), size: 8n },
      flags1: 1n,
    });
  });
  it("ELF-7: DT_NULL ends it", () => {
    expect(
      parse({
        dynamic: [
          [0, 0],
          [12, CODE],
        ],
      }).dynamic.init,
    ).toBe(0n);
  });
  it("CONST-4 ELF-7: 25 libraries, not more", () => {
    const libraries = (count: number) => Array.from({ length: count }, (_, i) => `l${i}`);
    expect(parse({ needed: libraries(25) }).needed).toHaveLength(25);
    expect(failure("BFELF_ERROR_LOADER_FULL", () => parse({ needed: libraries(26) }))).toContain("26 libraries");
  });
  it("relocations without addends are refused, not left out", () => {
    expect(failure("BFELF_ERROR_UNSUPPORTED_RELA", () => parse({ dynamic: [[17, 0x400]] }))).toContain("DT_REL");
  });

  const section = (name: string, address: number, size: number) => ({ name, type: 1, address, offset: address, size });
  it("ELF-8: .eh_frame, and .ctors and .dtors before the arrays", () => {
    const arrays: ModuleText["dynamic"] = [
      [25, DATA],
      [27, 8],
      [26, DATA + 8],
      [28, 8],
    ];
    expect(parse({ dynamic: arrays, sections: [section(".eh_frame", CODE, 1)] }).ranges).toMatchObject({
      ehFrame: { address: BigInt(CODE), size: 1n },
      initArray: { address: BigInt(DATA), size: 8n },
    });
    const old = parse({ dynamic: arrays, sections: [section(".ctors", DATA + 16, 16), section(".dtors", DATA + 32, 16)] });
    expect(old.ranges.initArray).toMatchObject({ address: BigInt(DATA + 16), size: 16n });
    expect(old.ranges.finiArray).toMatchObject({ address: BigInt(DATA + 32), size: 16n });
  });
  it("ELF-4 sections: extent, name, link, alignment, place in the image", () => {
    const one = (fields: object) => () => parse({ sections: [{ ...section(".eh_frame", CODE, 1), ...fields }] });
    expect(failure("BFELF_ERROR_INVALID_SECTION", one({ offset: 0x7000_0000 }))).toContain("section .eh_frame");
    expect(failure("BFELF_ERROR_INVALID_SECTION", one({ link: 3 }))).toContain("linked to section 3");
    expect(failure("BFELF_ERROR_INVALID_SECTION", one({ address: 0x9000_0000 }))).toContain("outside of the image");
    expect(failure("BFELF_ERROR_UNSUPPORTED_FILE", one({ flags: 2, align: 0x20_0000 }))).toContain("aligned to 0x200000");
    const bytes = elfModule({ sections: [section(".eh_frame", CODE, 1)] });
    new DataView(bytes.buffer).setUint32(DATA + 64 + 64, 0x00ff_ffff, true);
    expect(failure("BFELF_ERROR_INVALID_FILE", () => new ElfFile("m.so", bytes))).toContain("name of section 1");
  });

  it("ELF-9: queries, and indices behind the end", () => {
    const elf = parse({ needed: ["liba.so"] });
    expect(elf.loads).toHaveLength(3);
    expect(elf.loadInstruction(2).memoryOffset).toBe(DATA);
    expect(elf.neededLibrary(0)).toBe("liba.so");
    expect(elf.positionIndependent).toBe(true);
    expect(parse({ base: 0x1000 }).positionIndependent).toBe(false);
    for (const index of [3, -1]) expect(failure("BFELF_ERROR_INVALID_INDEX", () => elf.loadInstruction(index))).toContain(`${index}`);
    for (const index of [1, -1]) expect(failure("BFELF_ERROR_INVALID_INDEX", () => elf.neededLibrary(index))).toContain(`${index}`);
  });
});
