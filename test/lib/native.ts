/** Runs cases on this machine's CPU: writes the harness as an ELF file and starts it with the cases and an empty file for the results. */
import { spawnSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import type { Batch } from "./batch.ts";
import { type Target, TargetError } from "./driver.ts";
import { harness } from "./harness.ts";
import { AT, GREGS, LDT_DS16 } from "./layout.ts";

const TIMEOUT = 20_000;
const RSP_HIGH = AT.gregs + 8 * GREGS[4] + 4;

/** Whether this machine can run cases natively. */
export const hasNative = process.platform === "linux" && process.arch === "x64";

export const cpuName = (): string => {
  const info = readFileSync("/proc/cpuinfo", "utf8");
  const field = (name: string): string => new RegExp(`^${name}\\s*: (.*)$`, "m").exec(info)?.[1] ?? "?";
  return `${cpus()[0].model.trim()} (family ${field("cpu family")} model ${field("model")} stepping ${field("stepping")})`;
};

/**
 * QUIRK: IRET to a 16-bit stack segment restores 16 bits of RSP only. Linux mends bits 31-16 (arch/x86, "espfix"), not the upper half.
 */
function stackPointers16(batch: Batch, results: Uint8Array): void {
  const cases = batch.bytes;
  const before = new DataView(cases.buffer, cases.byteOffset, cases.byteLength);
  const after = new DataView(results.buffer);
  for (const at of batch.offsets) {
    if (before.getUint16(at + AT.ss, true) === LDT_DS16) after.setUint32(at + RSP_HIGH, 0, true);
  }
}

export class NativeTarget implements Target {
  readonly name = "native";
  readonly #folder: string;
  readonly #program: string;
  readonly #input: number;
  readonly #output: number;

  constructor() {
    this.#folder = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "minusone-"));
    this.#program = join(this.#folder, "harness");
    writeFileSync(this.#program, harness(), { mode: 0o755 });
    this.#input = openSync(join(this.#folder, "cases"), "w+");
    this.#output = openSync(join(this.#folder, "results"), "w+");
  }

  run(batch: Batch): Uint8Array {
    const bytes = batch.bytes;
    writeSync(this.#input, bytes, 0, bytes.length, 0);
    ftruncateSync(this.#output, 0);
    ftruncateSync(this.#output, bytes.length);
    const input = openSync(join(this.#folder, "cases"), "r");
    const child = spawnSync(this.#program, [], { stdio: [input, this.#output, "inherit"], timeout: TIMEOUT, killSignal: "SIGKILL" });
    closeSync(input);
    const results = new Uint8Array(bytes.length);
    readSync(this.#output, results, 0, results.length, 0);
    if (child.error !== undefined || child.status !== 0) {
      const started = new DataView(results.buffer).getUint32(0, true);
      throw new TargetError(this.name, started - 1, child.signal ?? child.error?.message ?? `status ${child.status}`);
    }
    stackPointers16(batch, results);
    return results;
  }

  close(): void {
    closeSync(this.#input);
    closeSync(this.#output);
    rmSync(this.#folder, { recursive: true });
  }
}
