/**
 * `npm run bench:startup`: time from `import` to the first guest instruction, each in a fresh process, and the size of the core.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { WASM } from "./machine.ts";

const RUNS = 11;
const LIBRARY = new URL("../dist/index.js", import.meta.url);
const MAIN = fileURLToPath(new URL("../dist/cli/main.js", import.meta.url));
const PROGRAM = fileURLToPath(new URL("kernels/bench64", import.meta.url));

/** The limit ends the run behind the first block. */
const child = `
  const start = performance.now();
  const { loadCoreModule, runProgram } = await import(${JSON.stringify(LIBRARY.href)});
  const imported = performance.now();
  const module = loadCoreModule();
  const compiled = performance.now();
  const { instructions } = await runProgram({ module, program: ${JSON.stringify(PROGRAM)}, maxInstructions: 1 });
  const ran = performance.now();
  if (!(instructions >= 1)) throw new Error("nothing ran");
  console.log(JSON.stringify([imported - start, compiled - imported, ran - compiled, ran - start]));
`;

const runs: number[][] = [];
for (let i = 0; i < RUNS; i++) {
  const { stdout, stderr, status } = spawnSync(process.execPath, ["--input-type=module", "-e", child], { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
  const start = performance.now();
  spawnSync(process.execPath, [MAIN, "exec", "--max-instructions", "1", PROGRAM]);
  runs.push([...(JSON.parse(stdout) as number[]), performance.now() - start]);
}
const parts = [
  "import",
  "compile the core",
  "load the program, first block",
  "import to first instruction",
  "minusone exec, whole process",
];
for (const [i, part] of parts.entries()) {
  const sorted = runs.map((r) => r[i]).sort((a, b) => a - b);
  console.log(`${part.padEnd(30)} ${sorted[0].toFixed(1).padStart(6)} ms best, ${sorted[RUNS >> 1].toFixed(1).padStart(6)} ms median`);
}
const wasm = readFileSync(WASM);
console.log(`core.wasm ${wasm.length} bytes, ${gzipSync(wasm).length} compressed`);
