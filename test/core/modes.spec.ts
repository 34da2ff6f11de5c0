/**
 * Tours of the modes (modes/modes32.c, modes/modes64.c): virtual-8086 mode with and without CR4.VME, rings 1 and 3, 16-bit segments, gates
 * of all kinds, double fault by task gate; 64-bit and compatibility mode, IST, far transfers, fast system calls, canonical addresses; segments,
 * flags, breakpoints. What they print was recorded on 2026-11-23 from Bochs 2.7, a Sandy Bridge.
 */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Machine } from "../../src/machine/machine.ts";

const FIXTURES = "test/fixtures/modes";
const nameOf = (line: string) => line.split(" -> ")[0];

const run = async (name: string) => {
  const module = new WebAssembly.Module(readFileSync("build/core.wasm"));
  const kernel = new Uint8Array(readFileSync(`${FIXTURES}/${name}.elf`));
  const machine = await Machine.create({ module, kernel, memory: 16, debugExit: {} });
  const bytes: number[] = [];
  machine.on("serial", (part) => bytes.push(...part));
  await machine.run({ instructions: 20_000_000 });
  machine.destroy();
  return Buffer.from(bytes).toString("latin1").split("\n");
};

for (const name of ["modes32", "modes64"])
  describe(name, async () => {
    const recorded = readFileSync(`${FIXTURES}/${name}.txt`, "latin1").trimEnd().split("\n");
    const printed = await run(name);
    for (const [i, line] of recorded.entries())
      it(nameOf(line), () => {
        expect(printed[i]).toBe(line);
      });
  });
