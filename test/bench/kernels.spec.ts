/** The committed bench64 is what its sources say. */
import { expect, test } from "vitest";
import { CAN_REBUILD, nativeOutput, rebuild } from "../lib/rebuild.ts";

test.skipIf(!CAN_REBUILD)("bench64 is built from bench/kernels", () => {
  const [committed, built] = ["bench/kernels/bench64", "build/kernels/bench64"];
  const { sameCompiler, sameBytes } = rebuild("bench/kernels/build.sh", ["bench64"], committed, built);
  if (sameCompiler) expect(sameBytes).toBe(true);
  const output = nativeOutput(committed, ["scale=1"]);
  expect(output).toMatch(/DONE\n$/);
  expect(nativeOutput(built, ["scale=1"])).toBe(output);
});
