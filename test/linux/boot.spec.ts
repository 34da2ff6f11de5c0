/**
 * Debian's own kernels, unmodified, from power-on to power-off: they find the platform in order, run programs, know the time, use a disk, and
 * say the same, byte for byte, when they are run again.
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { Unavailable } from "./debian.ts";
import { diskData, type Guest, KERNELS, type KernelPackage, linuxGuest } from "./guest.ts";

const MINUTES = 60_000;
const TROUBLE = /warn|oops|call trace|unhandled|panic|segfault|rcu.*stall/i;

/** KiB of memory (MemTotal) that the kernels find under QEMU 7.2, one processor and no KVM. */
const ON_QEMU: Readonly<Record<KernelPackage, Readonly<Record<string, number>>>> = {
  "linux-image-cloud-amd64": { "256M": 223_620, "3G": 3_056_384 },
  "linux-image-amd64": { "256M": 210_740, "3G": 3_043_508 },
};
/** Debian updates its kernels, and each has another size. */
const MEMORY_TOLERANCE = 0.02;

interface Outcome {
  readonly status: number | null;
  readonly log: string;
  readonly errors: string;
}

function boot(guest: Guest, memory: string): Promise<Outcome> {
  const files = ["-kernel", guest.kernel, "-initrd", guest.initrd, "-drive", `file=${guest.disk},if=virtio,snapshot=on`];
  const args = ["dist/cli/main.js", "run", ...files, "-m", memory, "-append", "console=ttyS0", "-nographic", "-no-reboot"];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
  let log = "";
  let errors = "";
  child.stdout.on("data", (bytes: Buffer) => {
    log += bytes.toString("latin1");
  });
  child.stderr.on("data", (bytes: Buffer) => {
    errors += bytes.toString("latin1");
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status) => resolve({ status, log, errors }));
  });
}

const sha256 = (data: string | Uint8Array) => createHash("sha256").update(data).digest("hex");

/** "== name value" lines of init.sh */
function said(log: string): ReadonlyMap<string, string> {
  return new Map([...log.matchAll(/^== (\S+) ?(.*?)\r?$/gm)].map(([, name, value]) => [name, value]));
}

const numbered = Array.from({ length: 200 }, (_, i) => ({ key: (i * 7919) % 1009, text: `${(i * 7919) % 1009} line ${i}\n` }));
const sorted = numbered.toSorted((a, b) => a.key - b.key).map((line) => line.text);

function guestOrReason(name: KernelPackage): Guest | string {
  try {
    return linuxGuest(name);
  } catch (error) {
    if (error instanceof Unavailable) return error.message;
    throw error;
  }
}

describe.each(KERNELS)("%s", (name) => {
  const guest = guestOrReason(name);
  if (typeof guest === "string") {
    it.skip(`cannot be had: ${guest}`, () => {});
    return;
  }

  it.each(["256M", "3G"])("with %s of memory boots, works and powers off, twice alike", { timeout: 20 * MINUTES }, async (memory) => {
    const [first, second] = await Promise.all([boot(guest, memory), boot(guest, memory)]);
    expect({ status: first.status, errors: first.errors }).toEqual({ status: 0, errors: "" });
    expect(first.log.split("\n").filter((line) => TROUBLE.test(line))).toEqual([]);
    const values = said(first.log);
    expect(Math.abs(Number(values.get("memory")) / ON_QEMU[name][memory] - 1)).toBeLessThan(MEMORY_TOLERANCE);
    expect(Number(values.get("slept"))).toBeGreaterThanOrEqual(100);
    expect(Number(values.get("slept"))).toBeLessThan(105);
    expect(Object.fromEntries(values)).toMatchObject({
      mounted: "3",
      uname: `Linux ${guest.release} x86_64`,
      sorted: sha256(sorted.join("")),
      sum: `${numbered.reduce((sum, line) => sum + line.key, 0)}`,
      gzip: "same",
      forked: "21",
      clocksource: "tsc",
      done: "",
    });
    expect(first.log).toContain("== disk mounted");
    expect(first.log).toContain(`== disk ${sha256(diskData())}`);
    expect(first.log).toContain("== disk written");
    expect(first.log).toMatch(/^model name\s*: minusone/m);
    expect(first.log).toMatch(/reboot: Power down\s*$/);
    expect(second).toEqual(first);
  });
});
