/** A static ELF64 executable of one segment that is readable, writable and executable. System V ABI "Object Files". */
const EHDR = 64;
const PHDR = 56;

/** `program` is loaded behind the headers, at origin + ELF_HEADERS; memory behind it up to `memoryBytes` is zero. */
export const ELF_HEADERS = EHDR + PHDR;

export function elf(program: Uint8Array, origin: number, entry: number, memoryBytes: number): Uint8Array {
  const file = new Uint8Array(ELF_HEADERS + program.length);
  const v = new DataView(file.buffer);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]); // magic, 64-bit, little-endian, version
  v.setUint16(16, 2, true); // ET_EXEC
  v.setUint16(18, 62, true); // EM_X86_64
  v.setUint32(20, 1, true);
  v.setBigUint64(24, BigInt(entry), true);
  v.setBigUint64(32, BigInt(EHDR), true); // program headers follow
  v.setUint16(52, EHDR, true);
  v.setUint16(54, PHDR, true);
  v.setUint16(56, 1, true); // one of them
  v.setUint32(EHDR, 1, true); // PT_LOAD
  v.setUint32(EHDR + 4, 7, true); // r w x
  v.setBigUint64(EHDR + 16, BigInt(origin), true);
  v.setBigUint64(EHDR + 24, BigInt(origin), true);
  v.setBigUint64(EHDR + 32, BigInt(file.length), true);
  v.setBigUint64(EHDR + 40, BigInt(memoryBytes), true);
  v.setBigUint64(EHDR + 48, 4096n, true);
  file.set(program, ELF_HEADERS);
  return file;
}
