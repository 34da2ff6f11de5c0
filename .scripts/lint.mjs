/** `npm run lint`: format and lint rules, types of everything TypeScript, and the direction of imports. Runs all, then fails if any did. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

process.chdir(join(dirname(fileURLToPath(import.meta.url)), ".."));
const require = createRequire(import.meta.url);
const biome = join(dirname(require.resolve("@biomejs/biome/package.json")), "bin/biome");
const tsc = require.resolve("typescript/bin/tsc");
const projects = ["tsconfig.json", "test/tsconfig.json", "bench/tsconfig.json"].filter((project) => existsSync(project));

const checks = [
  [biome, "check", "--error-on-warnings"],
  ...projects.map((project) => [tsc, "-p", project, "--noEmit", "--incremental", "false"]),
  [".scripts/lint-imports.mjs"],
];
let failed = 0;
for (const check of checks) failed += spawnSync(process.execPath, check, { stdio: "inherit" }).status === 0 ? 0 : 1;
if (failed > 0) console.error(`${failed} of ${checks.length} checks failed`);
process.exitCode = failed === 0 ? 0 : 1;
