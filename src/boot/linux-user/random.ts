/** The generator behind getrandom, /dev/urandom and AT_RANDOM: seeded, so that runs repeat. Not for secrets. Algorithm: sfc32. */
export class Random {
  readonly #s: Uint32Array;

  constructor(seed: number) {
    this.#s = new Uint32Array([seed, seed / 2 ** 32, 0x9e37_79b9, 1]);
    for (let i = 0; i < 12; i++) this.next();
  }

  /** 32 bits */
  next(): number {
    const s = this.#s;
    const sum = s[0] + s[1] + s[3];
    s[3]++;
    s[0] = s[1] ^ (s[1] >>> 9);
    s[1] = s[2] + (s[2] << 3);
    s[2] = ((s[2] << 21) | (s[2] >>> 11)) + sum;
    return sum >>> 0;
  }

  fill(into: Uint8Array): void {
    for (let i = 0; i < into.length; i++) into[i] = this.next();
  }
}
