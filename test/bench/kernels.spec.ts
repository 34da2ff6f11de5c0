/** The committed bench64 is what its sources say: the same bytes from the same compiler, the same results from another one. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const gcc = spawnSync("gcc", ["--version"]).status === 0;
const native = process.platform === "linux" && process.arch === "x64";

// without gcc there is nothing to compare with; elsewhere than on x86-64 Linux gcc makes other code
test.skipIf(!gcc || !native)("bench64 can be rebuilt", () => {
  const built = spawnSync("sh", ["bench/kernels/build.sh", "bench64"], { encoding: "utf8" });
  expect(built.stderr).toBe("");
  const [ours, theirs] = ["bench/kernels/bench64", "build/kernels/bench64"].map((path) => readFileSync(path));
  const compiler = (file: Buffer): string | undefined => /GCC: [^\0]+/.exec(file.toString("latin1"))?.[0];
  if (compiler(ours) === compiler(theirs)) expect(theirs.equals(ours)).toBe(true);
  const results = ["bench/kernels/bench64", "build/kernels/bench64"].map(
    (path) => spawnSync(path, ["scale=1"], { encoding: "utf8" }).stdout,
  );
  expect(results[0]).toMatch(/DONE\n$/);
  expect(results[1]).toBe(results[0]);
});
