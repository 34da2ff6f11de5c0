/** The committed guest of bench/devices.ts is what its sources say. */
import { expect, test } from "vitest";
import { CAN_REBUILD, rebuild } from "../lib/rebuild.ts";

// skipped without a C compiler: the committed image is compared with what its source makes
test.skipIf(!CAN_REBUILD)("bench/devices/guest is built from its source", () => {
  const { sameCompiler, sameBytes } = rebuild("bench/devices/build.sh", [], "bench/devices/guest", "build/kernels/devices");
  if (sameCompiler) expect(sameBytes).toBe(true);
});
