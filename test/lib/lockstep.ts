/** The same cases by the interpreter and by compiled code: every byte of every result must be the same, undefined flags included. */
import type { Row } from "../../src/spec/isa/row.ts";
import type { Batch } from "./batch.ts";
import { CoreTarget } from "./core.ts";
import { EmittedTarget } from "./emitted.ts";

export interface Lockstep {
  /** cases whose results differ, by their index in the batch */
  readonly differing: readonly number[];
  /** rows that compiled code ran at least once to the end */
  readonly compiled: ReadonlySet<Row>;
}

/** `rows` names the row of each case of the batch. */
export function lockstep(batch: Batch, rows: readonly Row[]): Lockstep {
  const emitted = new EmittedTarget();
  const a = new CoreTarget().run(batch);
  const b = emitted.run(batch);
  const differing: number[] = [];
  const compiled = new Set<Row>();
  batch.offsets.forEach((start, index) => {
    const end = batch.offsets[index + 1] ?? a.length;
    if (Buffer.compare(a.subarray(start, end), b.subarray(start, end)) !== 0) differing.push(index);
    if (emitted.compiled[index]) compiled.add(rows[index]);
  });
  return { differing, compiled };
}
