/** The committed bench64 and bare64 are what their sources say. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { CAN_REBUILD, nativeOutput, rebuild } from "../lib/rebuild.ts";

// skipped without a C compiler: the committed image is compared with what its source makes
test.skipIf(!CAN_REBUILD)("bench64 and bare64 are built from bench/kernels", () => {
  const [committed, built] = ["bench/kernels/bench64", "build/kernels/bench64"];
  const { sameCompiler, sameBytes } = rebuild("bench/kernels/build.sh", ["committed"], committed, built);
  if (sameCompiler) expect(sameBytes).toBe(true);
  // nothing in this one says which compiler it was; the same as the other's
  if (sameCompiler) expect(readFileSync("build/kernels/bare64").equals(readFileSync("bench/kernels/bare64"))).toBe(true);
  const output = nativeOutput(committed, ["scale=1"]);
  expect(output).toMatch(/DONE\n$/);
  expect(nativeOutput(built, ["scale=1"])).toBe(output);
});
