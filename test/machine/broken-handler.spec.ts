/** A handler of the VMM that throws: the guest is taken out of its VM and runs on to its own end, as it does without a VMM. */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { Machine } from "../../src/machine/machine.ts";

const options = {
  module: new WebAssembly.Module(readFileSync("build/core.wasm")),
  kernel: new Uint8Array(readFileSync("src/demo/kernel/image")),
  append: "primes 1000",
  vmm: { runtime: new Uint8Array(readFileSync("src/modules/runtime/runtime.so")) },
};

async function course(meanwhile: (machine: Machine) => void): Promise<{ text: string; reason: string; cycles: number }> {
  const machine = await Machine.create(options);
  let text = "";
  machine.on("serial", (bytes) => {
    text += Buffer.from(bytes).toString("latin1");
  });
  await machine.run({ until: "clocks" });
  meanwhile(machine);
  const { reason } = await machine.run();
  return { text, reason, cycles: machine.cycles };
}

it("ends the VMM, says why, and leaves the guest as it would have been", async () => {
  const without = await course(() => {});
  const said: string[] = [];
  let status = "";
  const broken = await course((machine) => {
    machine.on("vmm", (line) => {
      said.push(line);
      status = machine.vmm.status();
    });
    machine.vmm.load();
    machine.vmm.start();
    machine.vmm.use((vm) =>
      vm.onIo(0x3f8, 0x3f8, () => {
        throw new Error("the handler is broken");
      }),
    );
  });
  expect(said).toHaveLength(1);
  expect(said[0]).toContain("the handler is broken");
  expect(status).toMatch(/^VMM_LOADED/);
  expect(broken).toEqual(without);
  expect(broken.reason).toBe("power off");
});
