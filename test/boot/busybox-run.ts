/** One busybox case, run by anything that can run a program in a folder; and what of the result is compared. */
import { createHash } from "node:crypto";
import { existsSync, lstatSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Case, makeFiles } from "./busybox-cases.ts";

export interface Outcome {
  readonly status: number;
  /** as Latin-1, so that every byte counts */
  readonly stdout: string;
  /** files that are new or have changed, or are gone: mode and digest */
  readonly files?: Readonly<Record<string, string>>;
}

export interface BusyboxRecording {
  readonly recorded: { readonly date: string; readonly busybox: string; readonly kernel: string; readonly cpu: string };
  readonly outcomes: Readonly<Record<string, Outcome>>;
}

export type Runner = (
  args: readonly string[],
  setting: { readonly folder: string; readonly stdin: Uint8Array; readonly environment: readonly string[] },
) => Promise<{ readonly status: number; readonly stdout: Uint8Array }>;

/** Debian's package busybox-static */
export const BUSYBOX = ["/usr/bin/busybox", "/bin/busybox"].find((path) => existsSync(path));

const ENVIRONMENT = ["PATH=/usr/bin:/bin", "HOME=/home/user", "TZ=UTC0", "LC_ALL=C", "TERM=dumb"];

export async function runCase(test: Case, runner: Runner): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), "busybox-"));
  try {
    makeFiles(folder);
    const before = list(folder);
    const stdin = test.stdin === undefined ? new Uint8Array(0) : readFileSync(join(folder, test.stdin));
    const { status, stdout } = await runner(test.args, { folder, stdin, environment: ENVIRONMENT });
    const after = list(folder);
    const files = Object.fromEntries(
      [...new Set([...before.keys(), ...after.keys()])].sort().flatMap((name) => {
        const now = after.get(name) ?? "gone";
        return now === before.get(name) ? [] : [[name, now]];
      }),
    );
    const outcome = { status, stdout: Buffer.from(stdout).toString("latin1").replaceAll(folder, "FOLDER") };
    return Object.keys(files).length === 0 ? outcome : { ...outcome, files };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Mode and contents of everything below a folder. */
function list(folder: string, prefix = ""): Map<string, string> {
  const found = new Map<string, string>();
  for (const name of readdirSync(join(folder, prefix))) {
    const path = join(prefix, name);
    const status = lstatSync(join(folder, path));
    const mode = status.mode.toString(8);
    if (status.isDirectory()) {
      found.set(path, mode);
      for (const entry of list(folder, path)) found.set(...entry);
    } else if (status.isSymbolicLink()) found.set(path, `${mode} → ${readlinkSync(join(folder, path))}`);
    else if (status.isFile())
      found.set(
        path,
        `${mode} ${createHash("sha1")
          .update(readFileSync(join(folder, path)))
          .digest("hex")
          .slice(0, 12)}`,
      );
    else found.set(path, mode);
  }
  return found;
}
