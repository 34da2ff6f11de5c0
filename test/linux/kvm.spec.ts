/**
 * A real hypervisor as a guest: Debian's kernel loads kvm_intel, and a small program runs a 64-bit guest of its own through /dev/kvm, with
 * nested paging and without.
 */
import { spawn } from "node:child_process";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { CAN_REBUILD, rebuild } from "../lib/rebuild.ts";
import { Unavailable } from "./debian.ts";
import { kvmHost } from "./guest.ts";

const MINUTES = 60_000;

/** the sum of i² below 32768; the marker of the exception's handler; KVM's signature in CPUID, "KVMK"; 3² in floating point */
const PRINTED = [
  "hello from a 64-bit guest",
  ((32767n * 32768n * 65535n) / 6n).toString(16).padStart(16, "0"),
  "000000000000dead",
  "000000004b4d564b",
  "0000000000000009",
  "halting",
  "== kvm guest halted",
  "== status 0",
  "== unloaded",
];

/** as init-kvm.sh loads the module, and what it then says about EPT */
const LOADED = [
  ["ept=1", "Y"],
  ["ept=0", "N"],
  ["ept=1 unrestricted_guest=0", "Y"],
  ["ept=1 vpid=0", "Y"],
];

function hostOrReason(): ReturnType<typeof kvmHost> | string {
  try {
    return kvmHost();
  } catch (error) {
    if (error instanceof Unavailable) return error.message;
    throw error;
  }
}

async function boot({ kernel, initrd }: ReturnType<typeof kvmHost>): Promise<{ status: number | null; log: string }> {
  const args = [
    "-kernel",
    kernel,
    "-initrd",
    initrd,
    "-m",
    "512M",
    "-append",
    "console=ttyS0 rdinit=/init-kvm",
    "-nographic",
    "-no-reboot",
  ];
  const child = spawn(process.execPath, ["dist/cli/main.js", "run", ...args], { stdio: ["ignore", "pipe", "inherit"] });
  let log = "";
  child.stdout.on("data", (bytes: Buffer) => {
    log += bytes.toString("latin1");
  });
  const status = await new Promise<number | null>((done) => child.on("close", done));
  return { status, log: log.replaceAll("\r\n", "\n") };
}

describe("Linux with KVM", () => {
  const host = hostOrReason();
  if (typeof host === "string") {
    it.skip(`cannot be had: ${host}`, () => {});
    return;
  }

  it("runs a guest of its own, with EPT and without", { timeout: 20 * MINUTES }, async () => {
    const { status, log } = await boot(host);
    expect(log).toContain("== vmx 1\n");
    const expected = LOADED.flatMap(([options, ept]) => [`== loaded ${options}: ept ${ept}`, ...PRINTED]);
    // the kernel's own messages carry a time stamp
    const printed = log.slice(log.indexOf("== loaded")).split("\n");
    expect(printed.filter((line) => line !== "" && !/^\[ *\d+\.\d+\]/.test(line))).toEqual(expected);
    expect(log).not.toMatch(/warn|oops|call trace|unhandled|segfault/i);
    expect(status).toBe(0);
  });
});

describe("the program that runs a guest", () => {
  // skipped without a C compiler: the committed object is compared with what its sources make
  it.skipIf(!CAN_REBUILD)("comes from its sources", () => {
    const built = resolve("build/kvm");
    const { sameCompiler, sameBytes } = rebuild("test/linux/kvm/build.sh", [built], "test/linux/kvm/kvm", built);
    if (sameCompiler) expect(sameBytes).toBe(true);
  });
});
