/** The committed bench64 is what its sources say. */
import { expect, test } from "vitest";
import { CAN_REBUILD, rebuild } from "../lib/rebuild.ts";

test.skipIf(!CAN_REBUILD)("bench64 is built from bench/kernels", () => {
  const done = rebuild("bench/kernels/build.sh", ["bench64"], "bench/kernels/bench64", "build/kernels/bench64", ["scale=1"]);
  if (done.sameCompiler) expect(done.sameBytes).toBe(true);
  expect(done.outputs[0]).toMatch(/DONE\n$/);
  expect(done.outputs[1]).toBe(done.outputs[0]);
});
