/** The loop of `npm run fuzz`: batches of random cases on both targets, compared; the first differences of each row are shrunk and shown. */
import { isa } from "../../src/spec/isa/all.ts";
import type { Row } from "../../src/spec/isa/row.ts";
import { Batch } from "./batch.ts";
import { compare, type Difference } from "./compare.ts";
import type { Target } from "./driver.ts";
import { Generator, type Modes } from "./generate.ts";
import { printFinding } from "./print.ts";
import { Random } from "./random.ts";
import { alone, shrink } from "./shrink.ts";

const BATCH = 4000;

export interface Options {
  readonly seed: number;
  readonly cases: number;
  readonly rows: readonly Row[];
  readonly modes: Modes;
  /** this process takes every `jobs`-th batch, starting with `job` */
  readonly job: number;
  readonly jobs: number;
  /** how many differences to show for each row, and of how many rows */
  readonly shown: number;
  readonly shownRows: number;
}

export interface Summary {
  cases: number;
  /** milliseconds */
  generating: number;
  native: number;
  ours: number;
  comparing: number;
  /** differences that need the cases before them: memory or code that an earlier case left wrong */
  inSequence: number;
  firstInSequence: string | undefined;
  /** differing cases by row */
  readonly differing: Record<string, number>;
}

export function fuzz(options: Options, native: Target, ours: Target, say: (text: string) => void): Summary {
  const { seed, rows } = options;
  const summary: Summary = {
    cases: 0,
    generating: 0,
    native: 0,
    ours: 0,
    comparing: 0,
    inSequence: 0,
    firstInSequence: undefined,
    differing: {},
  };
  const random = new Random(seed);
  const generator = new Generator(random, isa, options.modes);
  const batch = new Batch(1 << 22);
  const batches = Math.ceil(options.cases / BATCH);
  const shown = new Map<Row, number>();
  for (let n = options.job; n < batches; n += options.jobs) {
    const count = Math.min(BATCH, options.cases - n * BATCH);
    let time = performance.now();
    const lap = (): number => {
      const now = performance.now();
      const spent = now - time;
      time = now;
      return spent;
    };
    // a batch depends on the seed and its number only, so that any job can make it
    random.seed(seed, n);
    generator.renew();
    batch.clear();
    const used: Row[] = [];
    for (let i = 0; i < count; i++) {
      const row = rows[(n * BATCH + i) % rows.length];
      used.push(row);
      generator.make(row, batch);
    }
    summary.generating += lap();
    const a = native.run(batch);
    summary.native += lap();
    const b = ours.run(batch);
    summary.ours += lap();
    const findings: [number, readonly Difference[]][] = [];
    compare(batch, used, a, b, (index, found) => findings.push([index, found]));
    summary.cases += count;
    summary.comparing += lap();
    for (const [index, found] of findings) {
      const row = used[index];
      const record = batch.record(index).slice();
      const own = alone(row, record, native, ours);
      if (own.length === 0) {
        summary.inSequence++;
        summary.firstInSequence ??= `batch ${n} case ${index}: ${row.mnemonic} (${row.bytes}), ${found.map((d) => d.name).join(" ")}`;
        continue;
      }
      const name = `${row.mnemonic} (${row.bytes})`;
      summary.differing[name] = (summary.differing[name] ?? 0) + 1;
      const before = shown.get(row) ?? 0;
      if (before >= options.shown || (before === 0 && shown.size >= options.shownRows)) continue;
      shown.set(row, before + 1);
      say(`${printFinding(shrink({ row, record, found: own }, native, ours))}\n`);
    }
  }
  return summary;
}
