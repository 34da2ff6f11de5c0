/** Setting up, launching and leaving a VMCS. */
import { describe, expect, it } from "vitest";
import { VMCS_FIELDS } from "../../src/spec/vmcs.ts";
import { VMX_CONTROLS } from "../../src/spec/vmx-controls.ts";
import { hostVmState } from "../../src/vcpu/intel_x64/host-vm-state.ts";
import { SEGMENTS } from "../../src/vcpu/intel_x64/intrinsics.ts";
import { EMPTY_STATE } from "../../src/vcpu/intel_x64/state.ts";
import { STATE_SAVE, STATE_SAVE_BYTES, STATE_SAVE_YMM } from "../../src/vcpu/intel_x64/state-save.ts";
import { Vmcs } from "../../src/vcpu/intel_x64/vmcs.ts";
import { vmmState } from "../../src/vcpu/intel_x64/vmm-state.ts";
import { encodingOf } from "../../src/vcpu/intel_x64/vmx.ts";
import { BadAlloc, ContractViolation, RuntimeError } from "../../src/vmm/errors.ts";
import { MOCK_REVISION } from "../lib/mock-intrinsics.ts";
import { failing } from "./parts.ts";
import { EXIT_ENTRY, ROOT_TABLE, rig } from "./rig.ts";

const SAVE = { virt: 0xffff_f000_0007_7000n, phys: 0x707_7000n };

function set(faults?: ReturnType<typeof failing>) {
  const r = rig();
  const host = vmmState(r.platform);
  const before = r.used();
  const vmcs = new Vmcs(faults === undefined ? r.platform : { ...r.platform, own: rig(faults).own }, SAVE);
  return { ...r, vmcs, host, before, guest: () => hostVmState(r.cpu), run: () => vmcs.launch(host.state, hostVmState(r.cpu)) };
}
/** names of the controls that are set in a field */
const controls = (word: string, value: bigint) =>
  VMX_CONTROLS.filter(({ field, bit, name }) => field === word && name !== "" && ((value >> BigInt(bit)) & 1n) !== 0n).map((c) => c.name);

describe("launch", () => {
  it("VMCS-1 region with revision, VMCLEAR, VMPTRLD, all fields, then VMLAUNCH", () => {
    const { cpu, vmcs, parts, run } = set();
    run();
    const at = `0x${vmcs.address.toString(16)}`;
    expect(cpu.calls).toEqual([
      `vmclear ${at}`,
      `vmptrld ${at}`,
      `setGate 0x${EXIT_ENTRY.toString(16)} 0x${SAVE.phys.toString(16)}`,
      "vmlaunchDemote",
    ]);
    const page = parts.memory.read(vmcs.address, 0x1000);
    expect(new DataView(page.buffer).getUint32(0, true)).toBe(Number(MOCK_REVISION));
    expect([vmcs.address % 0x1000n, page.subarray(4).every((byte) => byte === 0)]).toEqual([0n, true]);
  });

  it("VMCS-1 allocates a region of one page and an exit stack of 64 KiB", () => {
    const { before, used, run } = set();
    run();
    expect(used() - before).toBe(0x1000n + 0x1_0000n);
  });

  it("VMCS-1 a failing VMLAUNCH: all checks are run, the VMCS dumped, then everything freed, and the exception goes on", () => {
    const { cpu, vmcs, before, used, log, run } = set();
    cpu.failing.add("vmlaunchDemote");
    cpu.segments.set("tr", { selector: 0x40, base: 0n, limit: 0x67, accessRights: 0x89 });
    expect(run).toThrow(RuntimeError);
    expect(log.filter((line) => line.startsWith("check failed")).map((line) => line.split(": ")[2])).toEqual(["guestTrTypeIsBusyTss"]);
    expect(log.some((line) => /^guestRip +0x400000$/.test(line))).toBe(true);
    expect(log.some((line) => /^vmExitControls .*hostAddressSpaceSize/.test(line))).toBe(true);
    expect([used(), vmcs.address]).toEqual([before, 0n]);
    expect(cpu.calls.slice(-2)).toEqual(["setGate 0x0 0x0", expect.stringMatching(/^vmclear 0x7/)]);
  });

  it.each(["vmclear", "vmptrld", "vmwrite hostRip", "vmwrite guestCsSelector"])("VMCS-1 %s fails: RuntimeError, nothing stays", (step) => {
    const { cpu, before, used, run } = set();
    cpu.failing.add(step);
    expect(run).toThrow(RuntimeError);
    expect([used(), cpu.calls.includes("vmlaunchDemote")]).toEqual([before, false]);
  });

  it.each([1, 2])("VMCS-1 allocation %i fails: BadAlloc, nothing stays", (n) => {
    const own = rig(failing(/^alloc/, n));
    const { cpu, host, guest } = set();
    const vmcs = new Vmcs({ ...own.platform, cpu }, SAVE);
    expect(() => vmcs.launch(host.state, guest())).toThrow(BadAlloc);
    expect([own.used(), cpu.calls.includes("vmlaunchDemote")]).toEqual([0n, false]);
  });

  it("VMCS-1 without a state it is a ContractViolation", () => {
    const { vmcs, host, guest, cpu } = set();
    expect(() => vmcs.launch(null, guest())).toThrow(ContractViolation);
    expect(() => vmcs.launch(host.state, null)).toThrow(ContractViolation);
    expect(cpu.calls).toEqual([]);
  });

  it("VMCS-2 the OS is demoted; a guest has its registers in the state-save page", () => {
    const os = set();
    os.run();
    expect(os.cpu.calls.at(-1)).toBe("vmlaunchDemote");
    const other = set();
    other.vmcs.launch(other.host.state, { ...other.guest(), isGuest: true });
    expect(other.cpu.calls.at(-1)).toBe("vmlaunch");
  });
});

describe("what is written", () => {
  it("VMCS-3 the guest's fields: the OS as it stands", () => {
    const { cpu, run } = set();
    SEGMENTS.forEach((name, n) => {
      cpu.segments.set(name, { selector: 8 * n, base: BigInt(n) << 16n, limit: 0x1000 + n, accessRights: 0xc000 + n });
    });
    cpu.msrs.set(0x38f, 7n).set(0x174, 0x10n).set(0x175, 0x1111n).set(0x176, 0x2222n).set(0x1d9, 1n).set(0x277, 0x0606_0606_0606_0606n);
    cpu.leaves.set(0xa, { eax: 2, ebx: 0, ecx: 0, edx: 0 });
    cpu.gdtr = { base: 0xaaaa_0000n, limit: 0x7f };
    cpu.idtr = { base: 0xbbbb_0000n, limit: 0xfff };
    Object.assign(cpu, { cr0: 0x8005_0033n, cr3: 0x12_3000n, dr7: 0x455n, rflags: 0x246n, rip: 0x1234n, rsp: 0x5678n });
    run();
    const names = ["Es", "Cs", "Ss", "Ds", "Fs", "Gs", "Ldtr", "Tr"];
    const segment = (s: string) => ["Selector", "Base", "Limit", "AccessRights"].map((part) => cpu.field(`guest${s}${part}`));
    names.forEach((s, n) => {
      expect(segment(s)).toEqual([8n * BigInt(n), BigInt(n) << 16n, 0x1000n + BigInt(n), 0xc000n + BigInt(n)]);
    });
    const expected = {
      vmcsLinkPointer: 0xffff_ffff_ffff_ffffn,
      guestIa32Debugctl: 1n,
      guestIa32Pat: 0x0606_0606_0606_0606n,
      guestIa32Efer: 0xd01n,
      guestIa32PerfGlobalCtrl: 7n,
      guestGdtrBase: 0xaaaa_0000n,
      guestGdtrLimit: 0x7fn,
      guestIdtrBase: 0xbbbb_0000n,
      guestIdtrLimit: 0xfffn,
      guestIa32SysenterCs: 0x10n,
      guestIa32SysenterEsp: 0x1111n,
      guestIa32SysenterEip: 0x2222n,
      guestCr0: 0x8005_0033n,
      guestCr3: 0x12_3000n,
      guestCr4: 0x2620n,
      guestDr7: 0x455n,
      guestRflags: 0x246n,
      guestRip: 0x1234n,
      guestRsp: 0x5678n,
    };
    expect(Object.fromEntries(Object.keys(expected).map((name) => [name, cpu.field(name)]))).toEqual(expected);
  });

  it("VMCS-3 also what keeps the OS from taking events here: shadow, HLT, NMI blocking, pending debug exceptions", () => {
    const { cpu, run } = set();
    Object.assign(cpu, { interruptibility: 9, activity: 1, pendingDebug: 0x4000n });
    run();
    expect(["guestInterruptibilityState", "guestActivityState", "guestPendingDebugExceptions"].map((f) => cpu.field(f))).toEqual([
      9n,
      1n,
      0x4000n,
    ]);
    expect(cpu.fields.has(encodingOf("guestSmbase"))).toBe(false);
  });

  it("VMCS-4 controls: the least that the TRUE MSRs allow and what an OS needs", () => {
    const { cpu, run } = set();
    run();
    const of = (word: string, field: string) => controls(word, cpu.field(field)).sort();
    expect(of("pin", "pinBasedVmExecutionControls")).toEqual([]);
    expect(of("primary", "primaryProcessorBasedVmExecutionControls")).toEqual(["activateSecondaryControls"]);
    expect(of("secondary", "secondaryProcessorBasedVmExecutionControls")).toEqual(["enableInvpcid", "enableRdtscp", "enableXsavesXrstors"]);
    const exit = ["hostAddressSpaceSize", "loadHostIa32Efer", "loadHostIa32Pat", "loadHostPerfGlobalCtrl", "saveDebugControls"];
    expect(of("exit", "vmExitControls")).toEqual([...exit, "saveIa32Efer", "saveIa32Pat"]);
    const entry = ["ia32eModeGuest", "loadDebugControls", "loadGuestIa32Efer", "loadGuestIa32Pat", "loadGuestPerfGlobalCtrl"];
    expect(of("entry", "vmEntryControls")).toEqual(entry);
    // reserved bits that must be 1, of the TRUE MSRs: bits 1, 2 and 4 of the pin-based controls
    expect(cpu.field("pinBasedVmExecutionControls")).toBe(0x16n);
  });

  it("VMCS-4 what the CPU does not allow stays off, with a warning", () => {
    const { cpu, run, log } = set();
    for (const [msr, bit] of [
      [0x48b, 3n],
      [0x48b, 12n],
      [0x48f, 12n],
      [0x490, 13n],
    ] as const)
      cpu.msrs.set(msr, (cpu.msrs.get(msr) as bigint) & ~(1n << (bit + 32n)));
    run();
    expect(controls("secondary", cpu.field("secondaryProcessorBasedVmExecutionControls"))).toEqual(["enableXsavesXrstors"]);
    const warned = log.map((line) => /control (\S+)/.exec(line)?.[1]).filter((name) => name !== undefined);
    expect(warned).toEqual(["secondary.enableRdtscp", "secondary.enableInvpcid"]);
    // what hardly a virtual CPU has is left out without a word
    expect(controls("exit", cpu.field("vmExitControls"))).not.toContain("loadHostPerfGlobalCtrl");
    expect(controls("entry", cpu.field("vmEntryControls"))).not.toContain("loadGuestPerfGlobalCtrl");
  });

  it("VMCS-4 no bitmaps, EPT, VPID or exceptions; masked is what VMX operation needs: CR4.VMXE, which the OS reads as 0, CR0.PE, NE and PG", () => {
    const { cpu, run } = set();
    run();
    const masks = ["cr0GuestHostMask", "cr4GuestHostMask", "cr4ReadShadow", "exceptionBitmap"].map((f) => cpu.field(f));
    expect(masks).toEqual([0x8000_0021n, 0x2000n, 0x620n, 0n]);
  });

  it("VMCS-4 an OS outside of IA-32e mode is entered there", () => {
    const { cpu, run } = set();
    cpu.msrs.set(0xc000_0080, 0x800n);
    run();
    expect(controls("entry", cpu.field("vmEntryControls"))).not.toContain("ia32eModeGuest");
  });

  it("VMCS-5 the host's fields: the VMM's state, GS on the state-save page, RSP under the thread context, RIP at the exit entry", () => {
    const { cpu, vmcs, host, guest, parts } = set();
    const context = Uint8Array.from({ length: 32 }, (_, n) => n + 1);
    vmcs.launch(host.state, guest(), () => {}, context);
    const { state } = host;
    const expected = {
      hostEsSelector: 0n,
      hostCsSelector: 8n,
      hostSsSelector: 16n,
      hostDsSelector: 0n,
      hostFsSelector: 24n,
      hostGsSelector: 32n,
      hostTrSelector: 40n,
      hostIa32Pat: 0x0706_0504_0604_0100n,
      hostIa32Efer: 0xd00n,
      hostIa32PerfGlobalCtrl: 0n,
      hostIa32SysenterCs: 0n,
      hostIa32SysenterEsp: 0n,
      hostIa32SysenterEip: 0n,
      hostCr0: state.cr0,
      hostCr3: ROOT_TABLE,
      hostCr4: state.cr4,
      hostFsBase: 0n,
      hostGsBase: SAVE.virt,
      hostTrBase: state.segments.tr.base,
      hostGdtrBase: state.gdtr.base,
      hostIdtrBase: state.idtr.base,
      hostRip: EXIT_ENTRY,
    };
    expect(Object.fromEntries(Object.keys(expected).map((name) => [name, cpu.field(name)]))).toEqual(expected);
    const rsp = cpu.field("hostRsp");
    // a stack of 32 KiB that ends on a multiple of its size
    expect((rsp + 33n) % 0x8000n).toBe(0n);
    expect(parts.virtual.read(rsp + 1n, 32)).toEqual(context);
  });
});

describe("states", () => {
  it("VMCS-6 by default everything is 0, and every segment unusable", () => {
    const { segments, gdtr, idtr, isGuest, ...rest } = EMPTY_STATE;
    expect(Object.values(segments)).toEqual(SEGMENTS.map(() => ({ selector: 0, base: 0n, limit: 0, accessRights: 0x1_0000 })));
    expect([gdtr, idtr, isGuest]).toEqual([{ base: 0n, limit: 0 }, { base: 0n, limit: 0 }, false]);
    expect(Object.values(rest).every((value) => BigInt(value) === 0n)).toBe(true);
  });

  it("VMCS-7 the host-VM state samples the CPU, CR4 with VMXE; perf-global only from version 2 on", () => {
    const { cpu } = rig();
    Object.assign(cpu, { cr0: 1n, cr3: 2n, cr4: 4n, dr7: 5n, rflags: 6n, rip: 7n, rsp: 8n });
    cpu.msrs.set(0x38f, 9n);
    const state = hostVmState(cpu);
    const { cr0, cr3, cr4, dr7, rflags, rip, rsp, perfGlobalCtrl, efer, pat } = state;
    expect([cr0, cr3, cr4, dr7, rflags, rip, rsp, perfGlobalCtrl, efer, pat]).toEqual([
      1n,
      2n,
      0x2004n,
      5n,
      6n,
      7n,
      8n,
      0n,
      0xd01n,
      0x0007_0406_0007_0406n,
    ]);
    expect([state.segments.cs, state.segments.ldtr]).toEqual([cpu.segments.get("cs"), cpu.segments.get("ldtr")]);
    cpu.leaves.set(0xa, { eax: 2, ebx: 0, ecx: 0, edx: 0 });
    expect(hostVmState(cpu).perfGlobalCtrl).toBe(9n);
    cpu.msrs.delete(0x1d9);
    expect(hostVmState(cpu).debugctl).toBe(0n);
  });

  it("VMCS-8 the VMM's state: its own GDT of 7 entries, an empty IDT, a TSS, its own control registers", () => {
    const { platform, parts, used } = rig();
    const { state, gdt, release } = vmmState(platform);
    const selectors = SEGMENTS.map((name) => state.segments[name].selector);
    expect(selectors).toEqual([0, 8, 16, 0, 24, 32, 0, 40]);
    expect(gdt.words.length).toBe(7);
    const words = new BigUint64Array(parts.virtual.read(state.gdtr.base, 56).slice().buffer);
    const tss = state.segments.tr.base;
    // SDM Vol. 3 "Segment Descriptors": flat, present, ring 0
    expect([...words.slice(0, 5)]).toEqual([
      0n,
      0x00af_9b00_0000_ffffn,
      0x00cf_9300_0000_ffffn,
      0x008f_9300_0000_ffffn,
      0x008f_9300_0000_ffffn,
    ]);
    expect((words[5] >> 40n) & 0xffn).toBe(0x8bn);
    expect([gdt.baseOf(5), gdt.limitOf(5), words[6]]).toEqual([tss, 103, tss >> 32n]);
    expect([state.gdtr.limit, state.idtr.limit]).toEqual([55, 256 * 8 - 1]);
    expect(parts.virtual.read(state.idtr.base, 2048).every((byte) => byte === 0)).toBe(true);
    expect(parts.virtual.read(tss, 104).every((byte) => byte === 0)).toBe(true);
    // PE MP ET NE WP PG; VME PVI TSD DE PSE PAE MCE PGE PCE OSFXSR OSXMMEXCPT VMXE; LME LMA NXE
    expect([state.cr0, state.cr3, state.cr4]).toEqual([0x8001_0033n, ROOT_TABLE, 0x27ffn]);
    expect([state.rflags, state.pat, state.efer]).toEqual([0n, 0x0706_0504_0604_0100n, 0xd00n]);
    for (const name of ["cs", "ss", "fs", "gs"] as const)
      expect([state.segments[name].limit, state.segments[name].base]).toEqual([0xffff_ffff, 0n]);
    release();
    expect(used()).toBe(0n);
  });

  it("VMCS-8 CR4 has OSXSAVE, SMEP and SMAP where CPUID has them", () => {
    const { platform, cpu } = rig();
    cpu.leaves.set(1, { eax: 0, ebx: 0, ecx: (1 << 26) | (1 << 5), edx: 0 });
    cpu.leaves.set(7, { eax: 0, ebx: (1 << 7) | (1 << 20), ecx: 0, edx: 0 });
    expect(vmmState(platform).state.cr4).toBe(0x27ffn | (1n << 18n) | (1n << 20n) | (1n << 21n));
  });

  it("VMCS-8 without memory it is a BadAlloc, and nothing stays", () => {
    for (let n = 1; n <= 3; n++) {
      const { platform, used } = rig(failing(/^alloc/, n));
      expect(() => vmmState(platform)).toThrow(BadAlloc);
      expect(used()).toBe(0n);
    }
  });
});

describe("a launched VMCS", () => {
  it("VMCS-9 load is VMPTRLD, clear is VMCLEAR; their failures are RuntimeErrors", () => {
    const { cpu, vmcs, run } = set();
    run();
    cpu.calls.length = 0;
    vmcs.load();
    vmcs.clear();
    const at = `0x${vmcs.address.toString(16)}`;
    expect(cpu.calls).toEqual([`vmptrld ${at}`, `vmclear ${at}`]);
    cpu.failing.add("vmptrld").add("vmclear");
    expect(() => vmcs.load()).toThrow(RuntimeError);
    expect(() => vmcs.clear()).toThrow(RuntimeError);
  });

  it("VMCS-9 resume enters; an entry that fails is explained, and a RuntimeError", () => {
    const { cpu, vmcs, run, log } = set();
    run();
    vmcs.resume();
    expect(cpu.calls.at(-1)).toBe("vmresume");
    cpu.failing.add("vmresume");
    cpu.setField("guestRflags", 0n);
    expect(() => vmcs.resume()).toThrow(RuntimeError);
    expect(log.some((line) => line.includes("guestRflagsReservedBits"))).toBe(true);
  });

  it("VMCS-9 promote makes the control registers what the OS sees of them, and takes the OS out", () => {
    const { cpu, vmcs, run } = set();
    run();
    cpu.setFields({ guestCr4: 0x2620n, cr4GuestHostMask: 0x2010n, cr4ReadShadow: 0x10n });
    cpu.setFields({ guestCr0: 0x8001_0033n, cr0GuestHostMask: 0x28n, cr0ReadShadow: 0x08n });
    cpu.calls.length = 0;
    vmcs.promote();
    // VMXE goes with VMXOFF
    expect([cpu.field("guestCr4"), cpu.field("guestCr0")]).toEqual([0x2630n, 0x8001_001bn]);
    expect(cpu.calls).toEqual(["promote", "setGate 0x0 0x0"]);
  });

  it("VMCS-10 offsets of the state-save page", () => {
    const order = "rax rbx rcx rdx rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15 rip rsp vcpuid vmxon vmcs exitHandler user1 user2 user3";
    expect(Object.entries(STATE_SAVE)).toEqual(order.split(" ").map((name, n) => [name, 8 * n]));
    expect([STATE_SAVE_YMM, STATE_SAVE_BYTES]).toEqual([0xc0, 4096]);
  });
});

it("VMCS-3 VMCS-5 every field that an entry reads without asking a control is written", () => {
  const { cpu, run } = set();
  run();
  const unwritten = VMCS_FIELDS.filter(
    ({ type, encoding, needs }) => (type === "guest" || type === "host") && needs === undefined && !cpu.fields.has(encoding),
  );
  expect(unwritten.map(({ name }) => name)).toEqual(["guestSmbase"]);
});
