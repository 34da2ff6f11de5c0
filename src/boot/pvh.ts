/**
 * The PVH boot protocol and, for want of anything better, plain 64-bit ELF files. Xen's "x86/HVM direct boot ABI" (docs/misc/pvh.pandoc) and
 * public/arch-x86/hvm/start_info.h. A plain ELF64 image is entered in 64-bit mode at its entry, with the same start info in RDI.
 */
import { cString, Reader, Structure } from "./bytes.ts";
import { type ElfImage, loadSegments } from "./elf-image.ts";
import { longMode, protectedMode, type Registers } from "./initial-state.ts";
import { DamagedError, DoesNotFitError } from "./load-error.ts";
import type { Boot } from "./load-options.ts";
import type { Placement } from "./placement.ts";

const PT_NOTE = 4;
const XEN_ELFNOTE_PHYS32_ENTRY = 18;
const MAGIC = 0x336e_c578;
const INFO_BYTES = 56;
const MODULE_ENTRY = 32;
const MAP_ENTRY = 24;
const PAGE = 0x1000;
const EXTENDED = 0x10_0000;
const INFO_FROM = 0x1_0000;

export function loadPvh(image: Uint8Array, elf: ElfImage, entry: number, boot: Boot, place: Placement): Registers {
  loadSegments(image, elf, place);
  return protectedMode(place, entry, { rbx: BigInt(writeStartInfo(boot, place)) });
}

export function loadPlainElf64(image: Uint8Array, elf: ElfImage, boot: Boot, place: Placement): Registers {
  loadSegments(image, elf, place);
  const registers = longMode(place, elf.entry, {});
  return { ...registers, rdi: BigInt(writeStartInfo(boot, place)) };
}

/** Physical address of the 32-bit entry, if a note names one. */
export function pvhEntry(image: Uint8Array, elf: ElfImage): number | undefined {
  const r = new Reader(image, "ELF notes");
  for (const segment of elf.segments.filter((s) => s.type === PT_NOTE)) {
    const end = segment.offset + segment.fileSize;
    for (let at = segment.offset; at + 12 <= end; ) {
      const [nameBytes, descBytes, type] = [r.u32(at), r.u32(at + 4), r.u32(at + 8)];
      const desc = at + 12 + aligned(nameBytes);
      const next = desc + aligned(descBytes);
      if (next > end) throw new DamagedError(`damaged: the ELF note at byte ${at} is longer than its segment`);
      const isXen = nameBytes === 4 && r.u32(at + 12) === 0x006e_6558;
      if (isXen && type === XEN_ELFNOTE_PHYS32_ENTRY) return descBytes >= 8 ? r.u64(desc) : r.u32(desc);
      at = next;
    }
  }
  return undefined;
}

/** `struct hvm_start_info` version 1 with memory map, module list and command line, in one block below 640 KiB. */
function writeStartInfo(boot: Boot, place: Placement): number {
  const initrd = boot.initrd ?? boot.modules?.[0]?.bytes;
  const commandLine = cString(boot.append ?? "");
  const map = INFO_BYTES;
  const list = map + boot.memoryMap.length * MAP_ENTRY;
  const text = list + MODULE_ENTRY;
  const size = text + commandLine.length;
  const base = place.lowest("the PVH start info", size, { align: 16, from: INFO_FROM, below: EXTENDED });
  if (base === undefined)
    throw new DoesNotFitError(`the PVH start info of ${size} bytes does not fit below 640 KiB; shorten the command line`);
  const block = new Structure(size);
  block.u32(0, MAGIC).u32(4, 1); // version
  block.u64(24, base + text).u64(32, boot.rsdp ?? 0);
  block.u64(40, base + map).u32(48, boot.memoryMap.length);
  boot.memoryMap.forEach((entry, i) => {
    const at = map + i * MAP_ENTRY;
    block
      .u64(at, entry.start)
      .u64(at + 8, entry.length)
      .u32(at + 16, entry.type);
  });
  if (initrd !== undefined) {
    block.u32(12, 1).u64(16, base + list); // nr_modules, modlist_paddr
    block.u64(list, placeInitrd(initrd, place)).u64(list + 8, initrd.length);
  }
  block.put(text, commandLine);
  place.write(base, block.bytes);
  return base;
}

function placeInitrd(initrd: Uint8Array, place: Placement): number {
  const at = place.highest("the initrd", initrd.length, { align: PAGE, from: EXTENDED, below: 2 ** 32 });
  if (at === undefined)
    throw new DoesNotFitError(
      `the initrd of ${initrd.length} bytes does not fit beside the kernel`,
      Math.max(place.top, EXTENDED) + initrd.length + PAGE,
    );
  place.write(at, initrd);
  return at;
}

function aligned(bytes: number): number {
  return (bytes + 3) & ~3;
}
