/** The multiboot header of an image: "Multiboot Specification version 0.6.96", section "OS image format". */
import { Reader } from "./bytes.ts";
import { DamagedError, hex, LoadError, TruncatedError } from "./load-error.ts";

const MAGIC = 0x1bad_b002;
/** The header lies completely within this part of the file. */
const SEARCHED = 8192;
const HAS_ADDRESSES = 0x1_0000;
/** page-aligned modules, memory information, video mode; a loader must refuse other bits below 16 */
const KNOWN = 7;

/** The address fields ("a.out kludge"), checked: which bytes of the file go where. */
export interface FlatImage {
  readonly offset: number;
  readonly address: number;
  readonly fileBytes: number;
  readonly memoryBytes: number;
  readonly entry: number;
}

export interface MultibootHeader {
  /** absent: the file is an ELF file that says it itself */
  readonly flat?: FlatImage;
}

export function findMultibootHeader(image: Uint8Array): MultibootHeader | undefined {
  const searched = image.subarray(0, SEARCHED);
  const r = new Reader(searched, "multiboot header");
  for (let at = 0; at + 12 <= searched.length; at += 4) {
    if (r.u32(at) !== MAGIC || ((MAGIC + r.u32(at + 4) + r.u32(at + 8)) & 0xffff_ffff) !== 0) continue;
    const flags = r.u32(at + 4);
    if ((flags & 0xffff & ~KNOWN) !== 0)
      throw new LoadError(`the multiboot header at byte ${at} asks for features ${hex(flags & 0xffff)}; only bits 0-2 are defined`);
    return (flags & HAS_ADDRESSES) === 0 ? {} : { flat: flatImage(r, at, image.length) };
  }
  return undefined;
}

function flatImage(r: Reader, at: number, fileLength: number): FlatImage {
  const [header, address, loadEnd, bssEnd, entry] = [12, 16, 20, 24, 28].map((field) => r.u32(at + field));
  const fault = (what: string) => new DamagedError(`damaged: the multiboot header at byte ${at} has ${what}`);
  if (header < address) throw fault(`load_addr ${hex(address)} behind header_addr ${hex(header)}`);
  const offset = at - (header - address);
  if (offset < 0) throw fault(`header_addr ${hex(header)}, ${header - address} bytes behind load_addr, more than there are before it`);
  if (loadEnd !== 0 && loadEnd < address) throw fault(`load_end_addr ${hex(loadEnd)} before load_addr ${hex(address)}`);
  const fileBytes = loadEnd === 0 ? fileLength - offset : loadEnd - address;
  if (offset + fileBytes > fileLength)
    throw new TruncatedError(`truncated: by its multiboot header it has ${offset + fileBytes} bytes, but the file has ${fileLength}`);
  if (bssEnd !== 0 && bssEnd < address + fileBytes) throw fault(`bss_end_addr ${hex(bssEnd)} before the end of what is loaded`);
  const memoryBytes = bssEnd === 0 ? fileBytes : bssEnd - address;
  if (entry < address || entry >= address + memoryBytes) throw fault(`entry_addr ${hex(entry)} outside of what is loaded`);
  return { offset, address, fileBytes, memoryBytes, entry };
}
