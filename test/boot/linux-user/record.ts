/**
 * Records what `programs/calls` prints on this machine's own Linux: `node .scripts/ts.mjs test/boot/linux-user/record.ts`. Needs
 * Linux on x86-64.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, release, tmpdir } from "node:os";
import { join } from "node:path";
import { CALLS, pathOf, type Recording } from "./program.ts";

const answers: Record<string, Recording["answers"][string]> = {};
for (const name of CALLS) {
  const cwd = mkdtempSync(join(tmpdir(), "calls-"));
  const { status, stdout } = spawnSync(pathOf("calls"), [name], { cwd, encoding: "utf8" });
  rmSync(cwd, { recursive: true });
  answers[name] = { status: status ?? -1, stdout };
}
const recorded = { date: new Date().toISOString().slice(0, 10), kernel: `Linux ${release().split("-")[0]}`, cpu: cpus()[0].model.trim() };
writeFileSync(new URL("calls.json", import.meta.url), `${JSON.stringify({ recorded, answers }, null, 1)}\n`);
