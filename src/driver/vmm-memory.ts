/**
 * The memory pool as the VMM sees it: a range of guest-physical memory that appears at MEMORY_POOL_VIRTUAL in the VMM's address space, in one
 * piece. Everything that TypeScript reads or writes on behalf of VMM code goes through here; outside of the pool there is nothing.
 */
import type { Memory } from "../bus/device.ts";
import { MEMORY_POOL_VIRTUAL } from "../vmm/constants.ts";
import { OutOfRange } from "../vmm/errors.ts";

const LONGEST_TEXT = 4096;

export class VmmMemory {
  /** guest-physical address of the pool */
  readonly physical: bigint;
  readonly bytes: bigint;
  readonly #memory: Memory;

  constructor(memory: Memory, physical: bigint, bytes: bigint) {
    this.#memory = memory;
    this.physical = physical;
    this.bytes = bytes;
  }

  get virtual(): bigint {
    return MEMORY_POOL_VIRTUAL;
  }

  contains(virtual: bigint, length = 1n): boolean {
    return virtual >= this.virtual && virtual + length <= this.virtual + this.bytes;
  }

  physicalOf(virtual: bigint): bigint {
    return BigInt(this.#place(virtual, 1));
  }

  /** A copy. */
  read(virtual: bigint, length: number): Uint8Array {
    return this.#view(virtual, length).slice();
  }

  readU64(virtual: bigint): bigint {
    const bytes = this.#view(virtual, 8);
    return new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  }

  /** The text up to its NUL. */
  readText(virtual: bigint): string {
    const room = Number(this.virtual + this.bytes - virtual);
    const bytes = this.#view(virtual, Math.min(LONGEST_TEXT, room));
    const end = bytes.indexOf(0);
    return new TextDecoder().decode(bytes.slice(0, end < 0 ? bytes.length : end));
  }

  write(virtual: bigint, bytes: Uint8Array): void {
    this.#memory.write(this.#place(virtual, bytes.length), bytes);
  }

  writeU64(virtual: bigint, value: bigint): void {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, value, true);
    this.write(virtual, bytes);
  }

  zero(virtual: bigint, length: bigint): void {
    this.write(virtual, new Uint8Array(Number(length)));
  }

  #view(virtual: bigint, length: number): Uint8Array {
    const view = this.#memory.view(this.#place(virtual, length), length);
    if (view === undefined) throw outside(virtual, length);
    return view;
  }

  #place(virtual: bigint, length: number): number {
    if (!this.contains(virtual, BigInt(length))) throw outside(virtual, length);
    return Number(virtual - this.virtual + this.physical);
  }
}

function outside(virtual: bigint, length: number): OutOfRange {
  return new OutOfRange(`0x${virtual.toString(16)} (${length} bytes) lies outside of the VMM's memory pool`);
}
