/** PVH by Xen's "x86/HVM direct boot ABI"; plain ELF; and files that are nothing of the kind. */
import { describe, expect, it } from "vitest";
import {
  DamagedError,
  DoesNotFitError,
  LoadError,
  NoBootHeaderError,
  TruncatedError,
  UnknownFormatError,
} from "../../src/boot/load-error.ts";
import { loadKernel } from "../../src/boot/load-kernel.ts";
import type { LoadOptions } from "../../src/boot/load-options.ts";
import { GuestRam } from "../lib/guest-ram.ts";
import { imageElf, xenNote } from "../lib/images.ts";

const MIB = 2 ** 20;
const code = Uint8Array.of(0xf4, 0xeb, 0xfd);
const plain = { bits: 64, entry: 0x20_0000, physical: 0x20_0000, code } as const;

function load(image: Uint8Array, options: Partial<LoadOptions> = {}) {
  const ram = new GuestRam(64 * MIB);
  return { ram, ...loadKernel(image, { fileName: "kernel", ...options, memoryBytes: 64 * MIB }, ram) };
}

describe("PVH", () => {
  it.each([
    [32, 4],
    [64, 4],
    [64, 8],
  ] as const)("enters an ELF of %d bits in 32-bit mode where its note of %d bytes says", (bits, bytes) => {
    const { format, registers } = load(imageElf({ ...plain, bits, note: xenNote(18, 0x20_0001, bytes) }));
    expect(format).toBe("pvh");
    expect(registers).toMatchObject({ mode: 1, cr0: 0x11n, rip: 0x20_0001n, csBase: 0n, csLimit: 0xffff_ffff, trLimit: 0x67 });
  });

  it("tells command line, initrd, tables and memory map", () => {
    const initrd = new Uint8Array(5000).fill(9);
    const { ram, registers } = load(imageElf({ ...plain, note: xenNote(18, 0x20_0000, 4) }), { append: "a=b", initrd, rsdp: 0xe_0000 });
    const info = ram.at(Number(registers.rbx), 56);
    const address = (at: number) => Number(info.getBigUint64(at, true));
    expect([info.getUint32(0, true), info.getUint32(4, true), info.getUint32(12, true)]).toEqual([0x336e_c578, 1, 1]);
    expect(ram.text(address(24))).toBe("a=b");
    expect(address(32)).toBe(0xe_0000);
    const module = ram.at(address(16), 32);
    expect([module.getBigUint64(0, true), module.getBigUint64(8, true)]).toEqual([BigInt(64 * MIB - 8192), 5000n]);
    expect(ram.at(64 * MIB - 8192, 1).getUint8(0)).toBe(9);
    const map = ram.at(address(40), info.getUint32(48, true) * 24);
    expect(map.byteLength).toBe(4 * 24);
    expect([map.getBigUint64(72, true), map.getBigUint64(80, true), map.getUint32(88, true)]).toEqual([0x10_0000n, BigInt(63 * MIB), 1]);
  });

  it("looks for its note among others", () => {
    const note = Uint8Array.of(...xenNote(5, 1, 4), ...xenNote(18, 0x20_0002, 4));
    expect(load(imageElf({ ...plain, note })).registers.rip).toBe(0x20_0002n);
    expect(load(imageElf({ ...plain, note: xenNote(5, 1, 4) })).format).toBe("elf64");
  });
});

describe("plain ELF64", () => {
  it("is entered in 64-bit mode with a stack, start info in RDI, and zeros behind its data", () => {
    const { ram, format, registers } = load(imageElf({ ...plain, memoryBytes: 0x2_0000 }));
    expect(format).toBe("elf64");
    expect(registers).toMatchObject({ mode: 2, rip: 0x20_0000n, rsp: 0x8ff0n });
    expect(ram.at(Number(registers.rdi), 4).getUint32(0, true)).toBe(0x336e_c578);
    expect(ram.at(0x20_0000, 4).getUint32(0, true)).toBe(0x00fd_ebf4);
  });

  it("is entered at the physical address of its entry", () => {
    expect(load(imageElf({ ...plain, virtual: 2 ** 46, entry: 2 ** 46 + 1 })).registers.rip).toBe(0x20_0001n);
  });
});

describe("what cannot be booted", () => {
  const elf = imageElf(plain);
  const patched = (at: number, ...bytes: number[]) => {
    const copy = elf.slice();
    copy.set(bytes, at);
    return copy;
  };
  it.each([
    ["an empty file", new Uint8Array(), UnknownFormatError, "empty"],
    ["text", new TextEncoder().encode("#!/bin/sh\n"), UnknownFormatError, "it starts with 23 21 2f 62 69 6e 2f 73"],
    ["a packed kernel", Uint8Array.of(0x1f, 0x8b, 8, 0), UnknownFormatError, "compressed with gzip; unpack it first (gunzip)"],
    ["ELF of 32 bits", imageElf({ ...plain, bits: 32 }), NoBootHeaderError, "add a multiboot header"],
    ["a program", imageElf({ ...plain, note: new Uint8Array(9), noteType: 3 }), NoBootHeaderError, "`minusone exec` runs programs"],
    ["another processor", imageElf({ ...plain, machine: 183 }), UnknownFormatError, "machine 183"],
    ["an object file", imageElf({ ...plain, type: 1 }), UnknownFormatError, "link it first"],
    ["big-endian", patched(5, 2), UnknownFormatError, "big-endian"],
    ["no class", patched(4, 7), DamagedError, "class 7"],
    ["half a header", elf.slice(0, 40), TruncatedError, "ELF header"],
    ["half a segment", elf.slice(0, 0x101), TruncatedError, "ends at byte 259, but the file has 257"],
    ["thousands of headers", patched(56, 0xff, 0xff), DamagedError, "65535 program headers"],
    ["an entry nowhere", imageElf({ ...plain, entry: 0x1234 }), DamagedError, "entry 0x1234"],
    ["more in the file than in memory", imageElf({ ...plain, memoryBytes: 1 }), DamagedError, "larger in the file"],
    ["an absurd size", imageElf({ ...plain, memoryBytes: 2 ** 50 }), LoadError, "beyond all RAM"],
    ["more than there is", imageElf({ ...plain, memoryBytes: 2 ** 27 }), DoesNotFitError, "130M of memory would do"],
    ["a note without end", imageElf({ ...plain, note: xenNote(18, 0, 4).fill(0xff, 4, 5) }), DamagedError, "note"],
  ] as const)("%s", (_, image, error, words) => {
    expect(() => load(image)).toThrow(error);
    expect(() => load(image)).toThrow(words);
  });
});
