/** Kernel images made by hand, as small as their formats allow. */
import { Structure } from "../../src/boot/bytes.ts";

export interface BzImageFields {
  readonly version?: number;
  readonly xloadflags?: number;
  readonly loadflags?: number;
  readonly syssize?: number;
  readonly preferred?: number;
  readonly initBytes?: number;
  readonly initrdMax?: number;
  readonly code?: Uint8Array;
}

/** One setup sector behind the boot sector; then the protected-mode code. "The Linux/x86 Boot Protocol", "The Real-Mode Kernel Header". */
export function bzImage(fields: BzImageFields = {}): Uint8Array {
  const code = fields.code ?? Uint8Array.from({ length: 0x400 }, (_, i) => i);
  const image = new Structure(1024 + code.length);
  image.u8(0x1f1, 1).u32(0x1f4, fields.syssize ?? code.length / 16); // setup_sects, syssize
  image.u8(0x1ef, 0xff); // sentinel
  image.u16(0x1fe, 0xaa55).u8(0x200, 0xeb).u8(0x201, 0x6a).text(0x202, "HdrS");
  image
    .u16(0x206, fields.version ?? 0x20f)
    .u8(0x211, fields.loadflags ?? 1)
    .u32(0x214, 0x10_0000);
  image
    .u32(0x22c, fields.initrdMax ?? 0x7fff_ffff)
    .u32(0x230, 0x20_0000)
    .u8(0x234, 1);
  image.u16(0x236, fields.xloadflags ?? 0x7f).u32(0x238, 2047);
  image.u64(0x258, fields.preferred ?? 0x100_0000).u32(0x260, fields.initBytes ?? 0x10_0000);
  return image.put(1024, code).bytes;
}

/** magic, flags, checksum, and the address fields if there are any */
export function multibootHeader(flags: number, addresses: readonly number[] = []): Uint8Array {
  const header = new Structure(12 + addresses.length * 4).u32(0, 0x1bad_b002).u32(4, flags);
  header.u32(8, -(0x1bad_b002 + flags));
  addresses.forEach((address, i) => {
    header.u32(12 + i * 4, address);
  });
  return header.bytes;
}

export interface ImageElf {
  readonly bits: 32 | 64;
  readonly machine?: number;
  readonly type?: number;
  readonly entry: number;
  readonly virtual?: number;
  readonly physical: number;
  readonly code: Uint8Array;
  readonly memoryBytes?: number;
  /** contents of a second segment, and its type (PT_NOTE) */
  readonly note?: Uint8Array;
  readonly noteType?: number;
}

const CODE_AT = 0x100;

/** An executable with one loadable segment, and a note segment if asked for. */
export function imageElf(e: ImageElf): Uint8Array {
  const note = e.note ?? new Uint8Array();
  const file = new Structure(CODE_AT + e.code.length + note.length);
  const wide = e.bits === 64;
  const word = (at: number, value: number) => (wide ? file.u64(at, value) : file.u32(at, value));
  file
    .text(0, "\x7fELF")
    .u8(4, wide ? 2 : 1)
    .u8(5, 1)
    .u8(6, 1);
  file
    .u16(16, e.type ?? 2)
    .u16(18, e.machine ?? (wide ? 62 : 3))
    .u32(20, 1);
  word(24, e.entry);
  const headers = wide ? 64 : 52;
  const size = wide ? 56 : 32;
  word(wide ? 32 : 28, headers);
  file.u16(wide ? 54 : 42, size).u16(wide ? 56 : 44, e.note === undefined ? 1 : 2);
  const segment = (at: number, type: number, fields: readonly number[]) => {
    file.u32(at, type);
    fields.forEach((value, i) => {
      word(at + (wide ? 8 : 4) + i * (wide ? 8 : 4), value);
    });
  };
  segment(headers, 1, [CODE_AT, e.virtual ?? e.physical, e.physical, e.code.length, e.memoryBytes ?? e.code.length]);
  if (e.note !== undefined) segment(headers + size, e.noteType ?? 4, [CODE_AT + e.code.length, 0, 0, note.length, note.length]);
  return file.put(CODE_AT, e.code).put(CODE_AT + e.code.length, note).bytes;
}

/** An ELF note named "Xen": type, and its value in 4 or 8 bytes. */
export function xenNote(type: number, value: number, bytes: 4 | 8): Uint8Array {
  const note = new Structure(16 + bytes).u32(0, 4).u32(4, bytes).u32(8, type).text(12, "Xen");
  return (bytes === 4 ? note.u32(16, value) : note.u64(16, value)).bytes;
}
