/**
 * Multiboot 1: images and what they are told. "Multiboot Specification version 0.6.96", sections "Machine state" and "Boot information
 * format". Where the specification leaves a choice, this does as QEMU: the command line begins with the file name, and modules stand behind
 * the kernel. Unlike QEMU, 64-bit ELF files are taken too; they are entered in 32-bit mode like all others.
 */
import { cString, Structure } from "./bytes.ts";
import { LOW_RAM_MAX } from "./e820.ts";
import { loadSegments, readElfImage } from "./elf-image.ts";
import { protectedMode, type Registers } from "./initial-state.ts";
import { DoesNotFitError, LoadError } from "./load-error.ts";
import type { Boot } from "./load-options.ts";
import type { FlatImage, MultibootHeader } from "./multiboot-header.ts";
import type { Placement } from "./placement.ts";

/** in EAX: loaded by a multiboot loader */
const LOADED = 0x2bad_b002;
const BOOT_LOADER = "minusone";
/** flags: memory, boot device, command line, modules, memory map, boot loader name */
const FLAGS = 0x001 | 0x002 | 0x004 | 0x008 | 0x040 | 0x200;
/** first hard disk, no partition */
const BOOT_DEVICE = 0x8000_ffff;
const INFO_BYTES = 88;
const MAP_ENTRY = 24;
const MODULE_ENTRY = 16;
const PAGE = 0x1000;
const INFO_FROM = 0x9000;
const EXTENDED = 0x10_0000;

interface LoadedModule {
  readonly start: number;
  readonly end: number;
  readonly commandLine: string;
}

export function loadMultiboot(image: Uint8Array, header: MultibootHeader, boot: Boot, place: Placement): Registers {
  const entry = header.flat === undefined ? loadElf(image, place) : loadFlat(image, header.flat, place);
  const kernelEnd = place.top;
  const modules: LoadedModule[] = [];
  for (const { bytes, commandLine } of modulesOf(boot)) {
    const what = `the module "${commandLine}"`;
    const start = place.lowest(what, bytes.length, {
      align: PAGE,
      from: Math.max(modules.at(-1)?.end ?? kernelEnd, EXTENDED),
      below: 2 ** 32,
    });
    if (start === undefined)
      throw new DoesNotFitError(`${what} of ${bytes.length} bytes does not fit behind the kernel`, neededFor(boot, kernelEnd));
    place.write(start, bytes);
    modules.push({ start, end: start + bytes.length, commandLine });
  }
  const info = writeInfo(boot, modules, place);
  return protectedMode(place, entry, { rax: BigInt(LOADED), rbx: BigInt(info) });
}

function loadElf(image: Uint8Array, place: Placement): number {
  const elf = readElfImage(image);
  if (elf.entry >= 2 ** 32) throw new LoadError("a 64-bit multiboot image whose entry is above 4 GiB; multiboot enters in 32-bit mode");
  loadSegments(image, elf, place);
  return elf.entry;
}

function loadFlat(image: Uint8Array, flat: FlatImage, place: Placement): number {
  place.claim("the multiboot image", flat.address, flat.memoryBytes);
  place.write(flat.address, image.subarray(flat.offset, flat.offset + flat.fileBytes));
  place.zero(flat.address + flat.fileBytes, flat.memoryBytes - flat.fileBytes);
  return flat.entry;
}

function modulesOf(boot: Boot): readonly { readonly bytes: Uint8Array; readonly commandLine: string }[] {
  return boot.modules ?? (boot.initrd === undefined ? [] : [{ bytes: boot.initrd, commandLine: "initrd" }]);
}

/** KiB of RAM from 1 MiB to the first hole */
function upperKib(boot: Boot): number {
  const end = Math.min(boot.memoryBytes, LOW_RAM_MAX, ...(boot.reserved ?? []).map((r) => r.start));
  return (end - EXTENDED) / 1024;
}

/** RAM that kernel and modules, one behind the other, end in */
function neededFor(boot: Boot, kernelEnd: number): number {
  return modulesOf(boot).reduce((at, m) => Math.ceil(at / PAGE) * PAGE + m.bytes.length, Math.max(kernelEnd, EXTENDED));
}

/** Memory map, information structure, module table and strings, in one block below 640 KiB. */
function writeInfo(boot: Boot, modules: readonly LoadedModule[], place: Placement): number {
  const commandLine = cString(boot.append ? `${boot.fileName} ${boot.append}` : boot.fileName);
  const loader = cString(BOOT_LOADER);
  const texts = modules.map((m) => cString(m.commandLine));
  const mapBytes = boot.memoryMap.length * MAP_ENTRY;
  const strings = [commandLine, loader, ...texts];
  const size = mapBytes + INFO_BYTES + modules.length * MODULE_ENTRY + strings.reduce((sum, s) => sum + s.length, 0);
  const base = place.lowest("the multiboot information", size, { align: 16, from: INFO_FROM, below: EXTENDED });
  if (base === undefined)
    throw new DoesNotFitError(`the multiboot information of ${size} bytes does not fit below 640 KiB; shorten the command line`);
  const block = new Structure(size);
  boot.memoryMap.forEach((entry, i) => {
    const at = i * MAP_ENTRY;
    block
      .u32(at, MAP_ENTRY - 4)
      .u64(at + 4, entry.start)
      .u64(at + 12, entry.length)
      .u32(at + 20, entry.type);
  });
  const info = mapBytes;
  const table = info + INFO_BYTES;
  let next = table + modules.length * MODULE_ENTRY;
  const text = (bytes: Uint8Array) => {
    const at = next;
    block.put(at, bytes);
    next += bytes.length;
    return base + at;
  };
  block.u32(info, FLAGS);
  block.u32(info + 4, 640).u32(info + 8, upperKib(boot)); // mem_lower, mem_upper
  block.u32(info + 12, BOOT_DEVICE).u32(info + 16, text(commandLine));
  block.u32(info + 20, modules.length).u32(info + 24, base + table); // mods_count, mods_addr
  block.u32(info + 44, mapBytes).u32(info + 48, base); // mmap_length, mmap_addr
  block.u32(info + 64, text(loader));
  modules.forEach((m, i) => {
    block.u32(table + i * MODULE_ENTRY, m.start).u32(table + i * MODULE_ENTRY + 4, m.end);
    block.u32(table + i * MODULE_ENTRY + 8, text(texts[i]));
  });
  place.write(base, block.bytes);
  return base + info;
}
