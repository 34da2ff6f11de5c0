/**
 * A tour of the modes of a 32-bit processor (modes/modes.c): virtual-8086 mode with and without CR4.VME, rings 1 and 3, 16-bit segments,
 * gates of all kinds, double fault by task gate, segments and breakpoints. What it prints was recorded on 2026-11-23 from Bochs 2.7.
 */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Machine } from "../../src/machine/machine.ts";

const image = new Uint8Array(readFileSync("test/fixtures/modes/modes.elf"));
const recorded = readFileSync("test/fixtures/modes/modes.txt", "latin1").trimEnd().split("\n");
const nameOf = (line: string) => line.split(" -> ")[0];

const run = async () => {
  const module = new WebAssembly.Module(readFileSync("build/core.wasm"));
  const machine = await Machine.create({ module, kernel: image, kernelName: "modes", memory: 16, debugExit: {} });
  const bytes: number[] = [];
  machine.on("serial", (part) => bytes.push(...part));
  await machine.run({ instructions: 20_000_000 });
  machine.destroy();
  return Buffer.from(bytes).toString("latin1").split("\n");
};

describe("the modes of a 32-bit processor", async () => {
  const printed = await run();
  for (const [i, line] of recorded.entries())
    it(nameOf(line), () => {
      expect(printed[i]).toBe(line);
    });
});
