/**
 * `struct boot_params`, the "zero page": what a boot loader tells Linux. "The Linux/x86 Boot Protocol" and "Zero Page" of the kernel's
 * documentation (arch/x86/zero-page.rst).
 */
import { Structure } from "./bytes.ts";
import type { E820Entry } from "./e820.ts";
import { LoadError } from "./load-error.ts";

export const ZERO_PAGE_BYTES = 0x1000;
/** where the setup header stands, in the file as in the zero page */
export const SETUP_HEADER = 0x1f1;

const E820_MAX = 128;
/** boot loader "undefined", as it has no assigned number */
const LOADER = 0xff;

export interface ZeroPage {
  /** bytes of the image from SETUP_HEADER to the header's end */
  readonly header: Uint8Array;
  readonly kernel: number;
  readonly commandLine: number;
  readonly initrd: number;
  readonly initrdBytes: number;
  readonly memory: readonly E820Entry[];
  readonly memoryBytes: number;
  readonly rsdp?: number;
  /** whether a VGA adapter shows text */
  readonly vga: boolean;
}

export function zeroPage(p: ZeroPage): Uint8Array {
  if (p.memory.length > E820_MAX) throw new LoadError(`the memory map has ${p.memory.length} entries, but Linux takes ${E820_MAX} at most`);
  const page = new Structure(ZERO_PAGE_BYTES);
  if (p.vga) screenInfo(page);
  page.u64(0x070, p.rsdp ?? 0); // acpi_rsdp_addr
  page.u32(0x1e0, (Math.min(p.memoryBytes, 0xc000_0000) - 0x10_0000) / 1024); // alt_mem_k: RAM above 1 MiB
  page.u8(0x1e8, p.memory.length); // e820_entries
  page.put(SETUP_HEADER, p.header);
  page.u8(0x210, LOADER); // type_of_loader
  page.u32(0x214, p.kernel); // code32_start
  page.u32(0x218, p.initrd).u32(0x21c, p.initrdBytes); // ramdisk_image, ramdisk_size
  page.u32(0x228, p.commandLine); // cmd_line_ptr
  p.memory.forEach((entry, i) => {
    const at = 0x2d0 + i * 20; // e820_table
    page
      .u64(at, entry.start)
      .u64(at + 8, entry.length)
      .u32(at + 16, entry.type);
  });
  return page.bytes;
}

/** `struct screen_info` at the page's start, as the BIOS leaves a VGA in mode 3. include/uapi/linux/screen_info.h */
function screenInfo(page: Structure): void {
  page.u8(0x06, 3).u8(0x07, 80); // orig_video_mode, orig_video_cols
  page.u16(0x0a, 3); // orig_video_ega_bx: colour, 256 KiB, as INT 10h AH=12h BL=10h says
  page.u8(0x0e, 25).u8(0x0f, 1); // orig_video_lines, orig_video_isVGA
  page.u16(0x10, 16); // orig_video_points: height of a character
}
