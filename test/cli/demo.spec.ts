/** `npm start`: the bundled operating system, and the VMM that starts underneath it. */
import { spawnSync } from "node:child_process";
import { expect, it } from "vitest";

it("demo puts the running system into a VM and takes it out, and proves that it has not noticed", () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ["dist/cli/main.js", "demo"], { encoding: "utf8", input: "" });
  expect([status, stderr]).toEqual([0, ""]);
  const told = stdout.split("\n").filter((line) => line.startsWith("| "));
  expect(told[1]).toMatch(/^\| vmm load runtime\.so, cpuid-counter\.so; vmm start: success: host os is now in a vm on vcpuid = 0$/);
  // the driver asks after the start (START), and the program vmcall tries once
  expect(told.find((line) => line.startsWith("| VMCALL"))).toMatch(/^\| VMCALL +2 /);
  expect(told.at(-2)).toBe("| vmm stop; vmm unload: VMM_UNLOADED");
  expect(told.at(-1)).toBe("| in the VM the system was what it is without: all registers and 64 MiB of memory, in the same cycle");
  expect(stdout).toContain("a hypervisor is underneath");
});

it("demo COMMAND runs a command without it", () => {
  const { status, stdout } = spawnSync(process.execPath, ["dist/cli/main.js", "demo", "vmcall"], { encoding: "utf8", input: "" });
  expect(status).toBe(0);
  expect(stdout).toContain("nobody is underneath");
});
