/**
 * Committed images of guest programs: rebuilt from their sources where gcc is. The same compiler must make the same bytes; another one, a
 * program that does the same.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** gcc makes programs that this host runs */
export const CAN_REBUILD = process.platform === "linux" && process.arch === "x64" && spawnSync("gcc", ["--version"]).status === 0;

export interface Rebuilt {
  readonly sameCompiler: boolean;
  readonly sameBytes: boolean;
}

/** `sh SCRIPT ARGS` makes `built`, a new form of the image `committed`. */
export function rebuild(script: string, args: readonly string[], committed: string, built: string): Rebuilt {
  const made = spawnSync("sh", [script, ...args], { encoding: "utf8" });
  if (made.status !== 0 || made.stderr !== "") throw new Error(`${script}: ${made.stderr}`);
  const [ours, theirs] = [committed, built].map((path) => readFileSync(path));
  // gcc leaves its version in the .comment section
  const compiler = (file: Buffer): string | undefined => /GCC: [^\0]+/.exec(file.toString("latin1"))?.[0];
  return { sameCompiler: compiler(ours) === compiler(theirs), sameBytes: ours.equals(theirs) };
}

/** standard output of a program on this host */
export function nativeOutput(program: string, args: readonly string[]): string {
  return spawnSync(program, args, { encoding: "utf8" }).stdout;
}
