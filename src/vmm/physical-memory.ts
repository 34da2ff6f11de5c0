/** Guest-physical memory in the sizes that a VMM reads and writes. What is not RAM is an error: the VMM never takes a device for memory. */
import type { Memory } from "../bus/device.ts";
import { OutOfRange } from "./errors.ts";

export class PhysicalMemory {
  readonly #memory: Memory;
  readonly #scratch = new DataView(new ArrayBuffer(8));
  readonly #scratchBytes = new Uint8Array(this.#scratch.buffer);

  constructor(memory: Memory) {
    this.#memory = memory;
  }

  /** A copy. */
  read(phys: bigint, length: number): Uint8Array {
    return this.#view(phys, length).slice();
  }

  write(phys: bigint, bytes: Uint8Array): void {
    if (!inRange(phys) || !this.#memory.write(Number(phys), bytes)) throw notRam(phys, bytes.length);
  }

  fill(phys: bigint, length: number, value = 0): void {
    this.write(phys, new Uint8Array(length).fill(value));
  }

  read32(phys: bigint): number {
    const bytes = this.#view(phys, 4);
    return new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true);
  }

  write32(phys: bigint, value: number): void {
    this.#scratch.setUint32(0, value, true);
    this.write(phys, this.#scratchBytes.subarray(0, 4));
  }

  read64(phys: bigint): bigint {
    const bytes = this.#view(phys, 8);
    return new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
  }

  write64(phys: bigint, value: bigint): void {
    this.#scratch.setBigUint64(0, value, true);
    this.write(phys, this.#scratchBytes);
  }

  #view(phys: bigint, length: number): Uint8Array {
    const bytes = inRange(phys) ? this.#memory.view(Number(phys), length) : undefined;
    if (bytes === undefined) throw notRam(phys, length);
    return bytes;
  }
}

function inRange(phys: bigint): boolean {
  return phys >= 0n && phys <= BigInt(Number.MAX_SAFE_INTEGER);
}

function notRam(phys: bigint, length: number): OutOfRange {
  return new OutOfRange(`no RAM of ${length} bytes at physical address 0x${phys.toString(16)}`);
}
