/** Guest memory without a machine: what loaders and devices are given. Only chunks that were written exist. */

import { ramRanges } from "../../src/boot/e820.ts";
import type { Memory } from "../../src/bus/device.ts";

const CHUNK = 0x1_0000;

export class GuestRam implements Memory {
  readonly #chunks = new Map<number, Uint8Array>();
  readonly #bytes: number;

  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  view(gpa: number, length: number): Uint8Array | undefined {
    if (!this.#isRam(gpa, length)) return undefined;
    return Uint8Array.from({ length }, (_, i) => this.#chunks.get(Math.floor((gpa + i) / CHUNK))?.[(gpa + i) % CHUNK] ?? 0);
  }

  write(gpa: number, bytes: Uint8Array): boolean {
    if (!this.#isRam(gpa, bytes.length)) return false;
    for (let done = 0; done < bytes.length; ) {
      const at = gpa + done;
      const number = Math.floor(at / CHUNK);
      const chunk = this.#chunks.get(number) ?? new Uint8Array(CHUNK);
      this.#chunks.set(number, chunk);
      const piece = bytes.subarray(done, done + CHUNK - (at % CHUNK));
      chunk.set(piece, at % CHUNK);
      done += piece.length;
    }
    return true;
  }

  /** for expectations; outside of RAM is an error */
  at(gpa: number, length: number): DataView {
    const bytes = this.view(gpa, length);
    if (bytes === undefined) throw new Error(`no RAM at 0x${gpa.toString(16)}`);
    return new DataView(bytes.buffer);
  }

  /** a C string */
  text(gpa: number): string {
    const bytes = new Uint8Array(this.at(gpa, 256).buffer);
    return new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)));
  }

  #isRam(gpa: number, length: number): boolean {
    return ramRanges(this.#bytes).some((r) => gpa >= r.start && gpa + length <= r.start + r.length);
  }
}
