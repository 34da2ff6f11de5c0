/** Ready-made values of each kind, renewed for each batch: a case takes slices of them, which is quicker than making every lane anew. */
import type { Random } from "./random.ts";
import { fill, type Kind } from "./values.ts";

const BYTES = 16384;
const KINDS: readonly Kind[] = ["int", "f32", "f64", "f80", "bcd"];

export class Pool {
  readonly #random: Random;
  readonly #bytes = new Map<Kind, Uint8Array>(KINDS.map((k) => [k, new Uint8Array(BYTES)]));

  constructor(random: Random) {
    this.#random = random;
  }

  /** Renews every value; needed once before use. */
  renew(): void {
    for (const [kind, bytes] of this.#bytes) fill(this.#random, bytes, kind);
  }

  /** Fills bytes with neighbouring values of a kind. */
  take(kind: Kind, into: Uint8Array): void {
    const from = this.#bytes.get(kind) as Uint8Array;
    // lanes are at most 16 bytes
    const start = 16 * this.#random.below((BYTES - into.length) >> 4);
    into.set(from.subarray(start, start + into.length));
  }

  /** Fills the pairs of halves of all general registers. */
  registers(low: Int32Array, high: Int32Array): void {
    const from = this.#bytes.get("int") as Uint8Array;
    const start = 16 * this.#random.below((BYTES - 128) >> 4);
    const v = new DataView(from.buffer, start, 128);
    for (let r = 0; r < 16; r++) {
      low[r] = v.getInt32(8 * r, true);
      high[r] = v.getInt32(8 * r + 4, true);
    }
  }
}
