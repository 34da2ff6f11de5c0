/**
 * VM exits handled by machine code of modules, in VMX root operation. The guest is a program in ring 0; what TypeScript handles arrives at
 * the gate. Expected values come from vmm-behaviour.md and the SDM.
 */
import { mkdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { max } from "../../src/cpus/max.ts";
import { ExitCode, GATE_CODE } from "../../src/driver/exit-code.ts";
import { STOP } from "../../src/spec/events.ts";
import { EXIT_REASON } from "../../src/spec/exits.ts";
import { PAGE_SIZE } from "../../src/vmm/constants.ts";
import { GatedVmm } from "../lib/gated.ts";
import { RAM_MIB } from "../lib/module-host.ts";
import { Modules, RUNTIME } from "../lib/modules.ts";
import { CAN_REBUILD, rebuild } from "../lib/rebuild.ts";
import { CODE, Ring0 } from "../lib/ring0.ts";

const COUNTER = "src/modules/examples/cpuid-counter.so";
const EXITS = "test/fixtures/modules/exits.so";
const CPUID = "0FA2";

/** A guest in a VM whose exits are looked at by a module first. */
class Machine {
  readonly ring0 = new Ring0(undefined, RAM_MIB, { ...max, features: [...max.features, "vmx"] });
  readonly modules: Modules;
  readonly vmm: GatedVmm;
  readonly log: string[] = [];
  readonly exitCode: ExitCode;
  /** virtual address of the state-save page */
  readonly save: bigint;

  constructor(module: string) {
    const { core, vcpu } = this.ring0;
    const connected: { exitCode?: ExitCode } = {};
    this.modules = new Modules([RUNTIME, module], { core, handlesExits: (entry, gate) => connected.exitCode?.connect(entry, gate) });
    const { host, loader } = this.modules;
    const gate = host.code(GATE_CODE.toString(16));
    this.exitCode = new ExitCode({
      vcpu,
      memory: host.memory,
      names: loader,
      gate,
      functionAt: (address) => host.executor.functionAt(address),
      log: (line) => this.log.push(line),
    });
    connected.exitCode = this.exitCode;
    expect(this.modules.init()).toBe(0n);
    const pages = host.allocate(3n * PAGE_SIZE);
    this.save = pages + 2n * PAGE_SIZE;
    this.vmm = new GatedVmm(core, vcpu, Number(host.memory.physicalOf(pages)));
    const top = (host.allocate(0x10000n) + 0xffffn) & ~0x7fffn;
    const handle = vcpu.onVmExit as () => void;
    vcpu.onVmExit = () => this.exitCode.arrived(handle);
    this.ring0.set({ options: 0 });
    const fields = {
      hostRip: this.exitCode.entry,
      hostCr3: host.executor.root,
      hostRsp: top - 33n,
      hostGsBase: this.save,
      hostCr4: 0x2620n,
    };
    vcpu.refresh();
    expect(this.vmm.start({ ...fields, hostIa32Efer: 0xd00n })).toBe(true);
    this.vmm.cpu.setGate(gate, host.memory.physicalOf(this.save), this.exitCode.entry);
  }

  /** Runs the guest's program up to its HLT. */
  run(hex: string, registers: Readonly<Record<string, bigint>> = {}): bigint {
    const { vcpu } = this.ring0;
    this.ring0.code(`${hex}F4`).set({ rip: BigInt(CODE), halted: 0, ...registers });
    vcpu.refresh();
    expect(vcpu.run(1_000_000n)).toBe(STOP.HALT);
    return vcpu.get("rax");
  }
}

describe("the example that counts CPUID", () => {
  it("EXIT-11 VMCS-10 saves the guest's registers relative to GS, and gives back what the handler leaves there", () => {
    const machine = new Machine(COUNTER);
    const { vcpu } = machine.ring0;
    const names = ["rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"];
    const values = Object.fromEntries(names.map((name, i) => [name, 0x1111_2222_3333_0000n + BigInt(i)]));
    for (let i = 0; i < 16; i++) vcpu.bytesOf("xmm", i).fill(i + 1);
    machine.run(CPUID, { ...values, rax: 0x4000_0000n, rbx: 1n, rcx: 2n, rdx: 3n });
    for (const name of names) expect([name, vcpu.get(name)]).toEqual([name, values[name]]);
    for (let i = 0; i < 16; i++) expect([...vcpu.bytesOf("xmm", i)]).toEqual(new Array(16).fill(i + 1));
    expect(["rax", "rbx", "rcx", "rdx"].map((name) => vcpu.get(name))).toEqual([1n, 0x756e_696dn, 0x6e6f_7375n, 0x65n]);
    const save = (offset: number) => machine.modules.host.memory.readU64(machine.save + BigInt(offset));
    const at: Readonly<Record<string, number>> = {
      rax: 0,
      rbx: 8,
      rcx: 0x10,
      rdx: 0x18,
      rbp: 0x20,
      rsi: 0x28,
      rdi: 0x30,
      r8: 0x38,
      r15: 0x70,
    };
    for (const [name, offset] of Object.entries(at)) expect([name, save(offset)]).toEqual([name, vcpu.get(name)]);
    // RIP of the CPUID, which has been left behind; RSP from the VMCS
    expect([save(0x78), save(0x80)]).toEqual([BigInt(CODE) + 2n, vcpu.get("rsp")]);
    expect(save(0xc0 + 32 * 15)).toBe(0x1010_1010_1010_1010n);
  });

  it("answers as the CPU does, counts, and TypeScript never hears of it", () => {
    const machine = new Machine(COUNTER);
    const { vcpu } = machine.ring0;
    const native = new Ring0(undefined, RAM_MIB, { ...max, features: [...max.features, "vmx"] });
    for (const leaf of [0n, 1n, 7n, 0x8000_0000n, 0xdn]) {
      machine.run(CPUID, { rax: leaf, rcx: 0n });
      native.set({ options: 0 });
      native.code(`${CPUID}F4`).set({ rip: BigInt(CODE), rax: leaf, rcx: 0n, halted: 0, cr4: 0x620n });
      native.vcpu.refresh();
      native.vcpu.run(100n);
      for (const name of ["rax", "rbx", "rdx"]) expect([leaf, name, vcpu.get(name)]).toEqual([leaf, name, native.vcpu.get(name)]);
    }
    // mov ecx,1000; again: push rcx; xor eax,eax; cpuid; pop rcx; loop
    machine.run("B9E8030000 51 31C0 0FA2 59 E2F8");
    expect(machine.run(CPUID, { rax: 0x4000_0000n })).toBe(5n + 1000n + 1n);
    expect(machine.modules.host.memory.readU64(machine.modules.loader.resolve("cpuid_count"))).toBe(1006n);
    expect(machine.vmm.exits).toEqual([]);
  });

  it("what no module handles goes to TypeScript, with the registers as the guest had them", () => {
    const machine = new Machine(COUNTER);
    let seen: readonly bigint[] = [];
    machine.vmm.onExit = () => {
      seen = (["rax", "rcx", "rdx", "r15", "rip"] as const).map((name) => machine.vmm.save.get(name));
      machine.vmm.save.set("rax", 0x77n);
      machine.vmm.cpu.advanceRip();
      machine.vmm.vmx.vmresume();
    };
    // vmcall
    expect(machine.run("0F01C1", { rax: 1n, rcx: 2n, rdx: 3n, r15: 4n })).toBe(0x77n);
    expect(seen).toEqual([1n, 2n, 3n, 4n, BigInt(CODE)]);
    expect(machine.vmm.exits).toEqual([EXIT_REASON.VMCALL]);
    expect(machine.run(CPUID, { rax: 0x4000_0000n })).toBe(1n);
  });

  it("EXIT-7 RIP moves behind the instruction, and what ends there ends: the shadow of STI; a trap flag traps", () => {
    const machine = new Machine(COUNTER);
    // sti; cpuid; vmcall; cli: the shadow of STI covers CPUID, and is over at VMCALL
    const shadows: bigint[] = [];
    machine.vmm.onExit = () => {
      shadows.push(machine.vmm.vmx.vmread("guestInterruptibilityState"));
      machine.vmm.cpu.advanceRip();
      machine.vmm.vmx.vmresume();
    };
    machine.run("FB 0FA2 0F01C1 FA");
    machine.run("FB 0F01C1 FA");
    expect(shadows).toEqual([0n, 1n]);
    // #DB of the single step arrives behind CPUID: its handler stores RIP in R8 and returns with TF clear
    const handler = CODE + 0x100;
    machine.ring0.interruptible();
    machine.ring0.core.ram.set([0x4c, 0x8b, 0x04, 0x24, 0x48, 0x81, 0x64, 0x24, 0x10, 0xff, 0xfe, 0xff, 0xff, 0x48, 0xcf], handler);
    machine.ring0.core.ramWritten(handler, 16);
    machine.ring0.gate(1, 0x08, handler);
    // pushfq; or qword [rsp],0x100; popfq; cpuid
    machine.run("9C 48810C2400010000 9D 0FA2 90");
    expect(machine.ring0.vcpu.get("r8")).toBe(BigInt(CODE) + 12n);
  });

  it("a vmcall and a stop that the driver asks for come to TypeScript at once", () => {
    const machine = new Machine(COUNTER);
    machine.run("90");
    const regs = [1n, 2n];
    machine.vmm.onExit = () => {
      machine.vmm.save.set("rdx", 9n);
      machine.vmm.vmx.vmresume();
    };
    expect(machine.vmm.cpu.vmcall(regs as unknown as Parameters<typeof machine.vmm.cpu.vmcall>[0])).toBe(true);
    expect(regs[1]).toBe(9n);
    expect(machine.run(CPUID, { rax: 0x4000_0000n })).toBe(1n);
    machine.vmm.stop();
    // outside of the VM, nobody answers that leaf
    expect(machine.run(CPUID, { rax: 0x4000_0000n })).not.toBe(2n);
    expect(machine.ring0.vcpu.getNumber("vmx")).toBe(0);
  });

  // skipped without gcc: the committed object is compared with what its source makes
  // skipped without a C compiler: the committed object is compared with what its sources make
  it.skipIf(!CAN_REBUILD)("is built from src/modules/examples", () => {
    const folder = `${process.cwd()}/build/examples`;
    mkdirSync(folder, { recursive: true });
    const { sameCompiler, sameBytes } = rebuild("src/modules/examples/build.sh", [folder], COUNTER, `${folder}/cpuid-counter.so`);
    if (sameCompiler) expect(sameBytes).toBe(true);
  });
});

describe("handlers", () => {
  const asked = (machine: Machine) => machine.modules.host.memory.readU64(machine.modules.loader.resolve("asked"));

  it("the next one is asked if one passes; then TypeScript", () => {
    const machine = new Machine(EXITS);
    expect(machine.run(CPUID, { rbx: 4n, rdx: 4n })).toBe(0x2222n);
    expect(machine.vmm.exits).toEqual([]);
    expect(machine.run(CPUID, { rbx: 4n, rdx: 0n, rax: 5n })).toBe(5n);
    expect(machine.vmm.exits).toEqual([EXIT_REASON.CPUID]);
    expect(machine.modules.int("too_many")).toBe(41);
  });

  it("may call TypeScript: memory, output", () => {
    const machine = new Machine(EXITS);
    expect(machine.run(CPUID, { rbx: 5n })).toBe(1n);
    expect(machine.modules.output).toBe(`exit 10 at 0x${CODE.toString(16)}\n`);
    expect(machine.modules.blocks.size).toBe(0);
    expect(machine.vmm.exits).toEqual([]);
  });

  it("may let the guest go on elsewhere", () => {
    const machine = new Machine(EXITS);
    // cpuid; mov al,1 (skipped by RIP + 4)
    expect(machine.run(`${CPUID} B001`, { rbx: 6n, rax: 9n })).toBe(9n);
    expect(machine.ring0.vcpu.bytesOf("xmm", 3)[0]).toBe(0x5a);
  });

  it("NMIs wait until the guest runs", () => {
    const machine = new Machine(EXITS);
    const { ring0 } = machine;
    const handler = CODE + 0x100;
    ring0.interruptible();
    // inc r9; iretq
    ring0.core.ram.set([0x49, 0xff, 0xc1, 0x48, 0xcf], handler);
    ring0.core.ramWritten(handler, 8);
    ring0.gate(2, 0x08, handler);
    ring0.code(`${CPUID}90F4`).set({ rip: BigInt(CODE), halted: 0, r9: 0n, rbx: 0n });
    ring0.vcpu.refresh();
    // into the handler of the exit, some instructions far
    ring0.vcpu.run(30n);
    expect(ring0.vcpu.getNumber("vmx")).toBe(1);
    ring0.vcpu.raiseNmi();
    expect(ring0.vcpu.run(100_000n)).toBe(STOP.HALT);
    expect([ring0.vcpu.get("r9"), ring0.vcpu.get("rax")]).toEqual([1n, 0x600dn]);
  });

  const bad: readonly (readonly [string, bigint, RegExp])[] = [
    ["faults", 1n, /not asked again: #PF by write of 0x10, which is not mapped, in exits\.so: on_cpuid\+0x/],
    ["aborts", 2n, /not asked again: abort\(\) in runtime\.so: abort\+0x/],
    ["halts", 3n, /not asked again: HLT in exits\.so: on_cpuid\+0x/],
  ];
  it.each(bad)("EXIT-10 one that %s: the exit is handled in TypeScript as if it had not been, and the guest goes on", (_, rbx, message) => {
    const machine = new Machine(EXITS);
    expect(machine.run(CPUID, { rax: 5n, rcx: 6n, rbx })).toBe(5n);
    expect(machine.ring0.vcpu.get("rcx")).toBe(6n);
    expect(machine.vmm.exits).toEqual([EXIT_REASON.CPUID]);
    expect(machine.log).toEqual([expect.stringMatching(message)]);
    // machine code is not asked again
    const before = asked(machine);
    expect(machine.run(CPUID, { rax: 8n, rbx: 0n })).toBe(8n);
    expect(asked(machine)).toBe(before);
    expect(machine.vmm.exits).toEqual([EXIT_REASON.CPUID, EXIT_REASON.CPUID]);
  });

  it("EXIT-8 one that leaves a guest that cannot be entered: TypeScript gets the failed entry", () => {
    const machine = new Machine(EXITS);
    const reasons: number[] = [];
    machine.vmm.onExit = (reason) => {
      reasons.push(reason >>> 0);
      machine.vmm.vmx.vmwrite("guestRflags", 2n);
      machine.vmm.vmx.vmresume();
    };
    expect(machine.run(CPUID, { rbx: 7n, rax: 3n })).toBe(3n);
    expect(reasons).toEqual([0x8000_0000 + EXIT_REASON.INVALID_GUEST_STATE]);
  });

  it("one that leaves a VMCS that cannot be entered is named", () => {
    const machine = new Machine(EXITS);
    const controls = machine.vmm.vmx.vmread.bind(machine.vmm.vmx, "vmEntryControls");
    machine.vmm.onExit = () => {
      expect(controls()).toBe(0xffff_ffffn);
      machine.vmm.cpu.stop();
    };
    machine.ring0.code(`${CPUID}F4`).set({ rip: BigInt(CODE), halted: 0, rbx: 8n });
    machine.ring0.vcpu.refresh();
    expect(machine.ring0.vcpu.run(100_000n)).toBe(STOP.SHUTDOWN);
    expect(machine.log).toEqual([expect.stringMatching(/#UD in runtime\.so: exit_entry\+0x/)]);
  });
});
