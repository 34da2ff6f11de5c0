/** The OS is taken into a VM by the real core, at an instruction boundary, and let out of it again. */
import { describe, expect, it } from "vitest";
import { STOP } from "../../src/spec/events.ts";
import { CODE, SELECTOR, STACK } from "../lib/ring0.ts";
import { CoreRig } from "./core-rig.ts";

const CPUID = "0F A2";
const HLT = "F4";

describe("an OS in a VM", () => {
  it("EXIT-11 leaves all its registers in the state-save page when it exits, RIP and RSP from the VMCS", () => {
    const rig = new CoreRig().code(`${CPUID} ${HLT}`);
    const general = ["rax", "rbx", "rcx", "rdx", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"] as const;
    for (const [n, name] of general.entries()) rig.ring0.set({ [name]: 0x1111_0000_0000n + BigInt(n) });
    for (let n = 0; n < 16; n++) rig.ring0.vcpu.bytesOf("xmm", n).fill(n + 1);
    rig.start();
    let seen: unknown;
    rig.vcpu.vm.onCpuid("any", (_call, { save, rip }) => {
      const page = rig.platform.own.physical.read(rig.vcpu.stateSave.phys, 0x1000);
      const xmm = Array.from({ length: 16 }, (_, n) => [...new Set(page.subarray(0xc0 + 32 * n, 0xd0 + 32 * n))]);
      seen = [general.map((name) => save.get(name)), rip, save.get("rsp"), xmm];
      return undefined;
    });
    rig.run();
    expect(seen).toEqual([
      general.map((_, n) => 0x1111_0000_0000n + BigInt(n)),
      BigInt(CODE),
      BigInt(STACK),
      Array.from({ length: 16 }, (_, n) => [n + 1]),
    ]);
  });

  it("INT-4 goes on at the very instruction where it stood, with the registers that it had", () => {
    const rig = new CoreRig().code(`48 89 C3 ${HLT}`); // mov rbx, rax
    rig.ring0.set({ rax: 0x1234_5678_9abc_def0n, r15: 15n });
    rig.start();
    expect(rig.run()).toBe(STOP.HALT);
    expect([rig.get("rbx"), rig.get("r15"), rig.ring0.vcpu.get("rip")]).toEqual([0x1234_5678_9abc_def0n, 15n, BigInt(CODE) + 4n]);
  });

  it("has its CPUID answered by the exit handler, and sees no VMX", () => {
    const rig = new CoreRig().code(`B8 01 00 00 00 ${CPUID} ${HLT}`);
    const plain = new CoreRig().code(`B8 01 00 00 00 ${CPUID} ${HLT}`);
    rig.start();
    expect([rig.run(), plain.run()]).toEqual([STOP.HALT, STOP.HALT]);
    expect(rig.vcpu.exitHandler.exitStats()).toEqual({ CPUID: 1 });
    expect(plain.get("rcx") & 0x20n).toBe(0x20n);
    expect(rig.get("rcx")).toBe(plain.get("rcx") & ~0x20n);
    for (const name of ["rax", "rbx", "rdx"] as const) expect(rig.get(name)).toBe(plain.get(name));
  });

  it("reads CR4 without VMXE, and gets #GP for setting it", () => {
    const rig = new CoreRig().code(`0F 20 E0 48 89 C3 48 0D 00 20 00 00 0F 22 E0 ${HLT}`); // mov rax, cr4; mov rbx, rax; or rax, 2000h; mov cr4, rax
    rig.ring0.interruptible().gate(13, SELECTOR.CODE64, CODE + 0x100);
    rig.ring0.code(HLT, CODE + 0x100);
    rig.start();
    expect(rig.run()).toBe(STOP.HALT);
    expect([rig.get("rbx"), rig.ring0.vcpu.get("rip"), rig.ring0.read(STACK - 48)]).toEqual([0x620n, BigInt(CODE) + 0x101n, 0n]);
    expect(rig.vcpu.exitHandler.exitStats()).toEqual({ "CR ACCESS": 1 });
  });

  it("uses MSRs as before: those that the VMCS keeps and those that it does not", () => {
    // mov ecx, 174h; mov eax, 1234h; xor edx, edx; wrmsr; xor eax, eax; rdmsr; mov ebx, eax; mov ecx, C0000082h; mov eax, 5678h; wrmsr
    const rig = new CoreRig().code(
      `B9 74 01 00 00 B8 34 12 00 00 31 D2 0F 30 31 C0 0F 32 89 C3 B9 82 00 00 C0 B8 78 56 00 00 0F 30 ${HLT}`,
    );
    rig.start();
    expect(rig.run()).toBe(STOP.HALT);
    expect(rig.get("rbx")).toBe(0x1234n);
    rig.stop();
    expect([rig.ring0.vcpu.get("sysenterCs"), rig.ring0.vcpu.get("lstar")]).toEqual([0x1234n, 0x5678n]);
  });

  it.each([
    ["VMREAD", "0F 78 C3"],
    ["VMXON", "F3 0F C7 36"],
    ["VMLAUNCH", "0F 01 C2"],
    ["INVEPT", "66 0F 38 80 06"],
  ])("%s is an invalid opcode", (_name, code) => {
    const rig = new CoreRig().code(`${code} ${HLT}`);
    rig.ring0
      .interruptible()
      .gate(6, SELECTOR.CODE64, CODE + 0x100)
      .set({ rsi: 0x3_0000n });
    rig.ring0.code(HLT, CODE + 0x100);
    rig.start();
    expect(rig.run()).toBe(STOP.HALT);
    expect([rig.ring0.vcpu.get("rip"), rig.ring0.read(STACK - 40)]).toEqual([BigInt(CODE) + 0x101n, BigInt(CODE)]);
  });
});

it("an OS of 32 bits goes on as one", () => {
  const rig = new CoreRig().code(`48 ${CPUID} ${HLT}`); // dec eax; cpuid
  rig.ring0.set({ cr4: 0x610n, efer: 0n, cs: SELECTOR.CODE32, csRights: 0xc09b, cr3: 0x7000n, mode: 1, stackMask: 0xffff_ffffn, rax: 1n });
  rig.ring0.write(0x7000, 0x87n);
  rig.ring0.vcpu.refresh();
  rig.start();
  expect([rig.run(), rig.vcpu.exitHandler.exitStats()]).toEqual([STOP.HALT, { CPUID: 1 }]);
  rig.stop();
  expect([rig.get("rax"), rig.ring0.vcpu.getNumber("mode"), rig.ring0.vcpu.get("efer")]).toEqual([0x16n, 1, 0n]);
});

it("an OS reads and writes CR0.NE as before, though VMX operation needs it set", () => {
  // mov rax, cr0; mov rbx, rax; or eax, 20h; mov cr0, rax; mov rcx, cr0; and eax, ~20h; mov cr0, rax; mov rdx, cr0
  const rig = new CoreRig().code(`0F 20 C0 48 89 C3 83 C8 20 0F 22 C0 0F 20 C1 83 E0 DF 0F 22 C0 0F 20 C2 ${HLT}`);
  rig.ring0.set({ cr0: 0x8001_0013n });
  rig.start();
  expect(rig.run()).toBe(STOP.HALT);
  expect((["rbx", "rcx", "rdx"] as const).map((name) => rig.get(name))).toEqual([0x8001_0013n, 0x8001_0033n, 0x8001_0013n]);
  rig.stop();
  expect(rig.ring0.vcpu.get("cr0")).toBe(0x8001_0013n);
});

it("an OS that turns paging and protection off goes on, as an unrestricted guest with EPT, and may turn them on again", () => {
  // mov eax, cr0; and eax, 7FFFFFFFh; mov cr0, eax; and al, FEh; mov cr0, eax; mov esi, cr0; or eax, 80000001h; mov cr0, eax; mov ecx, cr0
  const code = `0F 20 C0 25 FF FF FF 7F 0F 22 C0 24 FE 0F 22 C0 0F 20 C6 0D 01 00 00 80 0F 22 C0 0F 20 C1 31 C0 ${CPUID} ${HLT}`;
  const [plain, rig] = [new CoreRig(), new CoreRig()];
  for (const { ring0 } of [plain, rig]) {
    ring0.code(code);
    ring0.set({ cr4: 0x610n, efer: 0n, cs: SELECTOR.CODE32, csRights: 0xc09b, cr3: 0x7000n, mode: 1, stackMask: 0xffff_ffffn });
    ring0.write(0x7000, 0x87n);
    ring0.vcpu.refresh();
  }
  rig.start();
  expect([plain.run(), rig.run()]).toEqual([STOP.HALT, STOP.HALT]);
  expect(rig.get("rsi")).toBe(0x1_0032n);
  for (const name of ["rax", "rbx", "rsi"] as const) expect(rig.get(name)).toBe(plain.get(name));
  expect(rig.vcpu.exitHandler.exitStats()).toEqual({ "CR ACCESS": 1, "MONITOR TRAP FLAG": 1, CPUID: 1 });
  rig.stop();
  for (const name of ["cr0", "cr4", "efer", "rip"]) expect(rig.ring0.vcpu.get(name)).toBe(plain.ring0.vcpu.get(name));
});

describe("vmcalls", () => {
  it("VMC-4 by the OS", () => {
    const rig = new CoreRig().code(`0F 01 C1 ${HLT}`);
    rig.ring0.set({ rax: 1n, rdx: 0xb045_eacd_acd5_2e22n, rcx: 1n });
    rig.start();
    expect(rig.run()).toBe(STOP.HALT);
    expect((["rdx", "rcx", "rbx", "rsi", "r8"] as const).map((name) => rig.get(name))).toEqual([0n, 1n, 1n, 1n, 0n]);
  });

  it("VMC-6 its buffers are reached through the page tables and PAT of the OS", () => {
    const rig = new CoreRig().code(`0F 01 C1 ${HLT}`);
    // an alias of 2 MiB: virtual 600000H is physical 200000H
    rig.ring0.write(0x3018, 0x20_0087n);
    rig.ring0.core.flushTlb();
    const text = new TextEncoder().encode('{ "a": 1 }');
    rig.ring0.core.ram.set(text, 0x20_0ff8);
    rig.ring0.set({ rax: 3n, rdx: 0xb045_eacd_acd5_2e22n, rsi: 2n, r8: 0x60_0ff8n, r9: BigInt(text.length), r11: 0x60_2000n, r12: 64n });
    rig.start();
    expect(rig.run()).toBe(STOP.HALT);
    expect((["rdx", "r10", "r12"] as const).map((name) => rig.get(name))).toEqual([0n, 2n, 7n]);
    expect(new TextDecoder().decode(rig.ring0.core.ram.subarray(0x20_2000, 0x20_2007))).toBe('{"a":1}');
  });

  it("VMC-6 … of 5 levels, too", () => {
    const rig = new CoreRig().code(`0F 01 C1 ${HLT}`);
    // PML5 at 8000H, PML4 at 1000H; virtual 600000H is physical 200000H
    rig.ring0.write(0x8000, 0x1007n).write(0x3018, 0x20_0087n);
    rig.ring0.set({
      cr3: 0x8000n,
      cr4: 0x1620n,
      rax: 3n,
      rdx: 0xb045_eacd_acd5_2e22n,
      rsi: 10n,
      r8: 0x60_0000n,
      r9: 4n,
      r11: 0x60_2000n,
      r12: 4n,
    });
    rig.ring0.vcpu.refresh();
    rig.ring0.core.flushTlb();
    rig.ring0.core.ram.set([1, 2, 3, 4], 0x20_0000);
    rig.start();
    expect(rig.run()).toBe(STOP.HALT);
    expect([rig.get("rdx"), [...rig.ring0.core.ram.subarray(0x20_2000, 0x20_2004)]]).toEqual([0n, [1, 2, 3, 4]]);
  });

  it("VMC-6 a buffer that is not mapped fails, and nothing stays mapped", () => {
    const rig = new CoreRig().code(`0F 01 C1 ${HLT}`);
    rig.ring0.set({ rax: 3n, rdx: 0xb045_eacd_acd5_2e22n, rsi: 10n, r8: 0x4000_0000n, r9: 8n, r11: 0x3_0000n, r12: 8n });
    rig.start();
    expect(rig.run()).toBe(STOP.HALT);
    expect([rig.get("rdx"), rig.manager.maps.usedBytes]).toEqual([0x8000_0010_0000_0000n, 0n]);
  });

  it("VMC-4 by the driver, wherever the OS stands, whose registers stay what they are", () => {
    const rig = new CoreRig().code(`F4`);
    rig.start();
    const before = rig.state();
    const registers = [1n, 0xb045_eacd_acd5_2e22n, 1n];
    expect(rig.cpu.vmcall(registers)).toBe(true);
    expect(registers.slice(1, 6)).toEqual([0n, 1n, 1n, 1n, 0n]);
    expect(rig.state()).toEqual(before);
  });

  it("VMC-6 the driver's buffers stand in the VMM's memory", () => {
    const rig = new CoreRig().code(`F4`);
    rig.start();
    const [from, to] = [rig.platform.own.obtain(), rig.platform.own.obtain()];
    rig.platform.own.physical.write(from.phys, new TextEncoder().encode("hello"));
    const registers = [3n, 0xb045_eacd_acd5_2e22n, 0n, 0n, 1n, from.virt, 5n, 0n, to.virt, 5n];
    rig.cpu.vmcall(registers);
    expect([registers[1], registers[7], registers[9]]).toEqual([0n, 1n, 5n]);
    expect(new TextDecoder().decode(rig.platform.own.physical.read(to.phys, 5))).toBe("hello");
  });
});

const flags = (value: number) => (rig: CoreRig) => {
  rig.ring0.vcpu.rflags = value;
  return rig;
};
function shadow(rig: CoreRig, inhibit: number): void {
  flags(0x202)(rig).ring0.set({ inhibit, inhibitAt: rig.ring0.vcpu.get("instructions") });
}
function debugRegisters({ ring0 }: CoreRig): void {
  for (const [n, value] of [0x1111n, 0x2222n, 0x3333n, 0x4444n].entries()) ring0.vcpu.set("dr", value, n);
  ring0.vcpu.set("dr", 0x4aan, 7);
}

describe("promotion", () => {
  /** how the OS may stand where it is taken: name, registers */
  const MOMENTS: readonly (readonly [string, (rig: CoreRig) => void])[] = [
    ["in ring 0", () => {}],
    ["in ring 3", ({ ring0 }) => ring0.inRing3()],
    ["with interrupts on", flags(0x202)],
    ["in the shadow of STI", (rig) => shadow(rig, 1)],
    ["in the shadow of MOV SS", (rig) => shadow(rig, 2)],
    ["in HLT", (rig) => flags(0x202)(rig).ring0.set({ halted: 1 })],
    ["with NMIs blocked", ({ ring0 }) => ring0.set({ nmiBlocked: 1 })],
    ["with all flags", flags(0x24_0cd7)],
    ["single-stepping", flags(0x102)],
    ["with debug registers", debugRegisters],
    ["with a GDT that has changed since", ({ ring0 }) => ring0.describe(SELECTOR.CODE64, 0n).describe(SELECTOR.DATA, 0n)],
    [
      "with bases and limits of its own",
      ({ ring0 }) =>
        ring0.set({ fsBase: 0x7fff_0000_1234n, gsBase: 0xffff_8000_0000_0000n, kernelGsBase: 5n, esLimit: 0xfff, esBase: 0x1000n }),
    ],
    ["with an LDT", ({ ring0 }) => ring0.set({ ldtr: SELECTOR.LDT, ldtrBase: 0x5000n, ldtrLimit: 0xff, ldtrRights: 0x82 })],
    [
      "with MSRs of its own",
      ({ ring0 }) =>
        ring0.set({
          sysenterCs: 8n,
          sysenterEsp: 0xffff_8000_0000_1000n,
          sysenterEip: 0x1234n,
          pat: 0x0007_0406_0007_0401n,
          star: 1n,
          lstar: 2n,
          fmask: 3n,
          tscAux: 4n,
        }),
    ],
    ["with CR2, CR8 and XCR0", ({ ring0 }) => ring0.set({ cr2: 0xdead_beefn, apicTpr: 0x50, xcr0: 3n })],
    ["without any CR4 features but PAE", ({ ring0 }) => ring0.set({ cr4: 0x20n })],
    ["in compatibility mode", ({ ring0 }) => ring0.set({ cs: SELECTOR.CODE32, csRights: 0xc09b, mode: 1, stackMask: 0xffff_ffffn })],
    [
      "in 32-bit paging",
      ({ ring0 }) =>
        ring0
          .set({ cr4: 0x610n, efer: 0n, cs: SELECTOR.CODE32, csRights: 0xc09b, cr3: 0x7000n, mode: 1, stackMask: 0xffff_ffffn })
          .write(0x7000, 0x87n),
    ],
    ["with x87 errors by interrupt", ({ ring0 }) => ring0.set({ cr0: 0x8001_0013n })],
    [
      "in PAE paging",
      ({ ring0 }) =>
        ring0
          .set({ cr4: 0x620n, efer: 0x800n, cs: SELECTOR.CODE32, csRights: 0xc09b, cr3: 0x7000n, mode: 1, stackMask: 0xffff_ffffn })
          .write(0x7000, 0x3001n),
    ],
  ];

  it.each(MOMENTS)("VMCS-9 start and stop leave everything as it was: %s", (_name, prepare) => {
    const rig = new CoreRig().code(HLT);
    rig.ring0.set({ tr: SELECTOR.TSS });
    prepare(rig);
    rig.ring0.vcpu.refresh();
    const before = rig.state();
    const used = rig.used;
    rig.start().stop();
    expect(rig.state()).toEqual(before);
    expect([rig.used, rig.log]).toEqual([used, []]);
  });

  it("a thousand times leak nothing", () => {
    const rig = new CoreRig().code(HLT);
    const [before, used] = [rig.state(), rig.used];
    for (let n = 0; n < 1000; n++) rig.start().stop();
    expect([rig.used, rig.state()]).toEqual([used, before]);
  });
});

describe("an OS that cannot be taken", () => {
  it.each([
    ["real mode", { cr0: 0x10n, efer: 0n, cr4: 0n, mode: 0 }, /CR0 0x10, and VMX operation needs 0x80000001 set/],
    ["VMX of its own", { cr4: 0x2620n }, /CR4\.VMXE is set already/],
  ] as const)("%s: a clear error, and nothing has happened", (_name, registers, message) => {
    const rig = new CoreRig().code(HLT);
    rig.ring0.set(registers);
    rig.ring0.vcpu.refresh();
    const [before, used] = [rig.state(), rig.used];
    rig.vcpu.init();
    expect(() => rig.vcpu.run()).toThrow(message);
    rig.vcpu.fini();
    expect([rig.state(), rig.used]).toEqual([before, used]);
  });

  it("VMCS-1 a guest state that the CPU refuses is explained by its rule, and nothing has happened", () => {
    const rig = new CoreRig().code(HLT);
    // an available TSS, which a running CPU never has
    rig.ring0.set({ trRights: 0x89 });
    const [before, used] = [rig.state(), rig.used];
    rig.vcpu.init();
    expect(() => rig.vcpu.run()).toThrow(/vmlaunch failed/);
    expect(rig.log.filter((line) => line.startsWith("check failed")).map((line) => line.split(": ")[2])).toEqual(["guestTrTypeIsBusyTss"]);
    rig.vcpu.fini();
    expect([rig.state(), rig.used]).toEqual([before, used]);
  });
});
