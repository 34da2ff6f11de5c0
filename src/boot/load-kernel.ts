/**
 * Boots a kernel image without firmware: recognises its format, puts it into guest memory with what it wants to be told, and says how the
 * processor enters it. In the order in which QEMU looks: Linux bzImage, multiboot, PVH, and last a plain 64-bit ELF file.
 */
import type { Memory } from "../bus/device.ts";
import { isBzImage, loadBzImage } from "./bzimage.ts";
import { e820 } from "./e820.ts";
import { isElf, readElfImage } from "./elf-image.ts";
import type { Registers } from "./initial-state.ts";
import { LoadError, NoBootHeaderError, UnknownFormatError } from "./load-error.ts";
import type { LoadOptions } from "./load-options.ts";
import { loadMultiboot } from "./multiboot.ts";
import { findMultibootHeader } from "./multiboot-header.ts";
import { Placement } from "./placement.ts";
import { loadPlainElf64, loadPvh, pvhEntry } from "./pvh.ts";

export type ImageFormat = "bzImage" | "multiboot" | "elf" | "unknown";

export interface Loaded {
  readonly format: "bzImage" | "multiboot" | "pvh" | "elf64";
  /** fields of the vCPU state that differ from those after reset */
  readonly registers: Registers;
}

/** Enough to know whether -initrd names one file or multiboot's modules. */
export function formatOf(image: Uint8Array): ImageFormat {
  if (isBzImage(image)) return "bzImage";
  if (findMultibootHeader(image) !== undefined) return "multiboot";
  return isElf(image) ? "elf" : "unknown";
}

/** Throws a LoadError for whatever cannot be booted; memory may then hold parts of the image. */
export function loadKernel(image: Uint8Array, options: LoadOptions, memory: Memory): Loaded {
  const memoryMap = e820(options.memoryBytes, options.reserved);
  const place = new Placement(memory, memoryMap);
  const boot = { ...options, memoryMap };
  if (boot.initrd?.length === 0) throw new LoadError("the initrd is empty");
  if (isBzImage(image)) return { format: "bzImage", registers: loadBzImage(image, boot, place) };
  const header = findMultibootHeader(image);
  if (header !== undefined) return { format: "multiboot", registers: loadMultiboot(image, header, boot, place) };
  if (!isElf(image)) throw unknown(image);
  const elf = readElfImage(image);
  const entry = pvhEntry(image, elf);
  if (entry !== undefined) return { format: "pvh", registers: loadPvh(image, elf, entry, boot, place) };
  if (elf.segments.some((s) => s.type === PT_INTERP))
    throw new NoBootHeaderError(
      "a program for an operating system, not a kernel: it asks for a dynamic loader; `minusone exec` runs programs",
    );
  if (elf.bits === 64) return { format: "elf64", registers: loadPlainElf64(image, elf, boot, place) };
  throw new NoBootHeaderError(
    "a 32-bit ELF file with neither a multiboot header in its first 8192 bytes nor a PVH note, so nothing says how to enter it; " +
      "add a multiboot header, or link it for 64 bits",
  );
}

/** the path of a dynamic loader */
const PT_INTERP = 3;

const COMPRESSED: readonly (readonly [name: string, start: readonly number[], command: string])[] = [
  ["gzip", [0x1f, 0x8b], "gunzip"],
  ["xz", [0xfd, 0x37, 0x7a, 0x58, 0x5a], "unxz"],
  ["zstd", [0x28, 0xb5, 0x2f, 0xfd], "unzstd"],
  ["bzip2", [0x42, 0x5a, 0x68], "bunzip2"],
];

function unknown(image: Uint8Array): LoadError {
  if (image.length === 0) return new UnknownFormatError("the kernel image is empty");
  const packed = COMPRESSED.find(([, start]) => start.every((byte, i) => image[i] === byte));
  if (packed !== undefined) return new UnknownFormatError(`a file compressed with ${packed[0]}; unpack it first (${packed[2]})`);
  const start = [...image.subarray(0, 8)].map((b) => b.toString(16).padStart(2, "0")).join(" ");
  return new UnknownFormatError(
    `no kernel that can be booted: neither a Linux bzImage nor a multiboot image nor an ELF file; it starts with ${start}`,
  );
}
