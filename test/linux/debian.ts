/**
 * Parts of Debian packages, for guests that are somebody else's work. Packages are fetched by the system's own apt, once, into build/debian,
 * if MINUSONE_GUESTS is set, since they are large; where there is no apt or no network, whoever asks is told why and skips.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, renameSync } from "node:fs";
import { join } from "node:path";

const CACHE = "build/debian";

export class Unavailable extends Error {}

/** The folder that a package is unpacked in; `globs` of tar choose what of it. */
export function unpacked(name: string, globs: readonly string[] = []): string {
  const folder = join(CACHE, name);
  if (existsSync(folder)) return folder;
  if (process.env.MINUSONE_GUESTS === undefined) throw new Unavailable("set MINUSONE_GUESTS=1 to have Debian packages fetched for this");
  mkdirSync(CACHE, { recursive: true });
  const archive = downloaded(name);
  const partial = `${folder}.part`;
  mkdirSync(partial, { recursive: true });
  const wildcards = globs.length > 0 ? `--wildcards ${globs.map((glob) => `'${glob}'`).join(" ")}` : "";
  // globs that a package has nothing for are no fault
  run("sh", ["-c", `dpkg-deb --fsys-tarfile '${archive}' | tar x -C '${partial}' ${wildcards} 2>/dev/null; test -n "$(ls '${partial}')"`]);
  renameSync(partial, folder);
  return folder;
}

/** What a package that only names others depends on: linux-image-amd64 → linux-image-6.1.0-…-amd64. */
export function dependencyOf(name: string): string {
  const lines = run("apt-cache", ["depends", "--important", name]).split("\n");
  const found = lines.map((line) => /^\s*Depends: (\S+)$/.exec(line)?.[1]).find((dependency) => dependency?.startsWith("linux-image-"));
  if (found === undefined) throw new Unavailable(`apt knows no package ${name}`);
  return found;
}

/** The packages and everything they depend on; of alternatives, all. */
export function withDependencies(names: readonly string[]): readonly string[] {
  const leftOut = ["recommends", "suggests", "conflicts", "breaks", "replaces", "enhances"].map((kind) => `--no-${kind}`);
  const lines = run("apt-cache", ["depends", "--recurse", ...leftOut, ...names]).split("\n");
  return [...new Set(lines.filter((line) => /^[a-z0-9]/.test(line)))].sort();
}

function downloaded(name: string): string {
  const there = () => readdirSync(CACHE).find((entry) => entry.startsWith(`${name}_`) && entry.endsWith(".deb"));
  if (there() === undefined) run("apt-get", ["download", "-qq", name], CACHE);
  return join(CACHE, there() ?? name);
}

export function run(command: string, args: readonly string[], cwd?: string): string {
  const done = spawnSync(command, args, { encoding: "utf8", cwd, env: { ...process.env, SOURCE_DATE_EPOCH: "946684800" } });
  if (done.status === 0) return done.stdout;
  const why = done.error?.message ?? (done.stderr.trim().split("\n").at(-1) || `status ${done.status}`);
  throw new Unavailable(`${command} ${args.join(" ")}: ${why}`);
}
