/**
 * MSI-X: a table of messages, each with a mask, in a region of the function, and behind it the pending bits. PCI Local Bus 3.0 6.8.2 "MSI-X
 * Capability and Table Structures".
 *
 *   table entry: +0 address │ +4 upper address │ +8 data │ +12 vector control, bit 0 = masked
 */
import type { AccessSize, Region, Saved } from "../../bus/device.ts";
import type { PciFunction } from "./function.ts";
import { CAPABILITY_MSI_X } from "./registers.ts";

const CONTROL = 2;
const TABLE = 4;
const PENDING_BITS = 8;
const LENGTH = 12;

const CONTROL_MASKED = 1 << 14;
const CONTROL_ENABLE = 1 << 15;

const ENTRY = 16;
const UPPER_ADDRESS = 4;
const DATA = 8;
const VECTOR_CONTROL = 12;
const MASKED = 1;

/** The region holds the table in its first half and the pending bits in its second. */
const REGION_BYTES = 4096;
const PENDING_AT = 2048;
export const MOST_VECTORS = PENDING_AT / ENTRY;

export class MsiX implements Region {
  readonly vectors: number;
  readonly #f: PciFunction;
  readonly #at: number;
  readonly #table: DataView;
  readonly #pending: Uint8Array;
  /** what the interrupt pin would say without MSI-X */
  #pin = false;

  /** `bar`: number of the base address register to use */
  constructor(f: PciFunction, bar: number, vectors: number) {
    const { config } = f;
    this.vectors = vectors;
    this.#f = f;
    this.#table = new DataView(new ArrayBuffer(vectors * ENTRY));
    this.#pending = new Uint8Array((vectors + 7) >> 3);
    this.#at = config.capability(CAPABILITY_MSI_X, LENGTH);
    config.set(this.#at + CONTROL, 2, vectors - 1);
    config.allow(this.#at + CONTROL, 2, CONTROL_MASKED | CONTROL_ENABLE);
    config.set(this.#at + TABLE, 4, bar);
    config.set(this.#at + PENDING_BITS, 4, PENDING_AT | bar);
    config.watch({ offset: this.#at + CONTROL, length: 2, written: () => this.#controlWritten() });
    f.addBaseAddress({ index: bar, kind: "memory", size: REGION_BYTES, region: this });
    f.onMaster(() => this.#serveAll());
    this.reset();
  }

  get enabled(): boolean {
    return (this.#control & CONTROL_ENABLE) !== 0;
  }

  /** Sends the vector's message, or keeps it until it is no longer masked. */
  signal(vector: number): void {
    if (!this.enabled || vector >= this.vectors) return;
    this.#pending[vector >> 3] |= 1 << (vector & 7);
    this.#serve(vector);
  }

  /** Drives the function's interrupt pin, which is silent while MSI-X is enabled. */
  setPin(level: boolean): void {
    this.#pin = level;
    this.#f.setInterrupt(level && !this.enabled);
  }

  read(offset: number, size: AccessSize): number {
    const bytes = offset < PENDING_AT ? new Uint8Array(this.#table.buffer) : this.#pending;
    const start = offset < PENDING_AT ? offset : offset - PENDING_AT;
    let value = 0;
    for (let i = size - 1; i >= 0; i--) value = (value << 8) | (bytes[start + i] ?? 0);
    return value;
  }

  /** Only doublewords are defined; others are ignored. The pending bits are read-only. */
  write(offset: number, size: AccessSize, value: number): void {
    if (size !== 4 || offset & 3 || offset >= this.#table.byteLength) return;
    this.#table.setUint32(offset, offset % ENTRY === VECTOR_CONTROL ? value & MASKED : value, true);
    this.#serve(Math.floor(offset / ENTRY));
  }

  reset(): void {
    this.#pending.fill(0);
    this.#pin = false;
    for (let n = 0; n < this.vectors; n++)
      for (let field = 0; field < ENTRY; field += 4) this.#table.setUint32(n * ENTRY + field, field === VECTOR_CONTROL ? MASKED : 0, true);
  }

  save(): Saved {
    return { table: new Uint8Array(this.#table.buffer.slice(0)), pending: this.#pending.slice(), pin: this.#pin };
  }

  restore(saved: Saved): void {
    const { table, pending, pin } = saved as { table: Uint8Array; pending: Uint8Array; pin: boolean };
    new Uint8Array(this.#table.buffer).set(table);
    this.#pending.set(pending);
    this.#pin = pin;
  }

  get #control(): number {
    return this.#f.config.get(this.#at + CONTROL, 2);
  }

  #controlWritten(): void {
    this.setPin(this.#pin);
    this.#serveAll();
  }

  #serveAll(): void {
    for (let n = 0; n < this.vectors; n++) this.#serve(n);
  }

  #serve(n: number): void {
    const pending = (this.#pending[n >> 3] & (1 << (n & 7))) !== 0;
    if (!pending || !this.#f.master || (this.#control & (CONTROL_ENABLE | CONTROL_MASKED)) !== CONTROL_ENABLE) return;
    const entry = n * ENTRY;
    if (this.#table.getUint32(entry + VECTOR_CONTROL, true) & MASKED) return;
    this.#pending[n >> 3] &= ~(1 << (n & 7));
    const address = this.#table.getUint32(entry + UPPER_ADDRESS, true) * 2 ** 32 + ((this.#table.getUint32(entry, true) & ~3) >>> 0);
    this.#f.sendMessage(address, this.#table.getUint32(entry + DATA, true));
  }
}
