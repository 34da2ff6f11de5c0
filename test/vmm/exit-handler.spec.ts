/** Exits by reason: what the guest gets, where it goes on, and what happens when nobody knows what to do. */
import { describe, expect, it } from "vitest";
import { EXIT_REASON, exitReasonName } from "../../src/spec/exits.ts";
import { ExitHandler } from "../../src/vcpu/intel_x64/exit-handler.ts";
import { SAVED_REGISTERS, type SavedRegister, STATE_SAVE_BYTES, StateSave } from "../../src/vcpu/intel_x64/state-save.ts";
import { BadAlloc } from "../../src/vmm/errors.ts";
import { rig } from "./rig.ts";

const MAGIC = 0xb045_eacd_acd5_2e22n;
const GP = 0x8000_0b0dn;
const UD = 0x8000_0306n;

function set(registers: Partial<Record<SavedRegister, bigint>> = {}) {
  const r = rig();
  const save = new StateSave(new Uint8Array(STATE_SAVE_BYTES));
  for (const [name, value] of Object.entries(registers)) save.set(name as SavedRegister, value);
  const vmcs = {
    resume: () => void r.cpu.calls.push("resume"),
    promote: () => void r.cpu.calls.push("leave"),
    explain: () => void r.log.push("explained"),
  };
  const handler = new ExitHandler({ platform: r.platform, vmcs, save, vcpuId: 5n });
  r.cpu.setFields({ vmExitInstructionLength: 2n, guestCr4: 0x2620n, guestCr0: 0x8001_0033n, guestIa32Efer: 0xd01n });
  const exit = (reason: number, fields: Readonly<Record<string, bigint>> = {}) => {
    r.cpu.setFields({ exitReason: BigInt(reason), ...fields });
    handler.dispatch();
    return r.cpu.calls;
  };
  const injected = () => r.cpu.field("vmEntryInterruptionInformation");
  return { ...r, save, handler, exit, injected, low4: () => (["rax", "rbx", "rcx", "rdx"] as const).map((name) => save.get(name)) };
}
const DONE = ["advanceRip", "resume"];

describe("dispatch", () => {
  it("EXIT-1 handles by the basic reason, bits 15-0, and resumes", () => {
    const reasons = { CPUID: DONE, INVD: ["wbinvd", ...DONE], VMCALL: DONE, RDMSR: DONE, WRMSR: ["wrmsr 0x10 0x0", ...DONE] } as const;
    for (const [name, calls] of Object.entries(reasons)) {
      const m = set({ rcx: 0x10n });
      m.cpu.msrs.set(0x10, 0n);
      expect(m.exit(EXIT_REASON[name as keyof typeof reasons])).toEqual(calls);
    }
    const m = set();
    // bit 27, an enclave, is no part of the basic reason
    expect(m.exit(EXIT_REASON.CPUID | (1 << 27))).toEqual(DONE);
  });

  it("counts exits by reason", () => {
    const m = set();
    m.exit(EXIT_REASON.CPUID);
    m.exit(EXIT_REASON.CPUID);
    m.exit(EXIT_REASON.INVD);
    expect(m.handler.exitStats()).toEqual({ CPUID: 2, INVD: 1 });
  });

  it("EXIT-2 CPUID: with the guest's registers, all four results, zero-extended", () => {
    const m = set({ rax: 0xffff_ffff_8000_0004n, rbx: 1n << 40n, rcx: 0xffff_0000_0000_0003n, rdx: -1n });
    const asked: number[][] = [];
    m.cpu.cpuid = (leaf, subleaf) => {
      asked.push([leaf, subleaf ?? 0]);
      return { eax: 0x8000_0001, ebx: 2, ecx: 0xffff_ffff, edx: 4 };
    };
    m.exit(EXIT_REASON.CPUID);
    expect(asked).toEqual([[0x8000_0004, 3]]);
    expect(m.low4()).toEqual([0x8000_0001n, 2n, 0xffff_ffffn, 4n]);
  });

  it("EXIT-2 CPUID tells the guest of no VMX, and mirrors the guest's CR4, not the VMM's", () => {
    const m = set({ rax: 1n });
    m.cpu.leaves.set(1, { eax: 0, ebx: 0, ecx: (1 << 5) | (1 << 26) | (1 << 27), edx: 0 });
    m.exit(EXIT_REASON.CPUID);
    expect(m.save.get("rcx")).toBe(1n << 26n);
    m.save.set("rax", 1n);
    m.exit(EXIT_REASON.CPUID, { guestCr4: 0x4_2620n });
    expect(m.save.get("rcx")).toBe((1n << 26n) | (1n << 27n));
  });

  it("EXIT-3 INVD writes the caches back instead of dropping them", () => {
    expect(set().exit(EXIT_REASON.INVD)).toEqual(["wbinvd", "advanceRip", "resume"]);
  });

  it("EXIT-4 VMXOFF promotes, and RIP does not advance", () => {
    const m = set({ rip: 0x1234n });
    expect(m.exit(EXIT_REASON.VMXOFF)).toEqual(["leave"]);
    expect(m.save.get("rip")).toBe(0x1234n);
  });

  it("EXIT-4 a VMXOFF of ring 3 gets an invalid opcode; the driver's own one promotes whatever the OS is doing", () => {
    const m = set();
    expect(m.exit(EXIT_REASON.VMXOFF, { guestSsAccessRights: 0xc0f3n })).toEqual(["resume"]);
    expect(m.injected()).toBe(UD);
    expect(set().exit(EXIT_REASON.VMXOFF, { guestSsAccessRights: 0xc0f3n, vmExitInstructionLength: 0n })).toEqual(["leave"]);
  });

  it("EXIT-7 RIP goes behind CPUID, INVD, RDMSR, WRMSR and a completed vmcall, by the instruction's length", () => {
    for (const reason of [EXIT_REASON.CPUID, EXIT_REASON.INVD, EXIT_REASON.RDMSR, EXIT_REASON.WRMSR, EXIT_REASON.VMCALL]) {
      const m = set({ rcx: 0x10n });
      m.cpu.msrs.set(0x10, 0n);
      expect(m.exit(reason).filter((call) => call === "advanceRip").length).toBe(1);
    }
  });
});

/** MSRs that stand in the VMCS, with a value that they take */
const MIRRORED: readonly (readonly [number, string, bigint])[] = [
  [0x1d9, "guestIa32Debugctl", 2n],
  [0x277, "guestIa32Pat", 0x0007_0406_0007_0401n],
  [0xc000_0080, "guestIa32Efer", 0xd00n],
  [0x38f, "guestIa32PerfGlobalCtrl", 0x7_0000_0003n],
  [0x174, "guestIa32SysenterCs", 0x10n],
  [0x175, "guestIa32SysenterEsp", 0xffff_8000_1234_5678n],
  [0x176, "guestIa32SysenterEip", 0xffff_8000_8765_4321n],
  [0xc000_0100, "guestFsBase", 0x7fff_1234_5678n],
  [0xc000_0101, "guestGsBase", 0xffff_9999_0000_1111n],
];

describe("MSRs", () => {
  it.each(MIRRORED)("EXIT-5 RDMSR of 0x%s reads %s", (msr, field, value) => {
    const m = set({ rcx: BigInt(msr), rax: -1n, rdx: -1n });
    m.exit(EXIT_REASON.RDMSR, { [field]: value });
    expect([m.save.get("rax"), m.save.get("rdx")]).toEqual([value & 0xffff_ffffn, value >> 32n]);
  });

  it("EXIT-5 RDMSR of 31H, 39H, 1AEH, 1AFH and 602H reads 0; of everything else the CPU's register, halves zero-extended", () => {
    for (const msr of [0x31, 0x39, 0x1ae, 0x1af, 0x602]) {
      const m = set({ rcx: BigInt(msr), rax: -1n, rdx: -1n });
      m.cpu.msrs.set(msr, 0x1234_5678_9abc_def0n);
      m.exit(EXIT_REASON.RDMSR);
      expect([m.save.get("rax"), m.save.get("rdx")]).toEqual([0n, 0n]);
    }
    const m = set({ rcx: 0xffff_ffff_0000_0010n, rax: -1n, rdx: -1n });
    m.cpu.msrs.set(0x10, 0x8234_5678_9abc_def0n);
    m.exit(EXIT_REASON.RDMSR);
    expect([m.save.get("rax"), m.save.get("rdx")]).toEqual([0x9abc_def0n, 0x8234_5678n]);
  });

  it.each(MIRRORED)("EXIT-6 WRMSR of 0x%s writes %s, and not the CPU's register", (msr, field, value) => {
    const m = set({ rcx: BigInt(msr), rax: (value & 0xffff_ffffn) | (7n << 32n), rdx: (value >> 32n) | (9n << 40n) });
    expect(m.exit(EXIT_REASON.WRMSR)).toEqual(DONE);
    expect(m.cpu.field(field)).toBe(value);
  });

  it("EXIT-6 WRMSR of everything else writes the CPU's register: EDX:EAX, the low halves; nothing is ignored", () => {
    for (const msr of [0x10, 0x31, 0x39, 0x1ae, 0x1af, 0x602]) {
      const m = set({ rcx: BigInt(msr), rax: 0xffff_ffff_9abc_def0n, rdx: 0xffff_ffff_1234_5678n });
      m.cpu.msrs.set(msr, 0n);
      m.exit(EXIT_REASON.WRMSR);
      expect(m.cpu.msrs.get(msr)).toBe(0x1234_5678_9abc_def0n);
    }
  });

  it("an MSR that the CPU has not is #GP for the guest, with nothing changed", () => {
    for (const reason of [EXIT_REASON.RDMSR, EXIT_REASON.WRMSR]) {
      const m = set({ rcx: 0xdeadn, rax: 3n, rdx: 4n });
      expect(m.exit(reason)).toEqual(["resume"]);
      expect([m.injected(), m.cpu.field("vmEntryExceptionErrorCode"), m.save.get("rax"), m.save.get("rdx")]).toEqual([GP, 0n, 3n, 4n]);
    }
    const mirrored = set({ rcx: 0x1d9n });
    mirrored.cpu.msrs.delete(0x1d9);
    mirrored.exit(EXIT_REASON.RDMSR);
    expect(mirrored.injected()).toBe(GP);
  });

  it('a value that a register does not take is #GP: SDM Vol. 4, "IA32_PAT", "IA32_EFER", canonical addresses', () => {
    const wrong: readonly (readonly [number, bigint])[] = [
      [0x277, 2n],
      [0x277, 0x0800_0000_0000_0000n],
      [0xc000_0080, 1n << 12n],
      [0xc000_0080, 0x401n],
      [0x1d9, 1n << 63n],
      [0x174, 1n << 32n],
      [0x175, 0x8000_0000_0000n],
      [0xc000_0100, 0xfffe_8000_0000_0000n],
    ];
    for (const [msr, value] of wrong) {
      const m = set({ rcx: BigInt(msr), rax: value & 0xffff_ffffn, rdx: value >> 32n });
      const fields = () => MIRRORED.map(([, field]) => m.cpu.field(field));
      const before = fields();
      m.exit(EXIT_REASON.WRMSR);
      expect([msr, m.injected(), fields()]).toEqual([msr, GP, before]);
    }
  });

  it("IA32_EFER: LMA stays the CPU's; LME changes while paging is off", () => {
    const m = set({ rcx: 0xc000_0080n, rax: 0x901n });
    m.exit(EXIT_REASON.WRMSR);
    expect([m.injected(), m.cpu.field("guestIa32Efer")]).toEqual([0n, 0xd01n]);
    const off = set({ rcx: 0xc000_0080n, rax: 0x100n });
    off.exit(EXIT_REASON.WRMSR, { guestCr0: 0x31n, guestIa32Efer: 0n });
    expect([off.injected(), off.cpu.field("guestIa32Efer")]).toEqual([0n, 0x100n]);
  });
});

describe("VMX is not exposed", () => {
  it("VMX instructions are invalid opcodes", () => {
    const { VMCLEAR, VMLAUNCH, VMPTRLD, VMPTRST, VMREAD, VMRESUME, VMWRITE, VMXON, INVEPT, INVVPID, VMFUNC } = EXIT_REASON;
    for (const reason of [VMCLEAR, VMLAUNCH, VMPTRLD, VMPTRST, VMREAD, VMRESUME, VMWRITE, VMXON, INVEPT, INVVPID, VMFUNC]) {
      const m = set();
      expect(m.exit(reason)).toEqual(["resume"]);
      expect(m.injected()).toBe(UD);
    }
  });

  it("capability MSRs are #GP; IA32_FEATURE_CONTROL reads as locked with VMX off, and cannot be written", () => {
    for (let msr = 0x480; msr <= 0x491; msr++) {
      const m = set({ rcx: BigInt(msr) });
      m.cpu.msrs.set(msr, 1n);
      m.exit(EXIT_REASON.RDMSR);
      expect(m.injected()).toBe(GP);
    }
    const read = set({ rcx: 0x3an, rdx: -1n });
    read.exit(EXIT_REASON.RDMSR);
    expect([read.save.get("rax"), read.save.get("rdx"), read.injected()]).toEqual([1n, 0n, 0n]);
    const write = set({ rcx: 0x3an, rax: 5n });
    write.exit(EXIT_REASON.WRMSR);
    expect([write.injected(), write.cpu.msrs.get(0x3a)]).toEqual([GP, 5n]);
  });

  it("setting CR4.VMXE is #GP", () => {
    const m = set({ rdx: 0x2620n });
    // MOV CR4, RDX
    m.exit(EXIT_REASON.CR_ACCESS, { exitQualification: 0x204n });
    expect([m.injected(), m.cpu.field("cr4GuestHostMask")]).toEqual([GP, 0n]);
  });
});

describe("what nobody handles", () => {
  it("EXIT-8 reason, name, qualification and the rest are told; then the CPU halts, and does not resume", () => {
    const m = set();
    const fields = {
      exitQualification: 0xabcn,
      guestLinearAddress: 0x111n,
      guestPhysicalAddress: 0x222n,
      vmExitInterruptionInformation: 0x333n,
    };
    expect(m.exit(EXIT_REASON.TRIPLE_FAULT, { ...fields, vmExitInstructionInformation: 0x444n })).toEqual(["stop"]);
    const told = m.log.join("\n");
    expect(told).toMatch(/TRIPLE FAULT \(0x2\)/);
    for (const [name, value] of [
      ["exitQualification", "0xabc"],
      ["vmExitInterruptionInformation", "0x333"],
      ["vmExitInstructionLength", "0x2"],
      ["vmExitInstructionInformation", "0x444"],
      ["guestLinearAddress", "0x111"],
      ["guestPhysicalAddress", "0x222"],
    ])
      expect(told).toMatch(new RegExp(`${name} +${value}`));
    expect(m.log).not.toContain("explained");
  });

  it("EXIT-8 a failed entry, bit 31, runs all checks and dumps, also where the reason has a handler", () => {
    const m = set();
    expect(m.exit(0x8000_0021)).toEqual(["stop"]);
    expect(m.log.join("\n")).toMatch(/INVALID GUEST STATE \(0x80000021\)/);
    expect(m.log).toContain("explained");
    expect(set().exit(0x8000_0000 + EXIT_REASON.CPUID)).toEqual(["stop"]);
  });

  it("EXIT-8 a reason that has no name is told by its number", () => {
    expect([exitReasonName(10), exitReasonName(70), exitReasonName(0x8000_0030)]).toEqual(["CPUID", "reason 70", "EPT VIOLATION"]);
    expect(set().exit(70)).toEqual(["stop"]);
  });

  it("EXIT-9 halt: the 17 registers of the guest and the vCPU's id, then the CPU stops", () => {
    const names = SAVED_REGISTERS.slice(0, 17);
    const m = set(Object.fromEntries(names.map((name, n) => [name, BigInt(n) + 0x100n])));
    m.handler.halt();
    expect(m.log[0]).toMatch(/vCPU 0x5 halts/);
    expect(m.log.slice(1)).toEqual(names.map((name, n) => `  ${name.padEnd(4)} 0x${(n + 0x100).toString(16)}`));
    expect(m.cpu.calls).toEqual(["stop"]);
  });

  it("EXIT-10 an exception in a handler is caught at the top, told, and the CPU halts", () => {
    for (const error of [new Error("broken"), new BadAlloc("no room"), "thrown text"]) {
      const m = set();
      m.handler.hooks.cpuid.addForAny(() => {
        throw error;
      });
      expect(m.exit(EXIT_REASON.CPUID)).toEqual(["stop"]);
      if (error instanceof Error) expect(m.log).toContain(error.message);
      expect(m.log.some((line) => line.includes("halts"))).toBe(true);
    }
  });
});

describe("VMCALL", () => {
  it("VMC-1 answers in the guest's registers, behind the instruction", () => {
    const m = set({ rax: 1n, rdx: MAGIC, rcx: 1n });
    expect(m.exit(EXIT_REASON.VMCALL)).toEqual(DONE);
    expect((["rdx", "rcx", "rbx", "rsi", "r8"] as const).map((name) => m.save.get(name))).toEqual([0n, 1n, 1n, 1n, 0n]);
  });
});
