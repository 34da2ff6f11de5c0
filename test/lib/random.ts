/** A seeded generator of random numbers without BigInt: xoshiro128**, seeded through splitmix32. Blackman and Vigna, "Scrambled linear generators". */
export class Random {
  readonly #s = new Int32Array(4);

  constructor(...seeds: readonly number[]) {
    this.seed(...seeds);
  }

  seed(...seeds: readonly number[]): void {
    let h = 0x9e3779b9;
    for (let i = 0; i < 4; i++) {
      for (const seed of seeds) {
        h = (h + (seed | 0) + 0x9e3779b9) | 0;
        h = Math.imul(h ^ (h >>> 16), 0x21f0aaad);
        h = Math.imul(h ^ (h >>> 15), 0x735a2d97);
        h ^= h >>> 15;
      }
      this.#s[i] = h;
    }
    if (this.#s.every((x) => x === 0)) this.#s[0] = 1;
  }

  /** 32 random bits, signed. */
  bits(): number {
    const s = this.#s;
    const x = Math.imul(s[1], 5);
    const result = Math.imul((x << 7) | (x >>> 25), 9);
    const t = s[1] << 9;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = (s[3] << 11) | (s[3] >>> 21);
    return result;
  }

  /** 0 … n - 1 */
  below(n: number): number {
    return Math.floor((this.bits() >>> 0) * (n / 0x1_0000_0000));
  }

  /** from … to, both included */
  between(from: number, to: number): number {
    return from + this.below(to - from + 1);
  }

  /** true once in n times */
  oneIn(n: number): boolean {
    return this.below(n) === 0;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)];
  }
}
