/** The core's WebAssembly module, compiled from the file that stands beside the compiled sources. */
import { readFileSync } from "node:fs";

const FILE = new URL("../core.wasm", import.meta.url);

export function loadCoreModule(): WebAssembly.Module {
  return new WebAssembly.Module(readFileSync(FILE));
}
