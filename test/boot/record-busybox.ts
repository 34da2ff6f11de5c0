/** Records the outcome of every busybox case on this machine's own Linux: `node .scripts/ts.mjs test/boot/record-busybox.ts`. */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { constants, cpus, release } from "node:os";
import { CASES } from "./busybox-cases.ts";
import { BUSYBOX, type BusyboxRecording, type Outcome, type Runner, runCase } from "./busybox-run.ts";

if (BUSYBOX === undefined) throw new Error("busybox is not installed (Debian: busybox-static)");
const busybox = BUSYBOX;

const native: Runner = async (args, { folder, stdin, environment }) => {
  const env = Object.fromEntries(environment.map((line) => line.split("=") as [string, string]));
  const { status, signal, stdout } = spawnSync(busybox, args, { cwd: folder, input: stdin, env, timeout: 10_000 });
  return { status: status ?? 128 + (signal === null ? 0 : constants.signals[signal]), stdout };
};

const outcomes: Record<string, Outcome> = {};
for (const test of CASES) outcomes[test.name] = await runCase(test, native);
const version = spawnSync(busybox, { encoding: "utf8" }).stdout.split("\n")[0];
const recorded: BusyboxRecording["recorded"] = {
  date: new Date().toISOString().slice(0, 10),
  busybox: version.replace(" multi-call binary.", ""),
  kernel: `Linux ${release().split("-")[0]}`,
  cpu: cpus()[0].model.trim(),
};
writeFileSync(new URL("busybox.json", import.meta.url), `${JSON.stringify({ recorded, outcomes }, null, 1)}\n`);
