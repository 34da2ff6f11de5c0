/** `minusone run --vmm`: the VMM underneath the bundled operating system, from the command line. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "vmm-"));
afterAll(() => rmSync(folder, { recursive: true }));

function run(command: string, options: readonly string[], input = ""): { status: number | null; out: string; errors: string } {
  const args = [
    "dist/cli/main.js",
    "run",
    "-kernel",
    "src/demo/kernel/image",
    "-append",
    command,
    "-no-reboot",
    "--timeout",
    "100",
    ...options,
  ];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8", input });
  return { status, out: stdout, errors: stderr };
}

const UNDERNEATH = "a hypervisor is underneath";
const NOBODY = "nobody is underneath";

describe("run --vmm", () => {
  it("loads the VMM, and leaves the guest alone until it is started", () => {
    const { status, out, errors } = run("vmcall; poweroff", ["--vmm"]);
    expect([status, errors]).toEqual([0, ""]);
    expect(out).toContain(NOBODY);
  });

  it("starts it underneath the guest at a text and stops it at another", () => {
    const demo = run("demo", ["--vmm", "--vmm-start-on", "> pi", "--vmm-stop-on", "# What is left"]);
    expect([demo.status, demo.errors]).toEqual([0, ""]);
    expect(demo.out).toContain(UNDERNEATH);
    // but for that, the guest has not noticed
    const without = run("demo", ["--vmm"]);
    const told = (text: string) => text.replace(/> vmcall[\s\S]*?underneath/, "> vmcall");
    expect(told(demo.out)).toBe(told(without.out));
  });

  it("starts it in a cycle", () => {
    const { status, out } = run("vmcall; poweroff", ["--vmm", "--vmm-start-at", "6000000"]);
    expect(status).toBe(0);
    expect(out).toContain(UNDERNEATH);
  });

  it("tells why it cannot be started, and lets the guest go on", () => {
    // in the first instructions, before there is paging
    const { status, out, errors } = run("vmcall; poweroff", ["--vmm", "--vmm-start-at", "10"]);
    expect(errors).toMatch(
      /^minusone: vmm start failed: ENTRY_ERROR_VMM_START_FAILED: .*\nthe OS runs with CR0 0x11, and VMX operation needs 0x80000000 set/,
    );
    expect(out).toContain(NOBODY);
    expect(status).toBe(120);
  });

  it.each([
    ["that is not there", join(folder, "absent.so"), 66, /absent\.so: there is no such file/],
    ["that is no ELF file", join(folder, "text.so"), 120, /vmm load failed: BFELF_ERROR_INVALID_SIGNATURE: text\.so/],
  ])("a module %s", (_, path, expected, message) => {
    writeFileSync(join(folder, "text.so"), "this is a text that is long enough to be a header of an ELF file, but is not one");
    const { status, errors } = run("poweroff", ["--vmm", path]);
    expect(errors).toMatch(message);
    expect(status).toBe(expected);
  });

  it.each([
    [["--vmm-start-on", "x"], /--vmm-start-on needs a VMM: add --vmm/],
    [["--vmm", "--vmm-start-on", "x", "--vmm-start-at", "1"], /choose one/],
    [["--vmm", "--vmm-start-at", "soon"], /--vmm-start-at needs a whole number/],
    [["--vmm", "--vmm-pool", "126M"], /leaves the guest less than/],
  ])("refuses %j", (options, message) => {
    const { status, errors } = run("poweroff", options);
    expect(errors).toMatch(message);
    expect(status).toBe(64);
  });
});

describe("the monitor", () => {
  it("has the verbs of the manager", () => {
    const module = "src/modules/runtime/runtime.so";
    const lines = ["vmm status", "vmm start", `vmm load ${join(folder, "none.json")}`, "vmm frobnicate", "vmm vmcall versions 0", "quit"];
    expect(readFileSync(module).length).toBeGreaterThan(0);
    const { status, out } = run("poweroff", ["--vmm", "-monitor", "stdio", "-serial", "null", "-S"], `${lines.join("\n")}\n`);
    const answers = out.split("(minusone) ").slice(1);
    expect(answers[0]).toBe("VMM_LOADED\n");
    expect(answers[1]).toMatch(/^vmm: ioctl failed: start: ENTRY_ERROR_VMM_START_FAILED/);
    expect(answers[2]).toMatch(/^vmm: invalid filename: .*none\.json/);
    expect(answers[3]).toMatch(/^vmm: unknown command/);
    expect(answers[4]).toMatch(/^vmm: vmcall: vmm must be running first/);
    expect(status).toBe(0);
  });
});

describe("minusone vmm", () => {
  const vmm = (...verbs: readonly string[]) =>
    spawnSync(process.execPath, ["dist/cli/main.js", "vmm", ...verbs], { encoding: "utf8", timeout: 60_000 });

  it("runs a round of verbs underneath the bundled system", () => {
    const { status, stdout, stderr } = vmm();
    expect([status, stderr]).toEqual([0, ""]);
    expect(stdout.match(/^VMM_\w+$/gm)).toEqual(["VMM_LOADED", "VMM_RUNNING", "VMM_UNLOADED"]);
    expect(stdout).toContain("vmm version: 1.1.0");
    expect(stdout).toContain("received from vmm:\nhello\n");
    expect(stdout).toContain("success: host os is now in a vm on vcpuid = 0");
    // versions and string, and the START and STOP of the driver
    expect(stdout).toMatch(/^VMCALL +4 /m);
    // the system runs its program cpuid while it is in the VM
    expect(Number(/^CPUID +(\d+) /m.exec(stdout)?.[1])).toBeGreaterThan(20);
  });

  it("stops at a verb that fails", () => {
    const { status, stdout, stderr } = vmm("status,", "start", ",", "status");
    expect(stdout).toBe("> vmm status\nVMM_UNLOADED\n> vmm start\n");
    expect(stderr).toBe("vmm: start: vmm must be loaded first\n");
    expect(status).toBe(120);
  });
});
