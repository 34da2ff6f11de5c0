/**
 * npm run fuzz: random cases on this CPU and on the core, compared.
 *
 *     npm run fuzz -- [--seed S] [--cases N] [--only REGEX] [--jobs J] [--modes 64|all] [--shown D] [--rows R]
 *     npm run fuzz -- --case TEXT        one case, as printed with a difference
 *     npm run fuzz -- --coverage         which rows have recorded cases, and how the others are tested
 *
 * --only takes rows whose mnemonic is REGEX, or else those with REGEX anywhere in "bytes mnemonic semantics table:line". At most D
 * differences are shown for each of R rows. The exit status is 1 if there was a difference.
 */
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { isa } from "../src/spec/isa/all.ts";
import { Batch } from "./lib/batch.ts";
import { parseCase } from "./lib/case-text.ts";
import { compare } from "./lib/compare.ts";
import { CoreTarget } from "./lib/core.ts";
import { coverage, printCoverage } from "./lib/coverage.ts";
import { fuzz, type Summary } from "./lib/fuzz.ts";
import { cpuName, hasNative, NativeTarget } from "./lib/native.ts";
import { printFinding } from "./lib/print.ts";
import { selectRows } from "./lib/select.ts";

const DEFAULT_CASES = 100_000;

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    cases: { type: "string", default: `${DEFAULT_CASES}` },
    only: { type: "string" },
    jobs: { type: "string", default: "1" },
    job: { type: "string" },
    modes: { type: "string", default: "all" },
    shown: { type: "string", default: "1" },
    rows: { type: "string", default: "10" },
    case: { type: "string" },
    coverage: { type: "boolean", default: false },
  },
});

if (values.coverage) console.log(printCoverage(coverage()));
else if (!hasNative) {
  console.error("fuzz compares with an x86-64 CPU under Linux; `npm test` replays what was recorded on one");
  process.exitCode = 2;
} else if (values.case !== undefined) one(values.case);
else if (values.job === undefined && Number(values.jobs) > 1) await split(Number(values.jobs));
else finish(run(Number(values.job ?? 0)));

function run(job: number): Summary {
  const rows = selectRows(values.only);
  if (rows.length === 0) {
    console.error(`no row matches ${values.only}`);
    process.exit(2);
  }
  const native = new NativeTarget();
  try {
    const options = {
      seed: Number(values.seed ?? 1),
      cases: Number(values.cases),
      rows,
      modes: { legacy: values.modes === "all" },
      job,
      jobs: Number(values.jobs),
      shown: Number(values.shown),
      shownRows: Number(values.rows),
    };
    return fuzz(options, native, new CoreTarget(), console.log);
  } finally {
    native.close();
  }
}

/** Starts the jobs as processes of their own and adds up what they report. */
async function split(jobs: number): Promise<void> {
  const summaries = await Promise.all(
    Array.from({ length: jobs }, (_, job) => {
      const loader = fileURLToPath(new URL("../.scripts/ts.mjs", import.meta.url));
      const child = fork(loader, [fileURLToPath(import.meta.url), ...process.argv.slice(2), "--job", `${job}`]);
      return new Promise<Summary>((resolve, reject) => {
        child.on("message", (summary) => resolve(summary as Summary));
        child.on("exit", (status) => reject(new Error(`job ${job} ended with ${status}`)));
      });
    }),
  );
  const sum = summaries.reduce((a, b) => ({
    cases: a.cases + b.cases,
    generating: a.generating + b.generating,
    native: a.native + b.native,
    ours: a.ours + b.ours,
    comparing: a.comparing + b.comparing,
    inSequence: a.inSequence + b.inSequence,
    firstInSequence: a.firstInSequence ?? b.firstInSequence,
    differing: merge(a.differing, b.differing),
  }));
  finish(sum);
}

function merge(a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>): Record<string, number> {
  const sum = { ...a };
  for (const [row, n] of Object.entries(b)) sum[row] = (sum[row] ?? 0) + n;
  return sum;
}

function finish(summary: Summary): void {
  if (process.send !== undefined) {
    process.send(summary);
    return;
  }
  const differing = Object.entries(summary.differing).sort(([, a], [, b]) => b - a);
  for (const [row, n] of differing) console.log(`${`${n}`.padStart(8)}  ${row}`);
  const rate = (ms: number): string => `${Math.round(summary.cases / ms)}k/s`;
  console.log(
    `${summary.cases} cases, seed ${values.seed ?? 1}, on ${cpuName()}: ${differing.reduce((n, [, k]) => n + k, 0)} differences in ${differing.length} rows`,
  );
  console.log(
    `  making ${rate(summary.generating)}, this CPU ${rate(summary.native)}, minusone ${rate(summary.ours)}, comparing ${rate(summary.comparing)}`,
  );
  if (summary.inSequence > 0) console.log(`  and ${summary.inSequence} only after other cases; the first: ${summary.firstInSequence}`);
  if (differing.length > 0 || summary.inSequence > 0) process.exitCode = 1;
}

function one(text: string): void {
  const { row, record } = parseCase(text, isa);
  const batch = new Batch();
  batch.append(record);
  const native = new NativeTarget();
  let same = true;
  compare(batch, [row], native.run(batch), new CoreTarget().run(batch), (_, found) => {
    same = false;
    console.log(printFinding({ row, record, found }));
  });
  native.close();
  if (same) console.log("no difference");
  else process.exitCode = 1;
}
