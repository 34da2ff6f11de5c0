/**
 * A source of random numbers: from a seed, so that a run can be repeated. Not for secrets. VIRTIO 1.2 5.4 "Entropy Device"; the numbers are
 * xoshiro128** (Blackman, Vigna: "Scrambled Linear Pseudorandom Number Generators").
 */
import type { Saved } from "../../bus/device.ts";
import type { Chain } from "./chain.ts";
import type { Transport, VirtioDevice } from "./device.ts";

/** A larger request is answered in part, as the device may. */
const MOST_BYTES = 65536;

export class VirtioRng implements VirtioDevice {
  readonly name = "virtio-rng";
  readonly type = 4;
  readonly classCode = 0x00ff00;
  readonly features = 0;
  readonly queueSizes = [64];
  readonly config = new Uint8Array(0);
  readonly #state = new Uint32Array(4);

  /** The state is spread out from the seed by the finaliser of MurmurHash3. */
  constructor(seed: number) {
    for (let i = 0; i < 4; i++) {
      let z = (seed + (i + 1) * 0x9e3779b9) | 0;
      z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
      z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
      this.#state[i] = z ^ (z >>> 16);
    }
  }

  attach(_transport: Transport): void {}

  ready(_n: number): boolean {
    return true;
  }

  handle(_n: number, chain: Chain): number {
    const bytes = new Uint8Array(Math.min(chain.space, MOST_BYTES));
    for (let i = 0; i < bytes.length; i += 4) {
      const word = this.#next();
      for (let j = 0; j < 4; j++) bytes[i + j] = word >>> (8 * j);
    }
    chain.put(bytes);
    return bytes.length;
  }

  configure(): void {}

  /** A reset does not make it repeat itself. */
  reset(): void {}

  save(): Saved {
    return [...this.#state];
  }

  restore(saved: Saved): void {
    this.#state.set(saved as readonly number[]);
  }

  #next(): number {
    const s = this.#state;
    const result = Math.imul(rotate(Math.imul(s[1], 5), 7), 9);
    const t = s[1] << 9;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 11);
    return result;
  }
}

function rotate(x: number, by: number): number {
  return (x << by) | (x >>> (32 - by));
}
