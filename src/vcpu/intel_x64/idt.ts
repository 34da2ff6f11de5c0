/** An interrupt descriptor table of 64-bit words, as the VMM has it: empty, for nothing of the VMM runs on the OS's vCPU that could be interrupted. */
export class Idt {
  readonly words: readonly bigint[];
  readonly base: bigint;

  private constructor(words: readonly bigint[], base: bigint) {
    this.words = words;
    this.base = base;
  }

  /** `entries` words; a gate of 64-bit mode takes two. */
  static of(entries: number, base = 0n): Idt {
    return new Idt(new Array<bigint>(entries).fill(0n), base);
  }

  /** of the last byte */
  get limit(): number {
    return this.words.length * 8 - 1;
  }
}
