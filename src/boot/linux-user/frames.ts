/**
 * Page frames of guest RAM: which are in use and by how many owners. An owner is a page table entry, a page table itself, or the
 * page cache. A frame is named by its guest-physical address; frame 0 is never given out, so 0 can mean "none".
 */
import type { Core } from "../../core/core.ts";

export const PAGE = 4096;

export class OutOfMemoryError extends Error {}

export class Frames {
  readonly ram: Uint8Array;
  /** RAM in 32-bit words: what page tables are written through */
  readonly words: Uint32Array;
  /** asked to give frames back when there are none left */
  onShortage: () => void = () => {};
  readonly #core: Core;
  readonly #owners: Uint16Array;
  readonly #returned: number[] = [];
  /** frames from here on were never used and are zero */
  #fresh = PAGE;
  #used = 0;
  #peak = 0;

  constructor(core: Core) {
    this.#core = core;
    this.ram = core.ram;
    this.words = new Uint32Array(this.ram.buffer, this.ram.byteOffset, this.ram.length >> 2);
    this.#owners = new Uint16Array(Math.floor(this.ram.length / PAGE));
  }

  get used(): number {
    return this.#used;
  }
  get peak(): number {
    return this.#peak;
  }
  get total(): number {
    return this.#owners.length - 1;
  }

  /** A frame of zeros with one owner. */
  allocate(): number {
    const frame = this.#take();
    if (frame === undefined) throw new OutOfMemoryError("guest memory is full");
    this.#owners[frame / PAGE] = 1;
    this.#used++;
    if (this.#used > this.#peak) this.#peak = this.#used;
    return frame;
  }

  share(frame: number): number {
    this.#owners[frame / PAGE]++;
    return frame;
  }

  owners(frame: number): number {
    return this.#owners[frame / PAGE];
  }

  release(frame: number): void {
    if (--this.#owners[frame / PAGE] > 0) return;
    this.#used--;
    this.#returned.push(frame);
  }

  /** Another frame with the same contents. */
  copy(frame: number): number {
    const to = this.allocate();
    this.ram.copyWithin(to, frame, frame + PAGE);
    return to;
  }

  /** RAM was written other than by the guest: what was decoded from there is forgotten. */
  written(address: number, bytes: number): void {
    this.#core.ramWritten(address, bytes);
  }

  #take(): number | undefined {
    if (this.#returned.length === 0 && this.#fresh >= this.ram.length) this.onShortage();
    const frame = this.#returned.pop();
    if (frame !== undefined) {
      this.written(frame, PAGE);
      this.ram.fill(0, frame, frame + PAGE);
      return frame;
    }
    if (this.#fresh >= this.ram.length) return undefined;
    this.#fresh += PAGE;
    return this.#fresh - PAGE;
  }
}
