/** A machine without the option `vmm`. */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { Machine } from "../../src/machine/machine.ts";

it("has no VMM, and says how to have one", async () => {
  const machine = await Machine.create({ module: new WebAssembly.Module(readFileSync("build/core.wasm")), memory: 16 });
  expect(() => machine.vmm).toThrow("this machine has no VMM; make it with the option vmm: true");
});
