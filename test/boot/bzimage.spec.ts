/** Offsets and values of "The Linux/x86 Boot Protocol" and of its zero page. */
import { describe, expect, it } from "vitest";
import { DamagedError, DoesNotFitError, LoadError, No64BitEntryError, TruncatedError } from "../../src/boot/load-error.ts";
import { loadKernel } from "../../src/boot/load-kernel.ts";
import type { LoadOptions } from "../../src/boot/load-options.ts";
import { GuestRam } from "../lib/guest-ram.ts";
import { type BzImageFields, bzImage } from "../lib/images.ts";

const MIB = 2 ** 20;

function load(fields: BzImageFields = {}, options: Partial<LoadOptions> = {}) {
  const memoryBytes = options.memoryBytes ?? 64 * MIB;
  const ram = new GuestRam(memoryBytes);
  const { format, registers } = loadKernel(bzImage(fields), { fileName: "vmlinuz", ...options, memoryBytes }, ram);
  return { ram, format, registers, page: ram.at(Number(registers.rsi), 4096) };
}

describe("zero page", () => {
  const { page, ram } = load({}, { append: "console=ttyS0", initrd: new Uint8Array(5000).fill(7), rsdp: 0xe_0000, vga: true });

  it("has the image's setup header, and nothing of its sectors before", () => {
    expect(page.getUint32(0x202, true)).toBe(0x5372_6448);
    expect(page.getUint16(0x206, true)).toBe(0x20f);
    expect(page.getUint32(0x260, true)).toBe(0x10_0000);
    expect(page.getUint8(0x1ef)).toBe(0); // the sentinel: whoever copies too much leaves 0xff here
  });

  it("says who loaded what where", () => {
    expect(page.getUint8(0x210)).toBe(0xff);
    expect(page.getUint32(0x214, true)).toBe(0x100_0000);
    expect(ram.text(page.getUint32(0x228, true))).toBe("console=ttyS0");
    expect(page.getBigUint64(0x70, true)).toBe(0xe_0000n);
  });

  it("names the initrd, at the top of memory on a page of its own", () => {
    expect(page.getUint32(0x218, true)).toBe(64 * MIB - 8192);
    expect(page.getUint32(0x21c, true)).toBe(5000);
    expect(ram.at(64 * MIB - 8192, 5001).getUint8(4999)).toBe(7);
  });

  it("has the memory map", () => {
    const entries = Array.from({ length: page.getUint8(0x1e8) }, (_, i) => 0x2d0 + i * 20).map((at) => [
      Number(page.getBigUint64(at, true)),
      Number(page.getBigUint64(at + 8, true)),
      page.getUint32(at + 16, true),
    ]);
    expect(entries).toEqual([
      [0, 0x9_fc00, 1],
      [0x9_fc00, 0x400, 2],
      [0xe_0000, 0x2_0000, 2],
      [0x10_0000, 63 * MIB, 1],
    ]);
    expect(page.getUint32(0x1e0, true)).toBe(63 * 1024);
  });

  it("describes a VGA in text mode 3, or none", () => {
    expect([0x06, 0x07, 0x0e, 0x0f].map((at) => page.getUint8(at))).toEqual([3, 80, 25, 1]);
    expect([0x06, 0x07, 0x0e, 0x0f].map((at) => load().page.getUint8(at))).toEqual([0, 0, 0, 0]);
  });
});

describe("64-bit entry", () => {
  const { registers, ram, format } = load();

  it("is 0x200 behind the start of the code, which stands where the kernel prefers it", () => {
    expect(format).toBe("bzImage");
    expect(registers.rip).toBe(0x100_0200n);
    expect(ram.at(0x100_0200, 4).getUint32(0, true)).toBe(0x0302_0100);
  });

  it("is in 64-bit mode with flat segments, interrupts off, __BOOT_CS and __BOOT_DS", () => {
    expect(registers).toMatchObject({ mode: 2, cs: 0x10, ds: 0x18, es: 0x18, ss: 0x18, cr0: 0x8000_0011n, cr4: 0x20n, efer: 0x500n });
    const gdt = ram.at(Number(registers.gdtrBase), 32);
    expect(gdt.getBigUint64(0x10, true)).toBe(0x00af_9b00_0000_ffffn);
    expect(gdt.getBigUint64(0x18, true)).toBe(0x00cf_9300_0000_ffffn);
  });

  it("has page tables that map all of 5 GiB to itself", () => {
    for (const address of [0, 0x7fff, 0x100_0200, 0xbfff_ffff, 0x1_2345_6789]) {
      const [l4, l3, l2] = [39, 30, 21].map((shift) => Math.floor(address / 2 ** shift) % 512);
      const pdpt = ram.at(Number(registers.cr3) + l4 * 8, 8).getBigUint64(0, true);
      const directory = ram.at(Number(pdpt & ~0xfffn) + l3 * 8, 8).getBigUint64(0, true);
      const page = ram.at(Number(directory & ~0xfffn) + l2 * 8, 8).getBigUint64(0, true);
      expect(page).toBe(BigInt(Math.floor(address / 0x20_0000) * 0x20_0000) | 0x83n);
    }
  });
});

describe("what cannot be booted", () => {
  it.each([
    ["a 32-bit kernel", { xloadflags: 0 }, No64BitEntryError, "XLF_KERNEL_64"],
    ["an old kernel", { version: 0x20a }, No64BitEntryError, "boot protocol 2.10"],
    ["a zImage", { loadflags: 0 }, No64BitEntryError, "zImage"],
    ["a file cut off", { syssize: 0x1000 }, TruncatedError, "the kernel ends at byte 66560, but the file has 2048"],
    ["an absurd address", { preferred: 2 ** 52 }, DamagedError, "damaged"],
    ["no code", { syssize: 0 }, DamagedError, "0 bytes"],
  ] as const)("%s", (_, fields, error, words) => {
    expect(() => load(fields)).toThrow(error);
    expect(() => load(fields)).toThrow(words);
  });

  it("a kernel that needs more memory than there is says how much would do", () => {
    expect(() => load({ initBytes: 60 * MIB })).toThrow(/RAM ends at 0x4000000; 76M of memory would do \(-m 76M\)/);
  });

  it("an initrd that does not fit beside the kernel says how much would do", () => {
    const initrd = new Uint8Array(40 * MIB);
    expect(() => load({ initBytes: 16 * MIB }, { initrd })).toThrow(DoesNotFitError);
    expect(() => load({ initBytes: 16 * MIB }, { initrd })).toThrow(
      /41943040 bytes does not fit beside the kernel; 72M of memory would do/,
    );
    expect(load({ initBytes: 16 * MIB }, { initrd, memoryBytes: 72 * MIB }).page.getUint32(0x218, true)).toBe(32 * MIB);
  });

  it("an initrd that this kernel cannot reach", () => {
    const initrd = new Uint8Array(2 * MIB);
    expect(() => load({ initrdMax: 0x11f_ffff, initBytes: 2 * MIB, preferred: 0x10_0000 }, { initrd: new Uint8Array(17 * MIB) })).toThrow(
      /below 0x1200000/,
    );
    expect(load({ initrdMax: 0x17f_ffff }, { initrd }).page.getUint32(0x218, true)).toBe(0x160_0000);
  });

  it("an empty initrd, a command line that is too long", () => {
    expect(() => load({}, { initrd: new Uint8Array() })).toThrow("the initrd is empty");
    expect(() => load({}, { append: "x".repeat(2048) })).toThrow(LoadError);
    expect(() => load({}, { append: "x".repeat(2047) })).not.toThrow();
  });
});
