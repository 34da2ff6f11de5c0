/** Something that runs cases: this machine's CPU (native.ts) or the core (core.ts). */
import type { Batch } from "./batch.ts";

export interface Target {
  readonly name: string;
  /** The results, as layout.ts draws them: as long as the batch, each result at the offset of its case. */
  run(batch: Batch): Uint8Array;
}

/** A target could not finish: `index` is the case that killed or hung it. */
export class TargetError extends Error {
  readonly index: number;

  constructor(name: string, index: number, why: string) {
    super(`${name}: case ${index} of the batch: ${why}`);
    this.index = index;
  }
}
