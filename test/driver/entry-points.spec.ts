import { describe, expect, it } from "vitest";
import { type EntryHooks, entryGates, startVmm, stopVmm } from "../../src/driver/entry-points.ts";
import { BadAlloc, RuntimeError } from "../../src/vmm/errors.ts";
import { MEMORY_TYPE } from "../../src/vmm/memory-manager.ts";
import { VIRTUAL, vmmParts } from "../vmm/parts.ts";

const START_FAILED = 0x8000_0000_0000_0030n;
const STOP_FAILED = 0x8000_0000_0000_0040n;
const BAD_ALLOC = 0x8000_0001_0000_0000n;

/** A vCPU manager that writes down what is asked of it, and fails at what it is told to. */
function recorder(fails: Readonly<Record<string, unknown>> = {}, hooks: EntryHooks = {}) {
  const calls: string[] = [];
  const printed: string[] = [];
  const verb = (name: string) => (id: bigint, data?: unknown) => {
    calls.push(`${name} ${id} ${String(data)}`);
    if (name in fails) throw fails[name];
  };
  const vcpus = { create: verb("create"), delete: verb("delete"), run: verb("run"), hlt: verb("hlt") };
  return { calls, printed, entries: { vcpus, hooks, print: (line: string) => void printed.push(line) } };
}

describe("start_vmm and stop_vmm", () => {
  it("ENT-1 start creates the vCPU, runs it, and says so", () => {
    const { calls, printed, entries } = recorder();
    expect(startVmm(entries, 3n)).toBe(0n);
    expect(calls).toEqual(["create 3 null", "run 3 null"]);
    expect(printed).toEqual(["success: host os is now in a vm on vcpuid = 3"]);
  });

  it("ENT-1 a vCPU that does not run is deleted, and the code is entry-start-failed", () => {
    const { calls, printed, entries } = recorder({ run: new RuntimeError("vmlaunch failed") });
    expect(startVmm(entries, 0n)).toBe(START_FAILED);
    expect(calls).toEqual(["create 0 null", "run 0 null", "delete 0 null"]);
    expect(printed.at(-1)).toBe("vmlaunch failed");
  });

  it("ENT-1 a vCPU that cannot be created is neither run nor deleted; without memory the code is bad-alloc", () => {
    for (const [error, code] of [
      [new RuntimeError("no"), START_FAILED],
      [new BadAlloc("page pool"), BAD_ALLOC],
    ] as const) {
      const { calls, entries } = recorder({ create: error });
      expect(startVmm(entries, 0n)).toBe(code);
      expect(calls).toEqual(["create 0 null"]);
    }
    expect(startVmm(recorder({ run: new BadAlloc("page pool") }).entries, 0n)).toBe(BAD_ALLOC);
  });

  it("ENT-2 stop halts, deletes, and says so", () => {
    const { calls, printed, entries } = recorder();
    expect(stopVmm(entries, 2n)).toBe(0n);
    expect(calls).toEqual(["hlt 2 null", "delete 2 null"]);
    expect(printed).toEqual(["success: host os is not in a vm on vcpuid = 2"]);
  });

  it("ENT-2 what fails is entry-stop-failed or bad-alloc; a vCPU that does not halt is not deleted", () => {
    const { calls, entries } = recorder({ hlt: new RuntimeError("vmxoff failed") });
    expect(stopVmm(entries, 0n)).toBe(STOP_FAILED);
    expect(calls).toEqual(["hlt 0 null"]);
    expect(stopVmm(recorder({ delete: 42 }).entries, 0n)).toBe(STOP_FAILED);
    expect(stopVmm(recorder({ hlt: new BadAlloc("heap pool") }).entries, 0n)).toBe(BAD_ALLOC);
  });

  it("ENT-3 hooks give each step its user data", () => {
    const hooks: EntryHooks = {
      preCreate: (id) => `create-${id}`,
      preRun: (id) => `run-${id}`,
      preHlt: (id) => `hlt-${id}`,
      preDelete: (id) => `delete-${id}`,
    };
    const started = recorder({}, hooks);
    startVmm(started.entries, 1n);
    stopVmm(started.entries, 1n);
    expect(started.calls).toEqual(["create 1 create-1", "run 1 run-1", "hlt 1 hlt-1", "delete 1 delete-1"]);
    const failed = recorder({ run: new RuntimeError("no") }, hooks);
    startVmm(failed.entries, 1n);
    expect(failed.calls.at(-1)).toBe("delete 1 delete-1");
  });
});

describe("gates", () => {
  function makeGates() {
    const { manager, virtual, printed } = vmmParts();
    const memory = {
      readU64: (virt: bigint) => new DataView(virtual.read(virt, 8).buffer).getBigUint64(0, true),
      writeU64: (virt: bigint, value: bigint) => virtual.write(virt, new Uint8Array(BigUint64Array.of(value).buffer)),
    };
    const rings = new Map([[5n, 0x1234n]]);
    const { entries, calls } = recorder();
    const gates = entryGates(() => ({ ...entries, manager, memory, rings }));
    return { gates, manager, memory, calls, printed };
  }

  it("MM-9 add_md takes a pointer to physical address, virtual address and type", () => {
    const { gates, manager, memory } = makeGates();
    for (const [n, word] of [0x5432_1000n, 0x1234_5000n, MEMORY_TYPE.R | MEMORY_TYPE.E].entries())
      memory.writeU64(VIRTUAL + 8n * BigInt(n), word);
    expect(gates.add_md(VIRTUAL)).toBe(0n);
    expect([manager.virtToPhys(0x1234_5000n), manager.virtToAttr(0x1234_5000n)]).toEqual([0x5432_1000n, 5n]);
    expect(gates.add_md(0n)).toBe(0x8000_0000_0100_0000n);
    memory.writeU64(VIRTUAL + 16n, 0n);
    expect(gates.add_md(VIRTUAL)).toBe(0x8000_0000_0100_0000n);
  });

  it("RING-9 get_drr writes the ring's address to its pointer", () => {
    const { gates, memory } = makeGates();
    expect(gates.get_drr(5n, VIRTUAL + 64n)).toBe(0n);
    expect(memory.readU64(VIRTUAL + 64n)).toBe(0x1234n);
    expect([gates.get_drr(6n, VIRTUAL + 64n), gates.get_drr(5n, 0n)]).toEqual([0x8000_0000_0001_0000n, 0x8000_0000_0001_0000n]);
  });

  it("ENT-1 ENT-2 start_vmm and stop_vmm take a vCPU's id", () => {
    const { gates, calls } = makeGates();
    expect([gates.start_vmm(7n), gates.stop_vmm(7n)]).toEqual([0n, 0n]);
    expect(calls).toEqual(["create 7 null", "run 7 null", "hlt 7 null", "delete 7 null"]);
  });
});
