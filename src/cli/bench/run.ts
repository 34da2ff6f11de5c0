/** Runs one system once and times the kernels from outside, by the arrival of their lines on standard output or in a file. */
import { spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Kernel, Reader, type Timing } from "./kernels.ts";
import type { System } from "./systems.ts";

/** a line in a file is seen at most this late */
const POLL_MS = 2;

export class BenchmarkError extends Error {
  constructor(system: string, what: string) {
    super(`${system}: ${what}`);
  }
}

/** Every kernel of the list, in one process. */
export async function run(system: System, kernels: readonly Kernel[], limitSeconds: number): Promise<readonly Timing[]> {
  const folder = mkdtempSync(join(tmpdir(), "minusone-bench-"));
  try {
    return await timed(system, kernels, folder, limitSeconds);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function timed(system: System, kernels: readonly Kernel[], folder: string, limitSeconds: number): Promise<readonly Timing[]> {
  const { command, output } = system.start(kernels, system.scale, folder);
  if (output !== undefined) writeFileSync(output, "");
  const reader = new Reader();
  // a process group of its own, so that a wrapper's children end with it
  const child = spawn(command[0], command.slice(1), { cwd: folder, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  let complaint = "";
  child.stderr.on("data", (data: Buffer) => {
    complaint = (complaint + data.toString()).slice(-2000);
  });
  const stop = (): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    } catch {
      // it has ended by itself
    }
  };
  const follow = output === undefined ? undefined : tail(output, reader, stop);
  child.stdout.on("data", (data: Buffer) => {
    if (output !== undefined) return;
    reader.read(data.toString(), performance.now());
    if (reader.done) stop();
  });
  const limit = setTimeout(stop, limitSeconds * 1000);
  process.once("exit", stop);
  await new Promise<void>((resolve, reject) => {
    child.on("error", (error) => reject(new BenchmarkError(system.name, error.message)));
    child.on("close", () => resolve());
  }).finally(() => {
    clearTimeout(limit);
    follow?.();
    process.removeListener("exit", stop);
  });
  if (!reader.done) {
    const last = complaint.trim().split("\n").pop();
    throw new BenchmarkError(system.name, `stopped behind ${reader.timings.length} of ${kernels.length} kernels${last ? `: ${last}` : ""}`);
  }
  return reader.timings;
}

/** Feeds what is appended to a file to the reader; the result ends it. */
function tail(path: string, reader: Reader, stop: () => void): () => void {
  const file = openSync(path, "r");
  const buffer = Buffer.alloc(4096);
  const timer = setInterval(() => {
    const bytes = readSync(file, buffer, 0, buffer.length, null);
    if (bytes > 0) reader.read(buffer.toString("latin1", 0, bytes), performance.now());
    if (reader.done) stop();
  }, POLL_MS);
  return () => {
    clearInterval(timer);
    closeSync(file);
  };
}
