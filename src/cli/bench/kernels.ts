/**
 * The sixteen benchmark kernels of bench/kernels and what they print: `S name reps` before the work, `E name checksum` behind it (numbers in
 * hexadecimal), `DONE` at the end.
 */

export const INTEGER = ["alu", "alu64", "sieve", "crc32", "sha256", "matmul_i", "qsort", "list", "vm", "fib", "str", "hash"] as const;
export const FLOAT = ["matmul_d", "nbody"] as const;
/** in the order in which they run */
export const KERNELS = [...INTEGER.slice(0, 6), ...FLOAT, ...INTEGER.slice(6, 8), "memrep", "memsse", ...INTEGER.slice(8)] as const;
export type Kernel = (typeof KERNELS)[number];

export function isKernel(name: string): name is Kernel {
  return (KERNELS as readonly string[]).includes(name);
}

/** What the kernels' program wants on its command line. */
export function argumentsFor(kernels: readonly Kernel[], scale: number): string[] {
  return kernels.length === KERNELS.length ? [`scale=${scale}`] : [`scale=${scale}`, `only=${kernels.join(",")}`];
}

/** One kernel timed on one system, in seconds. */
export interface Timing {
  readonly kernel: Kernel;
  readonly reps: number;
  readonly seconds: number;
  readonly checksum: string;
}

/** Reads the kernels' output as it comes; `now` is in milliseconds. */
export class Reader {
  readonly timings: Timing[] = [];
  done = false;
  #text = "";
  #running: { kernel: string; reps: number; start: number } | undefined;

  read(text: string, now: number): void {
    const lines = (this.#text + text).split("\n");
    this.#text = lines.pop() ?? "";
    for (const line of lines) this.#line(line.trim().split(/\s+/), now);
  }

  #line([what, name, value]: string[], now: number): void {
    if (what === "DONE") this.done = true;
    else if (what === "S") this.#running = { kernel: name, reps: Number.parseInt(value, 16), start: now };
    else if (what === "E" && this.#running?.kernel === name && isKernel(name)) {
      const { reps, start } = this.#running;
      this.timings.push({ kernel: name, reps, seconds: (now - start) / 1000, checksum: value });
    }
  }
}
