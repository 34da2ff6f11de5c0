/**
 * `npm run bench`: builds what Bochs and v86 boot, where gcc is installed, then compares the systems of this machine (`minusone bench`) and
 * appends the figures to bench/results.jsonl. With --profile: see profile.ts.
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { isKernel } from "../src/cli/bench/kernels.ts";
import { bench } from "../src/cli/bench.ts";
import { UsageError } from "../src/cli/options.ts";
import { printProfile } from "./profile.ts";

const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const args = process.argv.slice(2);

if (args.includes("--profile")) {
  const kernels = args.filter(isKernel);
  await printProfile(kernels.length > 0 ? kernels : undefined);
} else {
  const built = spawnSync("sh", [path("kernels/build.sh")], { stdio: ["ignore", "inherit", "pipe"], encoding: "utf8" });
  if (built.status !== 0) console.log(`The bare-metal images were not built: ${built.stderr.trim().split("\n").pop()}`);
  try {
    process.exitCode = await bench(["--record", path("results.jsonl"), ...args]);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(error.message);
    process.exitCode = 2;
  }
}
