/** RAM for tests of devices: `length` bytes from `base` on, guarded on both sides. */
import type { Memory } from "../../src/bus/device.ts";

const GUARD = 4096;

export class FakeMemory implements Memory {
  readonly bytes: Uint8Array;
  readonly data: DataView;
  readonly #all: Uint8Array;
  readonly #base: number;

  constructor(length: number, base = 0) {
    this.#all = new Uint8Array(length + 2 * GUARD).fill(0xa5);
    this.bytes = this.#all.subarray(GUARD, GUARD + length).fill(0);
    this.data = new DataView(this.#all.buffer, GUARD, length);
    this.#base = base;
  }

  view(gpa: number, length: number): Uint8Array | undefined {
    const at = gpa - this.#base;
    return at >= 0 && length >= 0 && at + length <= this.bytes.length ? this.bytes.subarray(at, at + length) : undefined;
  }

  write(gpa: number, bytes: Uint8Array): boolean {
    const there = this.view(gpa, bytes.length);
    there?.set(bytes);
    return there !== undefined;
  }

  /** nothing but the memory itself was written */
  get intact(): boolean {
    const guards = [this.#all.subarray(0, GUARD), this.#all.subarray(-GUARD)];
    return guards.every((guard) => guard.every((byte) => byte === 0xa5));
  }
}
