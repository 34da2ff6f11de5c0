/**
 * QEMU's fw_cfg: numbered items of bytes that the host gives to firmware and kernels, read byte by byte or by DMA. QEMU, "QEMU Firmware
 * Configuration (fw_cfg) Device". Nothing can be written.
 *
 *     0x510 selector (16 bits)   0x511 data (8 bits)   0x514 DMA address, big-endian: high half, then low half, which starts it
 */
import type { AccessSize, Device, Memory, Region, Saved } from "../bus/device.ts";

export const FW_CFG_KEY = {
  SIGNATURE: 0x00,
  ID: 0x01,
  RAM_SIZE: 0x03,
  NO_GRAPHIC: 0x04,
  CPUS: 0x05,
  KERNEL_SIZE: 0x08,
  INITRD_SIZE: 0x0b,
  BOOT_MENU: 0x0e,
  MAX_CPUS: 0x0f,
  KERNEL: 0x11,
  INITRD: 0x12,
  COMMAND_LINE_SIZE: 0x14,
  COMMAND_LINE: 0x15,
  DIRECTORY: 0x19,
  FIRST_FILE: 0x20,
};
/** the traditional interface and DMA */
const FEATURES = 3;
const DMA_SIGNATURE = new TextEncoder().encode("QEMU CFG");
const DMA = { ERROR: 1, READ: 2, SKIP: 4, SELECT: 8, WRITE: 16 };
const DMA_BYTES = 16;
const FILE_NAME_BYTES = 56;
/** Zeros that follow an item are written in pieces of this size. */
const ZEROS = new Uint8Array(0x10000);

export interface FwCfgContents {
  /** bytes */
  readonly ram: number;
  readonly cpus: number;
  readonly kernel?: Uint8Array | undefined;
  readonly initrd?: Uint8Array | undefined;
  readonly commandLine?: string | undefined;
  readonly files?: Readonly<Record<string, Uint8Array>>;
}

export class FwCfg implements Device {
  readonly name = "fw-cfg";
  /** port 0x510, two of them */
  readonly ports: Region = {
    read: (offset, size) => this.#readData(offset, size),
    write: (offset, size, value) => this.#select(offset, size, value),
  };
  /** port 0x514, eight of them */
  readonly dma: Region = {
    read: (offset, size) => signature(offset, size),
    write: (offset, size, value) => this.#writeAddress(offset, size, value),
  };
  readonly #memory: Memory;
  readonly #items: ReadonlyMap<number, Uint8Array>;
  #key = 0;
  #offset = 0;
  #addressHigh = 0;

  constructor(memory: Memory, contents: FwCfgContents) {
    this.#memory = memory;
    this.#items = itemsOf(contents);
  }

  reset(): void {
    this.#key = this.#offset = this.#addressHigh = 0;
  }

  save(): Saved {
    return { key: this.#key, offset: this.#offset, addressHigh: this.#addressHigh };
  }

  restore(saved: Saved): void {
    const { key, offset, addressHigh } = saved as { key: number; offset: number; addressHigh: number };
    this.#key = key;
    this.#offset = offset;
    this.#addressHigh = addressHigh;
  }

  /** Past an item's end there are zeros. */
  get #item(): Uint8Array {
    return this.#items.get(this.#key) ?? ZEROS.subarray(0, 0);
  }

  /** The selector can only be written, and data only be read a byte at a time. */
  #readData(offset: number, size: AccessSize): number {
    if (offset !== 1 || size !== 1) return 0;
    return this.#item[this.#offset++] ?? 0;
  }

  #select(offset: number, size: AccessSize, value: number): void {
    if (offset !== 0 || size !== 2) return;
    this.#key = value;
    this.#offset = 0;
  }

  #writeAddress(offset: number, size: AccessSize, value: number): void {
    if (size !== 4) return;
    const half = bigEndian(Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24), 0);
    if (offset === 0) this.#addressHigh = half;
    else if (offset === 4) {
      const address = this.#addressHigh * 2 ** 32 + half;
      this.#addressHigh = 0;
      this.#transfer(address);
    }
  }

  /** Does what the structure at `gpa` (control, length, address) says, and leaves the outcome in its control field. */
  #transfer(gpa: number): void {
    const request = this.#memory.view(gpa, DMA_BYTES)?.slice();
    if (request === undefined) return;
    const control = bigEndian(request, 0);
    const length = bigEndian(request, 4);
    const address = bigEndian(request, 8) * 2 ** 32 + bigEndian(request, 12);
    if ((control & DMA.SELECT) !== 0) {
      this.#key = control >>> 16;
      this.#offset = 0;
    }
    const done = this.#perform(control, length, address);
    this.#memory.write(gpa, Uint8Array.of(0, 0, 0, done ? 0 : DMA.ERROR));
  }

  #perform(control: number, length: number, address: number): boolean {
    if ((control & DMA.READ) !== 0) return this.#read(address, length);
    if ((control & DMA.WRITE) !== 0) return false;
    if ((control & DMA.SKIP) !== 0) this.#offset += length;
    return true;
  }

  #read(address: number, length: number): boolean {
    if (this.#memory.view(address, length) === undefined) return false;
    const bytes = this.#item.subarray(this.#offset, this.#offset + length);
    this.#memory.write(address, bytes);
    for (let at = bytes.length; at < length; at += ZEROS.length) this.#memory.write(address + at, ZEROS.subarray(0, length - at));
    this.#offset += length;
    return true;
  }
}

function signature(offset: number, size: AccessSize): number {
  let value = 0;
  for (let i = size - 1; i >= 0; i--) value = (value << 8) | (DMA_SIGNATURE[offset + i] ?? 0);
  return value >>> 0;
}

function itemsOf(contents: FwCfgContents): ReadonlyMap<number, Uint8Array> {
  const { ram, cpus, kernel, initrd, commandLine, files = {} } = contents;
  const encoder = new TextEncoder();
  const line = commandLine === undefined ? undefined : encoder.encode(`${commandLine}\0`);
  const names = Object.keys(files).sort();
  return new Map([
    [FW_CFG_KEY.SIGNATURE, encoder.encode("QEMU")],
    [FW_CFG_KEY.ID, number(FEATURES, 4)],
    [FW_CFG_KEY.RAM_SIZE, number(ram, 8)],
    [FW_CFG_KEY.NO_GRAPHIC, number(1, 2)],
    [FW_CFG_KEY.CPUS, number(cpus, 2)],
    [FW_CFG_KEY.BOOT_MENU, number(0, 2)],
    [FW_CFG_KEY.MAX_CPUS, number(cpus, 2)],
    ...payload(FW_CFG_KEY.KERNEL_SIZE, FW_CFG_KEY.KERNEL, kernel),
    ...payload(FW_CFG_KEY.INITRD_SIZE, FW_CFG_KEY.INITRD, initrd),
    ...payload(FW_CFG_KEY.COMMAND_LINE_SIZE, FW_CFG_KEY.COMMAND_LINE, line),
    [FW_CFG_KEY.DIRECTORY, directory(names.map((name) => [name, files[name].length]))],
    ...names.map((name, i) => [FW_CFG_KEY.FIRST_FILE + i, files[name]] as const),
  ]);
}

function payload(sizeKey: number, key: number, bytes: Uint8Array | undefined): readonly (readonly [number, Uint8Array])[] {
  return [[sizeKey, number(bytes?.length ?? 0, 4)], ...(bytes === undefined ? [] : [[key, bytes] as const])];
}

/** The files' number; then size, key and name of each. All big-endian. */
function directory(files: readonly (readonly [name: string, size: number])[]): Uint8Array {
  const entry = 8 + FILE_NAME_BYTES;
  const bytes = new Uint8Array(4 + files.length * entry);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, files.length);
  for (const [i, [name, size]] of files.entries()) {
    const at = 4 + i * entry;
    view.setUint32(at, size);
    view.setUint16(at + 4, FW_CFG_KEY.FIRST_FILE + i);
    bytes.set(new TextEncoder().encode(name).subarray(0, FILE_NAME_BYTES - 1), at + 8);
  }
  return bytes;
}

/** little-endian */
function number(value: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => Math.floor(value / 2 ** (8 * i)) % 0x100);
}

function bigEndian(bytes: Uint8Array, at: number): number {
  return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;
}
