/** `minusone bench [NAME…]`: the benchmark kernels on this machine's CPU, on minusone, and on every peer that is installed, in one run. */
import { appendFileSync } from "node:fs";
import { isKernel, KERNELS, type Timing } from "./bench/kernels.ts";
import { commit, machine } from "./bench/machine.ts";
import { compareChecksums, type Measured, records, table } from "./bench/report.ts";
import { BenchmarkError, run } from "./bench/run.ts";
import { type Candidate, candidates, type System } from "./bench/systems.ts";
import { EXIT } from "./exit-codes.ts";
import { type OptionTable, parseOptions, parsePositive, UsageError } from "./options.ts";

const LIMIT_SECONDS = 300;

export const BENCH_OPTIONS: OptionTable = {
  rounds: { value: "N", help: "how often each system runs, the systems taking turns (3)" },
  systems: { value: "A,B", help: "only these of native, minusone, minusone-run, qemu-user, qemu-system, bochs, v86, v86-nojit" },
  record: { value: "FILE", help: "append the figures to FILE as one line of JSON" },
};

/** Returns the exit status. */
export async function bench(args: readonly string[]): Promise<number> {
  const { options, rest } = parseOptions(BENCH_OPTIONS, args);
  const rounds = parsePositive("--rounds", options.get("rounds")?.at(-1) ?? "3");
  if (!Number.isInteger(rounds)) throw new UsageError(`--rounds needs a whole number, not ${rounds}`);
  const stranger = rest.find((name) => !isKernel(name));
  if (stranger !== undefined) throw new UsageError(`there is no kernel ${stranger}; there are ${KERNELS.join(", ")}`);
  const record = options.get("record")?.at(-1);
  if (record !== undefined && !canWrite(record)) return EXIT.CANNOT_WRITE;
  const kernels = KERNELS.filter((k) => rest.length === 0 || rest.includes(k));
  const everything = candidates();
  const chosen = options.get("systems")?.at(-1)?.split(",") ?? everything.map((c) => c.name);
  const unknown = chosen.find((name) => !everything.some((c) => c.name === name));
  if (unknown !== undefined) throw new UsageError(`there is no system ${unknown}; there are ${everything.map((c) => c.name).join(", ")}`);
  const systems = present(everything.filter((c) => chosen.includes(c.name)));

  const { all, failed } = await measure(systems, kernels, rounds);
  const compared = compareChecksums(all);
  const result = records(
    all.filter((m) => systems.includes(m.system)),
    kernels,
  );
  const host = machine();
  console.log(`\nSlowdown against native, best of ${rounds}; ${host.cpu}, ${host.cores} cores, ${host.os}, Node ${host.node}\n`);
  console.log(table(result, kernels));
  console.log(`\n${compared} checksums agree with another system's.`);
  if (record !== undefined) {
    const line = { date: new Date().toISOString(), commit: commit(), machine: host, rounds, systems: result };
    appendFileSync(record, `${JSON.stringify(line)}\n`);
  }
  return failed ? 1 : 0;
}

/** Asked before the minutes of measuring. */
function canWrite(path: string): boolean {
  try {
    appendFileSync(path, "");
    return true;
  } catch (error) {
    console.error(`minusone: --record ${path}: ${error instanceof Error ? error.message : String(error)}`);
    return false;
  }
}

/** Says of each absent system why. */
function present(list: readonly Candidate[]): readonly System[] {
  for (const c of list) if ("absent" in c) console.log(`${c.name} is left out: ${c.absent}`);
  return list.filter((c): c is System => !("absent" in c));
}

/** Rounds are interleaved, so that a busy minute of the machine hits all systems. A system that fails is reported and left out. */
async function measure(systems: readonly System[], kernels: readonly (typeof KERNELS)[number][], rounds: number) {
  const timings = new Map<System, Timing[]>(systems.map((s) => [s, []]));
  let failed = false;
  for (let round = 1; round <= rounds; round++)
    for (const [system, list] of timings) {
      process.stderr.write(`round ${round} of ${rounds}: ${system.name} ${system.version}\n`);
      try {
        list.push(...(await run(system, kernels, LIMIT_SECONDS)));
      } catch (error) {
        if (!(error instanceof BenchmarkError)) throw error;
        console.error(error.message);
        timings.delete(system);
        failed = true;
      }
    }
  const all: Measured[] = [...timings].map(([system, list]) => ({ system, timings: list }));
  const native = systems.find((s) => s.name === "native");
  // once more natively with everybody's amount of work, for the checksums only
  for (const scale of new Set([...timings.keys()].map((s) => s.scale)))
    if (native !== undefined && scale !== native.scale) {
      const system = { ...native, name: `native at ${scale} %`, scale };
      all.push({ system, timings: await run(system, kernels, LIMIT_SECONDS) });
    }
  return { all, failed };
}
