/** What all ACPI tables have in common. ACPI Specification, "System Description Table Header", "Generic Address Structure". */
import { Structure } from "../bytes.ts";

export const HEADER_BYTES = 36;
const OEM = "MINUS1";
const OEM_TABLE = "MINUSONE";
const CREATOR = "MNS1";

/** A table of `bytes`, header included, to be filled and then sealed. */
export function table(signature: string, revision: number, bytes: number): Structure {
  const t = new Structure(bytes).text(0, signature).u32(4, bytes).u8(8, revision);
  return t.text(10, OEM).text(16, OEM_TABLE).u32(24, 1).text(28, CREATOR).u32(32, 1);
}

/** Makes the sum of all bytes 0. */
export function seal(t: Structure): Uint8Array {
  return t.u8(9, 0).u8(9, checksum(t.bytes)).bytes;
}

/** What must be added for a sum of 0. */
export function checksum(bytes: Uint8Array): number {
  return -bytes.reduce((sum, byte) => sum + byte, 0) & 0xff;
}

/** A register in port space; `bits` wide. Access size: 1 byte, 2 word, 3 dword. */
export function portRegister(t: Structure, at: number, port: number, bits: 8 | 16 | 32, access: 1 | 2 | 3): Structure {
  return t
    .u8(at, 1)
    .u8(at + 1, bits)
    .u8(at + 3, access)
    .u64(at + 4, port);
}
