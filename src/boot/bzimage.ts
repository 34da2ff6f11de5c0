/**
 * Linux kernels by the 64-bit boot protocol: "The Linux/x86 Boot Protocol", sections "The Real-Mode Kernel Header" and "64-bit Boot
 * Protocol" (arch/x86/boot.rst). The real-mode part of the image is not used; the firmware calls it would make are answered by the zero page.
 */
import { cString, Reader } from "./bytes.ts";
import { longMode, type Registers } from "./initial-state.ts";
import { DamagedError, DoesNotFitError, hex, LoadError, No64BitEntryError, TruncatedError } from "./load-error.ts";
import type { Boot } from "./load-options.ts";
import type { Placement } from "./placement.ts";
import { SETUP_HEADER, ZERO_PAGE_BYTES, zeroPage } from "./zero-page.ts";

const BOOT_FLAG = 0xaa55;
const HDRS = 0x5372_6448;
/** 2.12: xloadflags */
const FIRST_VERSION = 0x20c;
const XLF_KERNEL_64 = 1;
const LOADED_HIGH = 1;
const SECTOR = 512;
/** of the 64-bit entry behind the start of the protected-mode part */
const ENTRY64 = 0x200;

const ZERO_PAGE = 0x7000;
const COMMAND_LINE = 0x2_0000;
const PAGE = 0x1000;
const LOADED_AT_LEAST = 0x10_0000;

interface SetupHeader {
  readonly bytes: Uint8Array;
  readonly codeAt: number;
  readonly codeBytes: number;
  readonly preferred: number;
  readonly initBytes: number;
  readonly initrdMax: number;
  readonly commandLineMax: number;
}

export function isBzImage(image: Uint8Array): boolean {
  if (image.length < 0x206) return false;
  const r = new Reader(image, "setup header");
  return r.u16(0x1fe) === BOOT_FLAG && r.u32(0x202) === HDRS;
}

export function loadBzImage(image: Uint8Array, options: Boot, place: Placement): Registers {
  const header = setupHeader(image);
  const kernel = header.preferred;
  claimKernel(place, header);
  const text = cString(options.append ?? "");
  if (text.length - 1 > header.commandLineMax)
    throw new LoadError(`the command line (-append) has ${text.length - 1} bytes, but this kernel takes ${header.commandLineMax} at most`);
  place.claim("the command line", COMMAND_LINE, text.length);
  place.claim("the zero page", ZERO_PAGE, ZERO_PAGE_BYTES);
  const initrd = options.initrd ?? new Uint8Array();
  const initrdAt = initrd.length === 0 ? 0 : placeInitrd(place, initrd, header);
  const page = zeroPage({
    header: header.bytes,
    kernel,
    commandLine: COMMAND_LINE,
    initrd: initrdAt,
    initrdBytes: initrd.length,
    memory: options.memoryMap,
    memoryBytes: options.memoryBytes,
    vga: options.vga ?? false,
    ...(options.rsdp === undefined ? {} : { rsdp: options.rsdp }),
  });
  place.write(kernel, image.subarray(header.codeAt, header.codeAt + header.codeBytes));
  place.write(COMMAND_LINE, text);
  place.write(ZERO_PAGE, page);
  place.write(initrdAt, initrd);
  return longMode(place, kernel + ENTRY64, { rsi: BigInt(ZERO_PAGE) });
}

function setupHeader(image: Uint8Array): SetupHeader {
  const r = new Reader(image, "setup header");
  const version = r.u16(0x206);
  if (version < FIRST_VERSION)
    throw new No64BitEntryError(
      `a Linux kernel with boot protocol ${version >> 8}.${String(version & 0xff).padStart(2, "0")}, which has no 64-bit entry; ` +
        "a 64-bit kernel of version 3.8 or later is needed",
    );
  if ((r.u16(0x236) & XLF_KERNEL_64) === 0)
    throw new No64BitEntryError(
      "a Linux kernel without 64-bit entry (XLF_KERNEL_64 is clear): a 32-bit kernel; build or install one for x86-64",
    );
  if ((r.u8(0x211) & LOADED_HIGH) === 0)
    throw new No64BitEntryError("a zImage, which loads below 1 MiB and has no 64-bit entry; make a bzImage");
  const codeAt = ((r.u8(0x1f1) || 4) + 1) * SECTOR;
  if (image.length <= codeAt)
    throw new TruncatedError(`truncated: the kernel starts at byte ${codeAt}, but the file has ${image.length}; is it complete?`);
  const codeBytes = r.u32(0x1f4) * 16; // syssize
  // what follows, a signature, is no part of the kernel
  if (image.length < codeAt + codeBytes)
    throw new TruncatedError(`truncated: the kernel ends at byte ${codeAt + codeBytes}, but the file has ${image.length}; is it complete?`);
  const end = 0x202 + r.u8(0x201);
  if (end < 0x264 || end > 0x290) throw new DamagedError(`damaged: the setup header ends at ${hex(end)}, not between 0x264 and 0x290`);
  const header = {
    bytes: image.slice(SETUP_HEADER, end),
    codeAt,
    codeBytes,
    preferred: r.u64(0x258),
    initBytes: r.u32(0x260),
    initrdMax: r.u32(0x22c),
    commandLineMax: r.u32(0x238),
  };
  if (header.preferred < LOADED_AT_LEAST || header.preferred % PAGE !== 0 || header.preferred > 2 ** 32)
    throw new DamagedError(`damaged: the setup header prefers to be loaded to ${hex(header.preferred)}`);
  if (codeBytes <= ENTRY64) throw new DamagedError(`damaged: the setup header says that the kernel has ${codeBytes} bytes`);
  return header;
}

/** The kernel unpacks itself into init_size bytes from where it is loaded; RAM must reach that far. */
function claimKernel(place: Placement, { preferred, initBytes, codeBytes }: SetupHeader): void {
  place.claim("the kernel", preferred, Math.max(initBytes, codeBytes));
}

function placeInitrd(place: Placement, initrd: Uint8Array, { initrdMax, preferred, initBytes }: SetupHeader): number {
  const below = (initrdMax || 0x37ff_ffff) + 1;
  const at = place.highest("the initrd", initrd.length, { align: PAGE, below, from: LOADED_AT_LEAST });
  if (at !== undefined) return at;
  const behindKernel = Math.ceil((preferred + initBytes) / PAGE) * PAGE;
  const needed = behindKernel + Math.ceil(initrd.length / PAGE) * PAGE;
  const what = `the initrd of ${initrd.length} bytes does not fit beside the kernel`;
  if (needed > below) throw new DoesNotFitError(`${what} below ${hex(below)}, where this kernel wants it; make it smaller`);
  throw new DoesNotFitError(what, needed);
}
