/**
 * The time programs see. Without `realTime` it is virtual: one nanosecond for each instruction, and sleeping skips ahead; so two runs of
 * the same program see the same times. Nanoseconds since start are exact numbers for a hundred days.
 */
import type { Host } from "./host.ts";

/** 2026-01-01 00:00:00 UTC: when the virtual clock starts */
export const EPOCH_SECONDS = 1_767_225_600;

export class Clock {
  /** retired by all processes together */
  instructions = 0;
  readonly #host: Host;
  readonly #isReal: boolean;
  readonly #start: number;
  #skipped = 0;

  constructor(host: Host, isReal: boolean) {
    this.#host = host;
    this.#isReal = isReal;
    this.#start = host.now();
  }

  get isReal(): boolean {
    return this.#isReal;
  }

  /** nanoseconds since start */
  now(): number {
    return this.#isReal ? Math.round((this.#host.now() - this.#start) * 1e6) : this.instructions + this.#skipped;
  }

  /** nanoseconds since 1970 */
  sinceEpoch(): bigint {
    return this.#isReal ? this.#host.realTime() : BigInt(EPOCH_SECONDS) * 1_000_000_000n + BigInt(this.now());
  }

  /** Nothing happens until then. */
  skipTo(time: number): void {
    if (!this.#isReal) this.#skipped += Math.max(0, time - this.now());
  }
}
