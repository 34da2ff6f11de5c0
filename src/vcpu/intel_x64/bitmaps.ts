/**
 * MSR and I/O bitmaps: which accesses exit. A bit that is set makes its MSR or port exit; the VMM sets those that handlers are registered
 * for. SDM Vol. 3 "MSR-Bitmap Address", "I/O-Bitmap Addresses".
 */
import { OutOfRange } from "../../vmm/errors.ts";
import type { OwnBlock, OwnMemory } from "./own-memory.ts";

/** parts of 1 KiB: reads of low and high MSRs, writes of low and high MSRs */
const PART = 0x400;
const HIGH = 0xc000_0000;
const MSRS = 0x2000;
const PORTS = 0x1_0000;

class Bitmap {
  readonly #own: OwnMemory;
  readonly #block: OwnBlock;
  readonly #bytes: Uint8Array;

  constructor(own: OwnMemory, pages: number) {
    this.#own = own;
    this.#block = own.obtain(BigInt(pages) << 12n);
    this.#bytes = own.bytesOf(this.#block);
  }

  get phys(): bigint {
    return this.#block.phys;
  }

  get(bit: number): boolean {
    return ((this.#bytes[bit >> 3] >> (bit & 7)) & 1) !== 0;
  }

  set(bit: number, value: boolean): void {
    const mask = 1 << (bit & 7);
    this.#bytes[bit >> 3] = value ? this.#bytes[bit >> 3] | mask : this.#bytes[bit >> 3] & ~mask;
  }

  release(): void {
    this.#own.release(this.#block);
  }
}

export class MsrBitmap {
  readonly #bits: Bitmap;

  constructor(own: OwnMemory) {
    this.#bits = new Bitmap(own, 1);
  }

  get phys(): bigint {
    return this.#bits.phys;
  }

  /** MSRs that the bitmap has no bit for always exit. */
  static covers(msr: number): boolean {
    return msr < MSRS || (msr >= HIGH && msr < HIGH + MSRS);
  }

  exits(msr: number, access: "read" | "write"): boolean {
    return !MsrBitmap.covers(msr) || this.#bits.get(bitOf(msr, access));
  }

  set(msr: number, access: "read" | "write", exits: boolean): void {
    if (MsrBitmap.covers(msr)) this.#bits.set(bitOf(msr, access), exits);
  }

  release(): void {
    this.#bits.release();
  }
}

function bitOf(msr: number, access: "read" | "write"): number {
  const part = (msr >= HIGH ? PART : 0) + (access === "write" ? 2 * PART : 0);
  return part * 8 + (msr & (MSRS - 1));
}

export class IoBitmaps {
  readonly #bits: Bitmap;

  /** The two bitmaps stand one behind the other. */
  constructor(own: OwnMemory) {
    this.#bits = new Bitmap(own, 2);
  }

  get physA(): bigint {
    return this.#bits.phys;
  }

  get physB(): bigint {
    return this.#bits.phys + 0x1000n;
  }

  exits(port: number): boolean {
    return this.#bits.get(port);
  }

  set(port: number, exits: boolean): void {
    if (port < 0 || port >= PORTS) throw new OutOfRange(`there is no port 0x${port.toString(16)}`);
    this.#bits.set(port, exits);
  }

  release(): void {
    this.#bits.release();
  }
}
