/** VM exits of a machine as its user sees them: hooks, -d vmexit, the monitor's histogram, statistics. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { exitsText } from "../../src/debug/inspect/exits-text.ts";
import { traceMachine } from "../../src/debug/machine-trace.ts";
import type { VmExit } from "../../src/machine/hooks.ts";
import { Machine } from "../../src/machine/machine.ts";
import { EXIT_REASON } from "../../src/spec/exits.ts";
import { GatedVmm } from "../lib/gated.ts";
import { HUNG } from "../lib/guest.ts";

const module = new WebAssembly.Module(readFileSync("build/core.wasm"));
const TABLES = 0x30_0000;
const GDT = 0x31_0000;
const CODE = 0x32_0000;
const VMM = 0x33_0000;

/** A machine whose processor is in 64-bit mode, in front of: cpuid; cpuid; in al, 80h; jmp $ */
async function machine64(): Promise<Machine> {
  const machine = await Machine.create({ module, memory: 32, kernel: HUNG, cpu: "max,+vmx" });
  const quads = (at: number, ...values: bigint[]) => machine.writePhysical(at, new Uint8Array(BigUint64Array.from(values).buffer));
  quads(TABLES, BigInt(TABLES + 0x1000) | 3n);
  quads(TABLES + 0x1000, BigInt(TABLES + 0x2000) | 3n);
  quads(TABLES + 0x2000, 0x83n, 0x20_0083n);
  quads(GDT, 0n, 0x00af_9b00_0000_ffffn, 0x00cf_9300_0000_ffffn, 0n);
  machine.writePhysical(CODE, Uint8Array.of(0x0f, 0xa2, 0x0f, 0xa2, 0xe4, 0x80, 0xeb, 0xfe));
  const { vcpu } = machine.pc;
  const wide = {
    cr0: 0x8001_0033n,
    cr3: BigInt(TABLES),
    cr4: 0x620n,
    efer: 0xd01n,
    rip: BigInt(CODE),
    gdtrBase: BigInt(GDT),
    rax: 0n,
    rcx: 0n,
  };
  for (const [name, value] of Object.entries(wide)) vcpu.set(name, value);
  vcpu.setNumber("mode", 2);
  vcpu.setNumber("gdtrLimit", 0x1f);
  for (const [name, selector, rights] of [
    ["cs", 8, 0xa09b],
    ["ss", 16, 0xc093],
  ] as const) {
    vcpu.setNumber(name, selector);
    vcpu.setNumber(`${name}Rights`, rights);
  }
  vcpu.setNumber("trRights", 0x8b);
  vcpu.refresh();
  return machine;
}

const UNCONDITIONAL_IO = 0x0401_e172n | (1n << 24n);

async function run(prepare: (machine: Machine) => void): Promise<Machine> {
  const machine = await machine64();
  prepare(machine);
  machine.pc.core.fastPath.answer("cpuid");
  machine.pc.core.fastPath.askCpuid(5);
  const vmm = new GatedVmm(machine.pc.core, machine.pc.vcpu, VMM);
  expect(vmm.start({ primaryProcessorBasedVmExecutionControls: UNCONDITIONAL_IO })).toBe(true);
  machine.pc.vcpu.set("rax", 5n);
  await machine.run({ instructions: 20 });
  return machine;
}

describe("VM exits", () => {
  it("are told to hooks when the guest goes on", async () => {
    const exits: VmExit[] = [];
    await run((machine) => machine.hooks.onVmExit((exit) => exits.push(exit)));
    // the first CPUID asks for leaf 5, the second for whatever that has left in EAX; IN: one byte, immediate port
    expect(exits).toEqual([
      { reason: EXIT_REASON.CPUID, qualification: 0n, rip: BigInt(CODE), cost: 1, fast: false },
      { reason: EXIT_REASON.CPUID, qualification: 0n, rip: BigInt(CODE + 2), cost: 1, fast: false },
      { reason: EXIT_REASON.IO_INSTRUCTION, qualification: 0x80_0048n, rip: BigInt(CODE + 4), cost: 1, fast: false },
    ]);
  });

  it("are lines of -d vmexit, with a histogram when the machine stops", async () => {
    const lines: string[] = [];
    await run((machine) => {
      traceMachine(machine, new Set(["vmexit"]), (line) => lines.push(line));
    });
    expect(lines.slice(0, 3)).toEqual([
      "vmexit: 0: CPUID qualification=0x0 IP=0x320000 cycles=1",
      "vmexit: 1: CPUID qualification=0x0 IP=0x320002 cycles=1",
      "vmexit: 2: IO INSTRUCTION qualification=0x800048 IP=0x320004 cycles=1",
    ]);
    expect(lines[3].split("\n")[0]).toMatch(/^VM exit +count +fast$/);
  });

  it("are counted in the statistics", async () => {
    const machine = await run(() => {});
    expect(machine.stats().vmExits).toEqual({ CPUID: { count: 2, fast: 0 }, "IO INSTRUCTION": { count: 1, fast: 0 } });
  });
});

describe("the histogram", () => {
  it("has the most frequent reasons first, and a sum", () => {
    const counts = [
      { reason: 10, name: "CPUID", count: 10, fast: 4 },
      { reason: 28, name: "CR ACCESS", count: 40, fast: 0 },
    ];
    expect(exitsText(counts).split("\n")).toEqual([
      "VM exit          count         fast",
      `CR ACCESS           40            0  ${"#".repeat(40)}`,
      `CPUID               10            4  ${"#".repeat(10)}`,
      "all                 50            4",
    ]);
    expect(exitsText([])).toBe("there were no VM exits");
  });
});
