/**
 * `npm run bench:startup`: time from `import` to the first guest instruction, each in a fresh process, and the size of the core.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { WASM } from "./machine.ts";

const RUNS = 11;
const CORE = new URL("../dist/core/core.js", import.meta.url);

const child = `
  const start = performance.now();
  const { readFileSync } = await import("node:fs");
  const { Core } = await import(${JSON.stringify(CORE.href)});
  const imported = performance.now();
  const module = new WebAssembly.Module(readFileSync(${JSON.stringify(fileURLToPath(WASM))}));
  const compiled = performance.now();
  const core = new Core(module, 64);
  const vcpu = core.vcpu(0);
  core.ram[0] = 0x90; // NOP in real mode
  vcpu.refresh();
  vcpu.run(1n);
  if (vcpu.get("rip") !== 1n) throw new Error("the first instruction did not run");
  const ran = performance.now();
  console.log(JSON.stringify([imported - start, compiled - imported, ran - compiled, ran - start]));
`;

const runs = Array.from({ length: RUNS }, () => {
  const { stdout, stderr, status } = spawnSync(process.execPath, ["--input-type=module", "-e", child], { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as number[];
});
for (const [i, part] of ["import", "compile", "instantiate and run", "import to first instruction"].entries()) {
  const sorted = runs.map((r) => r[i]).sort((a, b) => a - b);
  console.log(`${part.padEnd(30)} ${sorted[0].toFixed(1).padStart(6)} ms best, ${sorted[RUNS >> 1].toFixed(1).padStart(6)} ms median`);
}
const wasm = readFileSync(WASM);
console.log(`core.wasm ${wasm.length} bytes, ${gzipSync(wasm).length} compressed`);
