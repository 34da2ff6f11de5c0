/** Runs before all tests: builds what is out of date. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const SCRIPT = fileURLToPath(new URL("../../.scripts/build.mjs", import.meta.url));

export function setup(): void {
  const { status } = spawnSync(process.execPath, [SCRIPT], { stdio: ["ignore", "inherit", "inherit"] });
  if (status !== 0) throw new Error("the build failed");
}
