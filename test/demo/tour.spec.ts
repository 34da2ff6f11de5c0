/** The demonstration's committed program is what its sources say. */
import { mkdirSync } from "node:fs";
import { expect, test } from "vitest";
import { CAN_REBUILD, rebuild } from "../lib/rebuild.ts";

test.skipIf(!CAN_REBUILD)("tour is built from src/demo/guest", () => {
  mkdirSync("build", { recursive: true });
  const done = rebuild("src/demo/guest/build.sh", [`${process.cwd()}/build/tour`], "src/demo/guest/tour", "build/tour", []);
  if (done.sameCompiler) expect(done.sameBytes).toBe(true);
  expect(done.outputs[1]).toBe(done.outputs[0]);
});
