/** Runs a program in this process as `minusone exec` does, for tests, and the real Linux' recorded answers. */
import { readFileSync } from "node:fs";
import { runProgram } from "../../../src/index.ts";

export const MODULE = new WebAssembly.Module(readFileSync(new URL("../../../build/core.wasm", import.meta.url)));

export interface Answer {
  readonly status: number;
  readonly stdout: string;
}

export interface Recording {
  /** where and when the answers come from */
  readonly recorded: { readonly date: string; readonly kernel: string; readonly cpu: string };
  readonly answers: Readonly<Record<string, Answer>>;
}

export function pathOf(name: string): string {
  return new URL(`programs/${name}`, import.meta.url).pathname;
}

export interface Setting {
  readonly directory?: string;
  readonly stdin?: string;
  readonly environment?: readonly string[];
  readonly memoryMib?: number;
}

/** Names of the tests in `calls`; `changes` needs a directory of its own that may be written. */
export const CALLS = "brk changes exec faults files fork mmap pipe poll process registers restart shared signals stack time".split(" ");

export async function run(program: string, args: readonly string[], setting: Setting = {}): Promise<Answer & { stderr: string }> {
  const writable = setting.directory !== undefined;
  const result = await runProgram({ module: MODULE, program, args, memoryMib: 64, timeLimit: 60_000, writable, ...setting });
  if (result.interruption !== undefined) throw new Error(`${program} ${args.join(" ")}: ${result.interruption}`);
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { status: result.status, stdout: text(result.stdout), stderr: text(result.stderr) };
}
