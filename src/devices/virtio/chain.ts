/** One buffer of a queue: what the driver has for the device to read, then room for the device to write, both in pieces all over memory. */
import type { Memory } from "../../bus/device.ts";
import { Malformed } from "./device.ts";

export interface Room {
  readonly gpa: number;
  readonly length: number;
}

export class Chain {
  /** number of its first descriptor, by which the driver knows it */
  readonly head: number;
  /** bytes to be written that are still free */
  space: number;
  readonly #memory: Memory;
  readonly #readable: Uint8Array[];
  readonly #writable: readonly Room[];
  /** where writing goes on: piece, and bytes into it */
  #piece = 0;
  #into = 0;

  constructor(memory: Memory, head: number, readable: Uint8Array[], writable: readonly Room[]) {
    this.#memory = memory;
    this.head = head;
    this.#readable = readable;
    this.#writable = writable;
    this.space = writable.reduce((sum, { length }) => sum + length, 0);
  }

  /** What is still to be read; views of guest memory, valid until the machine runs on. */
  get rest(): readonly Uint8Array[] {
    return this.#readable;
  }

  get restLength(): number {
    return this.#readable.reduce((sum, { length }) => sum + length, 0);
  }

  /** A copy of the next `length` bytes to be read. */
  take(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length; ) {
      const piece = this.#readable[0];
      if (piece === undefined) throw new Malformed(`a buffer ends ${length - done} bytes early`);
      const part = piece.subarray(0, length - done);
      bytes.set(part, done);
      done += part.length;
      if (part.length === piece.length) this.#readable.shift();
      else this.#readable[0] = piece.subarray(part.length);
    }
    return bytes;
  }

  /** Writes behind what has been written; no more than there is `space`. */
  put(bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; ) {
      const { gpa, length } = this.#room;
      const part = bytes.subarray(done, done + length - this.#into);
      if (!this.#memory.write(gpa + this.#into, part)) throw new Malformed(`a buffer at 0x${gpa.toString(16)} is not in memory`);
      done += part.length;
      this.#advance(part.length);
    }
  }

  /** Leaves room unwritten. */
  skip(bytes: number): void {
    for (let left = bytes; left > 0; ) {
      const step = Math.min(left, this.#room.length - this.#into);
      left -= step;
      this.#advance(step);
    }
  }

  get #room(): Room {
    const room = this.#writable[this.#piece];
    if (room === undefined) throw new Malformed("a buffer has no room for an answer");
    return room;
  }

  #advance(bytes: number): void {
    this.space -= bytes;
    this.#into += bytes;
    if (this.#into < this.#room.length) return;
    this.#piece++;
    this.#into = 0;
  }
}
