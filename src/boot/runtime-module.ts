/** The runtime that VMM modules are linked with, from the file that stands beside the compiled sources. */
import { readFileSync } from "node:fs";

const FILE = new URL("../modules/runtime.so", import.meta.url);

export function loadRuntimeModule(): Uint8Array {
  return new Uint8Array(readFileSync(FILE));
}
