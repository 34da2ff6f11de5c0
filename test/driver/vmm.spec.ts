/** The whole VMM on a bare machine: the driver, the runtime module, a vCPU with its VM exits, and an OS that must not notice. */
import { describe, expect, it } from "vitest";
import { Device } from "../../src/driver/device.ts";
import { DriverError } from "../../src/driver/driver-error.ts";
import { Manager } from "../../src/driver/manager/manager.ts";
import { STATE } from "../../src/driver/states.ts";
import { VMCALL_MAGIC } from "../../src/vmm/constants.ts";
import { ERROR_CODE } from "../../src/vmm/error-codes.ts";
import { VmmHost } from "../lib/vmm-host.ts";

const { UNLOADED, LOADED, RUNNING } = STATE;
/** instructions of ten rounds of the OS */
const TEN = 60n;

function failureOf(verb: () => unknown): DriverError {
  try {
    verb();
  } catch (error) {
    if (error instanceof DriverError) return error;
    throw error;
  }
  throw new Error("it has not failed");
}

describe("the VMM of a machine", () => {
  it("SYS-1 load, start, stop and unload, with what status and dump say, while the OS goes on", () => {
    const host = new VmmHost();
    const { vmm, os } = host;
    const steps: [string, bigint][] = [];
    const step = (verb: () => void) => {
      verb();
      steps.push([vmm.status().split("\n")[0], host.run(TEN)]);
    };
    step(() => {});
    step(() => vmm.load());
    step(() => vmm.start());
    expect(vmm.dump()).toContain("host os is now in a vm on vcpuid = 0");
    expect(os.vcpu.getNumber("vmx")).not.toBe(0);
    step(() => vmm.stop());
    expect(vmm.dump()).toContain("host os is not in a vm on vcpuid = 0");
    expect(os.vcpu.getNumber("vmx")).toBe(0);
    step(() => vmm.unload());
    expect(steps).toEqual(["VMM_UNLOADED", "VMM_LOADED", "VMM_RUNNING", "VMM_LOADED", "VMM_UNLOADED"].map((state) => [state, 10n]));
    expect(host.serial).toContain("host os is not in a vm on vcpuid = 0\n");
  });

  it("SYS-2 the OS is what it would have been after hundreds of starts and loads, and nothing is lost", () => {
    const host = new VmmHost();
    const { vmm } = host;
    const quick = () => {
      vmm.load();
      vmm.start();
      const rounds = host.run(TEN);
      vmm.stop();
      vmm.unload();
      return rounds;
    };
    expect(quick()).toBe(10n);
    const used = vmm.usage;
    for (let i = 0; i < 50; i++) expect(quick()).toBe(10n);
    expect(vmm.usage).toEqual(used);
    vmm.load();
    vmm.start();
    vmm.stop();
    const loaded = vmm.usage;
    for (let i = 0; i < 200; i++) {
      vmm.start();
      expect(host.run(TEN)).toBe(10n);
      vmm.stop();
      expect(vmm.usage).toEqual(loaded);
    }
    vmm.unload();
    const alone = new VmmHost();
    alone.run(host.os.vcpu.get("instructions"));
    const names = ["rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rsp", "r15", "rip", "instructions"] as const;
    const registers = ({ os }: VmmHost) => names.map((name) => [name, os.vcpu.get(name)]);
    expect(registers(host)).toEqual(registers(alone));
    expect(host.vmm.cpu.rflags).toBe(alone.vmm.cpu.rflags);
  }, 120_000);

  it("vmcalls of the driver are answered by the VMM, and the OS's registers stay", () => {
    const host = new VmmHost();
    host.vmm.load();
    host.vmm.start();
    const before = host.osState();
    const answer = host.vmm.vmcall([1n, VMCALL_MAGIC, 1n]);
    expect([...answer.subarray(1, 6)]).toEqual([0n, 1n, 1n, 1n, 0n]);
    expect(host.vmm.vmcall([1n, 0n])[1]).toBe(ERROR_CODE.BFVMCALL_FAILURE);
    expect(host.changes(before)).toEqual([]);
    host.vmm.stop();
  });

  it("SYS-3 the manager's vmcalls over the VMM: versions, registers, strings, JSON, data, events", () => {
    const host = new VmmHost();
    const files = new Map<string, Uint8Array>([["in", Uint8Array.of(1, 2, 3, 0, 255)]]);
    const store = {
      read: (path: string) => files.get(path)!,
      write: (path: string, bytes: Uint8Array) => void files.set(path, bytes),
    };
    const manager = new Manager(new Device(host.vmm.driver, () => {}), store);
    const command = (line: string) => manager.run(line.split(" "));
    host.vmm.load();
    expect(command("start")).toEqual({ status: 0, out: "", error: "" });
    const before = host.osState();
    expect(command("vmcall versions 1").out).toContain("1.1.0");
    expect(command("vmcall registers 1 2 3").status).toBe(0);
    expect(command("vmcall string unformatted hello").out).toContain("hello");
    expect(command('vmcall string json {"a":[1]}').out).toContain('"a"');
    expect(command("vmcall data unformatted in out").status).toBe(0);
    expect(files.get("out")).toEqual(files.get("in"));
    expect(command("vmcall event 1").status).toBe(0);
    expect(command("vmcall versions 7").status).toBe(1);
    expect(host.changes(before)).toEqual([]);
    expect(command("dump").out).toContain("host os is now in a vm");
    expect([command("status").out, host.run(TEN)]).toEqual(["VMM_RUNNING", 10n]);
    expect(command("stop").status).toBe(0);
    expect(command("unload").status).toBe(0);
    expect(host.vmm.state).toBe(UNLOADED);
  });

  it("SYS-4 a host that reboots while the VMM runs has it torn down before", () => {
    const host = new VmmHost();
    host.vmm.load();
    host.vmm.start();
    host.run(TEN);
    new Device(host.vmm.driver, () => {}).reboot();
    expect([host.vmm.state, host.os.vcpu.getNumber("vmx"), host.run(TEN)]).toEqual([UNLOADED, 0, 10n]);
  });

  it("an OS in a state that no VM can be entered with stays where it is, and the rule that forbids it is told", () => {
    const host = new VmmHost();
    host.vmm.load();
    // a task-state segment that is not busy: VM entry demands one that is
    host.os.set({ trRights: 0x89 });
    const before = host.osState();
    const error = failureOf(() => host.vmm.start());
    expect(error.code).toBe(ERROR_CODE.ENTRY_ERROR_VMM_START_FAILED);
    expect(error.message).toContain("check failed: guest: guestTrTypeIsBusyTss: guestTrAccessRights = 0x89");
    expect([host.vmm.state, host.changes(before)]).toEqual([LOADED, []]);
    host.os.set({ trRights: 0x8b });
    host.vmm.start();
    expect([host.vmm.state, host.run(TEN)]).toEqual([RUNNING, 10n]);
    host.vmm.stop();
  });

  it("verbs in a state that they are not for say so, and change nothing", () => {
    const host = new VmmHost();
    const { vmm } = host;
    for (const verb of [() => vmm.start(), () => vmm.stop(), () => vmm.dump(), () => vmm.vmcall([1n])])
      expect(failureOf(verb).code).toBe(ERROR_CODE.BF_ERROR_VMM_INVALID_STATE);
    expect(vmm.state).toBe(UNLOADED);
    vmm.unload();
    vmm.load();
    vmm.load();
    expect(vmm.state).toBe(LOADED);
    expect(failureOf(() => vmm.vmcall([1n])).code).toBe(ERROR_CODE.BF_ERROR_VMM_INVALID_STATE);
    vmm.start();
    vmm.start();
    for (const verb of [() => vmm.load(), () => vmm.unload(), () => vmm.addModule("x", new Uint8Array(64))])
      expect(failureOf(verb).code).toBe(ERROR_CODE.BF_ERROR_VMM_INVALID_STATE);
    expect([vmm.state, host.run(TEN)]).toEqual([RUNNING, 10n]);
    vmm.stop();
    expect([vmm.state, host.run(TEN)]).toEqual([LOADED, 10n]);
  });

  it("a pool that is too small says what to raise, and nothing is written outside of it", () => {
    const host = new VmmHost({ pagePoolBytes: 64n << 20n });
    const before = host.osState();
    expect(() => host.vmm.load()).toThrow(/memory pool: no room for 67108864 bytes \(page pool\).*raise MEMORY_POOL_BYTES/);
    expect(host.changes(before)).toEqual([]);
    const small = new VmmHost({ pagePoolBytes: 0x1_0000n });
    small.vmm.load();
    const error = failureOf(() => small.vmm.start());
    expect(error.code).toBe(ERROR_CODE.BFBADALLOC);
    expect(error.message).toContain("raise PAGE_POOL_BYTES (option pagePoolBytes)");
    expect([small.vmm.state, small.run(TEN)]).toEqual([LOADED, 10n]);
  });

  it("SYS-4 a machine that is reset while the VMM runs finds it gone, and can load it again", () => {
    const host = new VmmHost();
    const { vmm } = host;
    vmm.load();
    vmm.start();
    vmm.shutDown();
    expect([vmm.state, vmm.status(), host.os.vcpu.getNumber("vmx")]).toEqual([UNLOADED, "VMM_UNLOADED", 0]);
    vmm.load();
    vmm.start();
    expect(vmm.state).toBe(RUNNING);
  });

  it("hooks of an extension are asked for user data at their moments", () => {
    const asked: string[] = [];
    const hook = (name: string) => (id: bigint) => {
      asked.push(`${name} ${id}`);
      return null;
    };
    const { vmm } = new VmmHost({
      hooks: { preCreate: hook("create"), preRun: hook("run"), preHlt: hook("hlt"), preDelete: hook("delete") },
    });
    vmm.load();
    vmm.start();
    vmm.stop();
    expect(asked).toEqual(["create 0", "run 0", "hlt 0", "delete 0"]);
  });
});
