/** "Multiboot Specification version 0.6.96"; file names and modules as QEMU has them. */
import { describe, expect, it } from "vitest";
import { DamagedError, DoesNotFitError, LoadError, TruncatedError } from "../../src/boot/load-error.ts";
import { formatOf, loadKernel } from "../../src/boot/load-kernel.ts";
import { type LoadOptions, splitModules } from "../../src/boot/load-options.ts";
import { GuestRam } from "../lib/guest-ram.ts";
import { imageElf, multibootHeader } from "../lib/images.ts";

const MIB = 2 ** 20;
const text = (s: string) => new TextEncoder().encode(s);

function load(image: Uint8Array, options: Partial<LoadOptions> = {}) {
  const memoryBytes = options.memoryBytes ?? 64 * MIB;
  const ram = new GuestRam(memoryBytes);
  const { format, registers } = loadKernel(image, { fileName: "dir/test.flat", ...options, memoryBytes }, ram);
  expect(format).toBe("multiboot");
  return { ram, registers, info: ram.at(Number(registers.rbx), 88) };
}

const code = (header: Uint8Array) => Uint8Array.of(...header, 0x11, 0x22, 0x33, 0x44);
const elf32 = imageElf({ bits: 32, entry: 0x40_000c, physical: 0x40_0000, code: code(multibootHeader(0)), memoryBytes: 0x2000 });

/** header_addr, load_addr, load_end_addr, bss_end_addr, entry_addr of an image whose header is at byte `before` */
const flat = (before: number, ...addresses: number[]) =>
  Uint8Array.of(...new Uint8Array(before), ...code(multibootHeader(0x1_0003, addresses)));

describe("machine state", () => {
  it("is 32-bit protected mode without paging, with the magic number and the information's address", () => {
    const { registers } = load(elf32);
    expect(registers).toMatchObject({ mode: 1, cr0: 0x11n, cr4: 0n, efer: 0n, csRights: 0xc09b, ssRights: 0xc093, csLimit: 0xffff_ffff });
    expect(registers).toMatchObject({ rip: 0x40_000cn, rax: 0x2bad_b002n });
  });
});

describe("information", () => {
  const modules = [
    { bytes: text("first"), commandLine: "env a b" },
    { bytes: text("second"), commandLine: "other" },
  ];
  const { ram, info } = load(elf32, { append: "-x 1", modules, memoryBytes: 256 * MIB });

  it("has memory sizes, command line and the loader's name", () => {
    expect(info.getUint32(0, true)).toBe(0x24f);
    expect([info.getUint32(4, true), info.getUint32(8, true)]).toEqual([640, 255 * 1024]);
    expect(ram.text(info.getUint32(16, true))).toBe("dir/test.flat -x 1");
    expect(ram.text(info.getUint32(64, true))).toBe("minusone");
    const bare = load(elf32);
    expect(bare.ram.text(bare.info.getUint32(16, true))).toBe("dir/test.flat");
  });

  it("has the modules, on pages behind the kernel", () => {
    expect(info.getUint32(20, true)).toBe(2);
    const table = ram.at(info.getUint32(24, true), 32);
    const rows = [0, 16].map((at) => [0, 4, 8].map((field) => table.getUint32(at + field, true)));
    expect(rows.map(([start, end, line]) => [start, end, ram.text(line)])).toEqual([
      [0x40_2000, 0x40_2005, "env a b"],
      [0x40_3000, 0x40_3006, "other"],
    ]);
    expect(ram.text(0x40_3000)).toBe("second");
  });

  it("has the memory map, each entry behind its size", () => {
    const map = ram.at(info.getUint32(48, true), info.getUint32(44, true));
    expect(map.byteLength).toBe(4 * 24);
    expect(map.getUint32(72, true)).toBe(20);
    expect([map.getBigUint64(76, true), map.getBigUint64(84, true), map.getUint32(92, true)]).toEqual([0x10_0000n, BigInt(255 * MIB), 1]);
  });
});

describe("images", () => {
  it("ELF of 64 bits are entered in 32-bit mode too, at the physical address of their entry", () => {
    const virtual = 0xffff_8000_0000;
    const image = imageElf({ bits: 64, entry: virtual + 12, virtual, physical: 0x20_0000, code: code(multibootHeader(1)) });
    const { registers, ram } = load(image);
    expect(registers).toMatchObject({ rip: 0x20_000cn, mode: 1 });
    expect(ram.at(0x20_000c, 4).getUint32(0, true)).toBe(0x4433_2211);
  });

  it("with address fields go where these say, what is before the header included", () => {
    const image = flat(64, 0x10_0040, 0x10_0000, 0, 0x11_0000, 0x10_0060);
    const { registers, ram } = load(image);
    expect(registers.rip).toBe(0x10_0060n);
    expect(ram.at(0x10_0060, 4).getUint32(0, true)).toBe(0x4433_2211);
  });

  it("with address fields may name only a part of the file, and where its end is", () => {
    const { ram } = load(flat(64, 0x10_0000, 0x10_0000, 0x10_0022, 0, 0x10_0020));
    expect(ram.at(0x10_0020, 4).getUint32(0, true)).toBe(0x2211);
  });

  it("below 1 MiB leave room for the information elsewhere", () => {
    const image = flat(0, 0x9000, 0x9000, 0, 0x8_0000, 0x9020);
    expect(load(image).registers.rbx).toBe(BigInt(0x8_0000 + 4 * 24));
  });
});

describe("what cannot be booted", () => {
  it.each([
    ["features nobody defined", code(multibootHeader(0x8)), LoadError, "features 0x8"],
    ["load_addr behind the header", flat(0, 0x10_0000, 0x20_0000, 0, 0, 0x20_0000), DamagedError, "load_addr"],
    ["more before the header than there is", flat(0, 0x10_0010, 0x10_0000, 0, 0, 0x10_0000), DamagedError, "header_addr"],
    ["an end before the start", flat(0, 0x10_0000, 0x10_0000, 0xf_0000, 0, 0x10_0000), DamagedError, "load_end_addr"],
    ["bss before the end of the code", flat(0, 0x10_0000, 0x10_0000, 0, 0x10_0004, 0x10_0000), DamagedError, "bss_end_addr"],
    ["an entry outside", flat(0, 0x10_0000, 0x10_0000, 0, 0, 0x30_0000), DamagedError, "entry_addr"],
    ["a file cut off", flat(0, 0x10_0000, 0x10_0000, 0x10_1000, 0, 0x10_0000), TruncatedError, "truncated"],
    ["video memory", flat(0, 0xb_8000, 0xb_8000, 0, 0, 0xb_8000), LoadError, "which is not RAM"],
    ["RAM that is not there", flat(0, 0x800_0000, 0x800_0000, 0, 0, 0x800_0000), DoesNotFitError, "129M of memory would do"],
    ["the boot GDT", flat(0, 0x500, 0x500, 0, 0, 0x500), LoadError, "the boot GDT at 0x500-0x51f overlaps the multiboot image"],
  ] as const)("%s", (_, image, error, words) => {
    expect(() => load(image)).toThrow(error);
    expect(() => load(image)).toThrow(words);
  });

  it("a module that does not fit", () => {
    const modules = [{ bytes: new Uint8Array(70 * MIB), commandLine: "big x" }];
    expect(() => load(elf32, { modules })).toThrow(
      /the module "big x" of 73400320 bytes does not fit behind the kernel; 75M of memory would do/,
    );
  });
});

describe("-initrd for modules", () => {
  it("splits at commas, and keeps commas that are written twice", () => {
    expect(splitModules("env a=1,lib/x,,y -v,z")).toEqual([
      { path: "env", commandLine: "env a=1" },
      { path: "lib/x,y", commandLine: "lib/x,y -v" },
      { path: "z", commandLine: "z" },
    ]);
  });

  it("is looked at only for multiboot images", () => {
    expect([elf32, imageElf({ bits: 64, entry: 0, physical: 0, code: new Uint8Array(9) }), new Uint8Array(9)].map(formatOf)).toEqual([
      "multiboot",
      "elf",
      "unknown",
    ]);
  });
});
