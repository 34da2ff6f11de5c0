/**
 * Debian's static busybox: the same standard output, status and files as on a real Linux (busybox.json says which and when). Runs where the
 * recorded version is installed.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { runProgram } from "../../src/index.ts";
import { CASES } from "./busybox-cases.ts";
import { BUSYBOX, type BusyboxRecording, type Runner, runCase } from "./busybox-run.ts";
import { MODULE } from "./linux-user/program.ts";

const { recorded, outcomes } = JSON.parse(readFileSync(new URL("busybox.json", import.meta.url), "utf8")) as BusyboxRecording;
const installed = BUSYBOX === undefined ? "" : spawnSync(BUSYBOX, { encoding: "utf8" }).stdout;

const ours: Runner = async (args, { folder, stdin, environment }) => {
  const setting = { directory: folder, writable: true, stdin, environment, memoryMib: 128, timeLimit: 60_000 };
  const { interruption, ...result } = await runProgram({ module: MODULE, program: BUSYBOX ?? "", args, ...setting });
  if (interruption !== undefined) throw new Error(interruption);
  return result;
};

// skipped without the busybox that was recorded: another version may answer differently
describe.skipIf(!installed.startsWith(recorded.busybox))(recorded.busybox, () => {
  test.each(CASES)("$name", async (invocation) => {
    expect(await runCase(invocation, ours)).toEqual(outcomes[invocation.name]);
  });
});
