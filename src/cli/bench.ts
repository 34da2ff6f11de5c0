/** `minusone bench [NAME…]`: the benchmark kernels on this machine's CPU, on minusone, and on every peer that is installed, in one run. */
import { appendFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { isKernel, KERNELS, type Timing } from "./bench/kernels.ts";
import { commit, machine } from "./bench/machine.ts";
import { compareChecksums, type Measured, records, table } from "./bench/report.ts";
import { BenchmarkError, run } from "./bench/run.ts";
import { type Candidate, candidates, type System } from "./bench/systems.ts";

const LIMIT_SECONDS = 300;

export const BENCH_USAGE = `usage: minusone bench [NAME…] [--rounds N] [--systems A,B] [--record FILE]

Runs the benchmark kernels (all without NAME: ${KERNELS.join(" ")})
on each system found, in turn, N rounds (3), and prints how many times slower than native each is, best run against best run.
--systems chooses among native minusone qemu-user bochs v86 v86-nojit; --record appends the figures to FILE as one line of JSON.`;

/** Returns the exit status. */
export async function bench(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      rounds: { type: "string", default: "3" },
      systems: { type: "string" },
      record: { type: "string" },
      help: { type: "boolean" },
    },
  });
  if (values.help) {
    console.log(BENCH_USAGE);
    return 0;
  }
  const rounds = Number(values.rounds);
  const unknown = positionals.find((name) => !isKernel(name));
  if (unknown !== undefined || !Number.isInteger(rounds) || rounds < 1) {
    console.error(unknown !== undefined ? `no kernel "${unknown}"` : `--rounds needs a whole number, not "${values.rounds}"`);
    console.error(BENCH_USAGE);
    return 2;
  }
  const kernels = KERNELS.filter((k) => positionals.length === 0 || positionals.includes(k));
  const everything = candidates();
  const chosen = values.systems?.split(",") ?? everything.map((c) => c.name);
  const stranger = chosen.find((name) => !everything.some((c) => c.name === name));
  if (stranger !== undefined) {
    console.error(`no system "${stranger}"; there are ${everything.map((c) => c.name).join(", ")}`);
    return 2;
  }
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
  if (values.record !== undefined) {
    const line = { date: new Date().toISOString(), commit: commit(), machine: host, rounds, systems: result };
    appendFileSync(values.record, `${JSON.stringify(line)}\n`);
  }
  return failed ? 1 : 0;
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
