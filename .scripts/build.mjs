/**
 * Builds what is not up to date: TypeScript to dist/, tables to assembly/generated/, the core to build/core.wasm and dist/core.wasm.
 * `npm run build -- --debug` also builds the debug core.
 */
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
process.chdir(root);
const require = createRequire(import.meta.url);

function run(script, ...args) {
  const done = spawnSync(process.execPath, [script, ...args], { stdio: ["ignore", "inherit", "inherit"] });
  if (done.status !== 0) process.exit(done.status ?? 1);
}

/** newest change below these paths, in milliseconds */
function newest(...paths) {
  let time = 0;
  for (const path of paths) {
    const stat = statSync(path);
    time = Math.max(time, stat.mtimeMs);
    if (stat.isDirectory()) for (const name of readdirSync(path)) time = Math.max(time, newest(join(path, name)));
  }
  return time;
}

const stale = (output, ...inputs) => !existsSync(output) || statSync(output).mtimeMs < newest(...inputs);

mkdirSync("build", { recursive: true });
// without its output, what the compiler remembers is worth nothing
if (!existsSync("dist/spec/generate.js")) rmSync("build/tsbuildinfo", { force: true });
if (stale("build/tsbuildinfo", "src", "tsconfig.json")) run(require.resolve("typescript/bin/tsc"), "-p", "tsconfig.json");
run("dist/spec/generate.js", "assembly");
const asc = join(dirname(require.resolve("assemblyscript/package.json")), "bin/asc.js");
const core = (target, output) => {
  if (!stale(output, "assembly", "asconfig.json")) return;
  console.error(`Building ${output}, which takes a while…`);
  run(asc, "--config", "asconfig.json", "--target", target);
};
core("release", "build/core.wasm");
if (process.argv.includes("--debug")) core("debug", "build/core.debug.wasm");
copyFileSync("build/core.wasm", "dist/core.wasm");
mkdirSync("dist/demo", { recursive: true });
copyFileSync("src/demo/kernel/image", "dist/demo/kernel");
mkdirSync("dist/modules", { recursive: true });
copyFileSync("src/modules/runtime/runtime.so", "dist/modules/runtime.so");
copyFileSync("src/modules/examples/cpuid-counter.so", "dist/modules/cpuid-counter.so");
