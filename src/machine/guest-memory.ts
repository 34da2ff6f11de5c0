/**
 * Guest-physical memory seen from outside of the core. RAM stands in one piece in the core's memory; the guest sees it in two, below and
 * above the hole that a PC leaves under 4 GiB for devices.
 */
import type { Memory } from "../bus/device.ts";
import type { Core } from "../core/core.ts";

/** RAM below the hole ends here at the latest. */
export const LOW_RAM_END = 0xc000_0000;
export const HIGH_RAM = 0x1_0000_0000;

export class GuestMemory implements Memory {
  readonly #core: Core;
  /** bytes of RAM below the hole, and above */
  readonly low: number;
  readonly high: number;

  constructor(core: Core) {
    this.#core = core;
    this.low = Math.min(core.ramBytes, LOW_RAM_END);
    this.high = core.ramBytes - this.low;
  }

  view(gpa: number, length: number): Uint8Array | undefined {
    const at = this.#offset(gpa, length);
    return at === undefined ? undefined : this.#core.ram.subarray(at, at + length);
  }

  write(gpa: number, bytes: Uint8Array): boolean {
    const at = this.#offset(gpa, bytes.length);
    if (at === undefined) return false;
    this.#core.ram.set(bytes, at);
    this.#core.ramWritten(gpa, bytes.length);
    return true;
  }

  /** Where in RAM a range starts, if it lies in one of the two pieces. */
  #offset(gpa: number, length: number): number | undefined {
    if (gpa < 0 || length < 0) return undefined;
    if (gpa + length <= this.low) return gpa;
    if (gpa >= HIGH_RAM && gpa + length <= HIGH_RAM + this.high) return gpa - HIGH_RAM + this.low;
    return undefined;
  }
}
