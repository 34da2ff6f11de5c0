/** The VMM's memory pool: the end of RAM below 3 GiB, which no guest is told of. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { ConfigError, checkOptions, type MachineOptions } from "../../src/machine/config.ts";
import { Machine } from "../../src/machine/machine.ts";
import { HUNG } from "../lib/guest.ts";

const module = new WebAssembly.Module(readFileSync("build/core.wasm"));
const MIB = 1 << 20;

const refusal = (vmm: MachineOptions["vmm"], memory: number): string => {
  try {
    checkOptions({ memory, ...(vmm === undefined ? {} : { vmm }) });
    return "accepted";
  } catch (error) {
    return error instanceof ConfigError ? `${error.option}: ${error.message}` : String(error);
  }
};

describe("the VMM's memory pool", () => {
  it("is cut off the end of the RAM that a multiboot kernel is told of", async () => {
    const machine = await Machine.create({ module, memory: 96, kernel: HUNG, vmm: { poolBytes: 8 * MIB } });
    expect(machine.pc.pool).toEqual({ start: 88 * MIB, length: 8 * MIB });
    const info = new DataView(machine.readPhysical(machine.pc.vcpu.get("rbx"), 64).buffer);
    // Multiboot Specification 0.6.96 3.3: mem_upper at 8, mmap_length and mmap_addr at 44 and 48
    expect(info.getUint32(8, true)).toBe(87 * 1024);
    const map = new DataView(machine.readPhysical(info.getUint32(48, true), info.getUint32(44, true)).buffer);
    const ends = [];
    for (let at = 0; at < map.byteLength; at += map.getUint32(at, true) + 4)
      ends.push([map.getUint32(at + 4, true), map.getUint32(at + 12, true), map.getUint32(at + 20, true)]);
    expect(ends.slice(-2)).toEqual([
      [MIB, 87 * MIB, 1],
      [88 * MIB, 8 * MIB, 2],
    ]);
  });

  it("has 64 MiB unless told otherwise, and the CPU has VMX", async () => {
    const machine = await Machine.create({ module, memory: 128, kernel: HUNG, vmm: true });
    expect(machine.pc.pool).toEqual({ start: 64 * MIB, length: 64 * MIB });
    expect(machine.config.cpu.features).toContain("vmx");
  });

  it("is not there without a VMM", async () => {
    const machine = await Machine.create({ module, memory: 32, kernel: HUNG });
    expect(machine.pc.pool.length).toBe(0);
  });

  it("stands below 3 GiB however much memory there is", () => {
    expect(checkOptions({ memory: 3584, vmm: true }).poolBytes).toBe(64 * MIB);
  });

  it("has to be whole pages, and to leave the guest enough", () => {
    expect(refusal({ poolBytes: 5 * MIB + 1 }, 128)).toBe(
      "vmm: a VMM's memory pool of 5242881 bytes is not possible; choose whole pages of 4096 bytes, 1 MiB or more",
    );
    expect(refusal({ poolBytes: 4096 }, 128)).toContain("1 MiB or more");
    expect(refusal(true, 79)).toBe(
      "vmm: of 79 MiB of memory below 3 GiB, the VMM's pool of 64 MiB leaves the guest less than 16 MiB; " +
        "give the machine more memory, or the VMM a smaller pool",
    );
    expect(refusal(true, 80)).toBe("accepted");
    expect(refusal(false, 4)).toBe("accepted");
  });
});
