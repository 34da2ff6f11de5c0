/** `vmm VERB …` of the monitor and of `minusone vmm`: the manager of the VMM over a machine, with the files of this computer. */
import { readFileSync, writeFileSync } from "node:fs";
import { Device } from "../../driver/device.ts";
import type { FileStore } from "../../driver/manager/files.ts";
import { Manager, type Outcome } from "../../driver/manager/manager.ts";
import type { Machine } from "../../machine/machine.ts";

const FILES: FileStore = {
  read: (name) => new Uint8Array(readFileSync(name)),
  write: (name, bytes) => writeFileSync(name, bytes),
};

/** Runs a command line; nothing is thrown. Modules are loaded in an order that depends on the machine's seed alone. */
export function vmmCommand(machine: Machine, args: readonly string[]): Outcome {
  try {
    return new Manager(new Device(machine.vmm.driver, () => {}), FILES, { random: seeded(machine.config.seed) }).run(args);
  } catch (error) {
    return { status: 1, out: "", error: `vmm: ${(error as Error).message}` };
  }
}

/** "load a.so 'the text'" as words; quotes keep spaces */
export function words(line: string): readonly string[] {
  return [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(([, double, single, plain]) => double ?? single ?? plain);
}

/** numbers from 0 up to 1, the same ones for the same seed */
function seeded(seed: number): () => number {
  let state = (seed ^ 0x9e3779b9) >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
