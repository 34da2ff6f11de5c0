/** Which machine and which code a measurement belongs to. */
import { spawnSync } from "node:child_process";
import { cpus, release, type } from "node:os";
import { fileURLToPath } from "node:url";

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly os: string;
  readonly node: string;
}

export function machine(): Machine {
  const all = cpus();
  return {
    cpu: all[0]?.model.trim() ?? "unknown",
    cores: all.length,
    os: `${type()} ${release().split(".").slice(0, 2).join(".")}`,
    node: process.version,
  };
}

/** Commit of the sources, with "+" if they differ from it; undefined outside a checkout. */
export function commit(): string | undefined {
  const git = (...args: string[]): string | undefined => {
    const done = spawnSync("git", args, { cwd: fileURLToPath(new URL("../../../", import.meta.url)), encoding: "utf8" });
    return done.status === 0 ? done.stdout.trim() : undefined;
  };
  const id = git("rev-parse", "--short=9", "HEAD");
  return id === undefined ? undefined : git("status", "--porcelain", "--untracked-files=no") === "" ? id : `${id}+`;
}
