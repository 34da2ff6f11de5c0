/** The VMX instructions themselves: where they exist, what they check and how they tell. SDM Vol. 3 "VMX Instruction Reference". */
import { describe, expect, it } from "vitest";
import { max } from "../../src/cpus/max.ts";
import { VM_INSTRUCTION_ERROR as ERROR } from "../../src/spec/exits.ts";
import { Ring0 } from "../lib/ring0.ts";
import { VMCS } from "../lib/vmx.ts";
import { FAIL_INVALID, FAIL_VALID, SUCCEEDED, VMX_CODE, type VmxInstruction, VmxRoot } from "../lib/vmx-root.ts";

const ALL = Object.keys(VMX_CODE) as VmxInstruction[];
const OTHERS = ALL.filter((name) => name !== "vmxon");
/** VMCALL in VMX root operation fails; its other rules are like those of the others */
const REGION = 0x5_4000;
const ALL_ONES = 0xffff_ffff_ffff_ffffn;
const BEYOND_WIDTH = 1n << 40n;

describe("#UD", () => {
  it.each(OTHERS)("%s outside VMX operation", (name) => {
    expect(new VmxRoot().result(name, VMCS)).toBe("#UD(0)");
  });

  it("vmxon without CR4.VMXE", () => {
    const m = new VmxRoot();
    m.ring0.set({ cr4: 0x620n });
    expect(m.result("vmxon", REGION)).toBe("#UD(0)");
  });

  it.each(ALL)("%s in compatibility mode", (name) => {
    expect(new VmxRoot().withVmcs().inCompatibilityMode().result(name, VMCS)).toBe("#UD(0)");
  });

  it.each(ALL)("%s in virtual-8086 mode", (name) => {
    const m = new VmxRoot().withVmcs().in32();
    m.ring0.set({ cpl: 3, mode: 0, cs: 0x1000, csBase: 0x1_0000n, csRights: 0xf3, csLimit: 0xffff });
    m.ring0.vcpu.rflags = 0x2_0002;
    m.ring0.set({ rip: 0n });
    m.ring0.code(VMX_CODE[name], 0x1_0000);
    m.ring0.vcpu.refresh();
    m.ring0.vcpu.run(10n);
    // the instruction's own #UD, not that of the UD2 behind it
    expect([m.ring0.vcpu.getNumber("vector"), m.ring0.vcpu.get("rip")]).toEqual([6, 0n]);
  });

  it("vmxon in real mode", () => {
    const m = new VmxRoot();
    m.ring0.set({ cr0: 0x30n, cr4: 0x2000n, efer: 0n, mode: 0, cs: 0x1000, csBase: 0x1_0000n, csRights: 0x9b, csLimit: 0xffff, rip: 0n });
    m.ring0.code(VMX_CODE.vmxon, 0x1_0000);
    m.ring0.vcpu.refresh();
    m.ring0.vcpu.run(10n);
    expect([m.ring0.vcpu.getNumber("vector"), m.ring0.vcpu.get("rip")]).toEqual([6, 0n]);
  });

  it.each([
    ["invept", "66 0F 38 80 C0"],
    ["invvpid", "66 0F 38 81 C0"],
  ])("%s of a register", (_name, hex) => {
    const m = new VmxRoot().withVmcs();
    expect(m.told(m.code(hex))).toBe("#UD(0)");
  });

  it("vmfunc in VMX root operation", () => {
    const m = new VmxRoot().withVmcs();
    expect(m.told(m.code("0F 01 D4"))).toBe("#UD(0)");
  });
});

describe("#GP(0)", () => {
  it.each(OTHERS)("%s at privilege level 3", (name) => {
    const m = new VmxRoot().withVmcs();
    m.ring0.inRing3();
    expect(m.result(name, VMCS)).toBe("#GP(0)");
  });

  it.each(["off", "root"])("vmxon at privilege level 3, VMX operation: %s", (operation) => {
    const m = operation === "off" ? new VmxRoot() : new VmxRoot().on();
    m.ring0.inRing3();
    expect(m.result("vmxon", REGION)).toBe("#GP(0)");
  });

  it("vmxon without CR0.NE", () => {
    const m = new VmxRoot();
    m.ring0.set({ cr0: 0x8001_0013n });
    expect(m.result("vmxon", REGION)).toBe("#GP(0)");
  });

  it.each([
    ["not locked", 4n],
    ["locked, VMX not enabled outside SMX", 1n],
    ["locked, VMX enabled inside SMX only", 3n],
    ["as after reset", 0n],
  ])("vmxon with IA32_FEATURE_CONTROL %s", (_state, value) => {
    const m = new VmxRoot();
    m.ring0.set({ featureControl: value });
    expect(m.result("vmxon", REGION)).toBe("#GP(0)");
  });

  it.each([
    ["vmxon", "off"],
    ["vmclear", "root"],
    ["vmptrld", "root"],
    ["vmptrst", "root"],
    ["invept", "root"],
    ["invvpid", "root"],
  ] as const)("%s of an operand at an address that is not canonical", (name, operation) => {
    const m = operation === "off" ? new VmxRoot() : new VmxRoot().withVmcs();
    m.ring0.set({ rsi: 0x8000_0000_0000_0000n, rax: 2n });
    expect(m.told(m.code(VMX_CODE[name]))).toBe("#GP(0)");
  });
});

describe("#PF", () => {
  it.each([
    ["vmxon", "off", 0],
    ["vmclear", "root", 0],
    ["vmptrld", "root", 0],
    ["vmptrst", "root", 2],
    ["invept", "root", 0],
    ["invvpid", "root", 0],
  ] as const)("%s of an operand in a page that is not present", (name, operation, code) => {
    const m = operation === "off" ? new VmxRoot() : new VmxRoot().withVmcs();
    m.ring0.set({ rsi: 0x40_0000n, rax: 2n });
    expect(m.told(m.code(VMX_CODE[name]))).toBe(`#PF(${code})`);
  });

  it.each([
    ["vmread", "0F 78 16", 2],
    ["vmwrite", "0F 79 16", 0],
  ])("%s of memory that is not present", (_name, hex, code) => {
    const m = new VmxRoot().withVmcs();
    m.ring0.set({ rsi: 0x40_0000n, rdx: 0x681en });
    expect(m.told(m.code(hex))).toBe(`#PF(${code})`);
  });
});

describe("vmxon", () => {
  it("succeeds with all flags clear, and leaves no current VMCS", () => {
    const m = new VmxRoot();
    m.ring0.write(REGION, 1n);
    expect(m.result("vmxon", REGION)).toBe(SUCCEEDED);
    expect(m.result("vmptrst")).toBe(SUCCEEDED);
    expect(m.ring0.read(0x3_8000)).toBe(ALL_ONES);
  });

  it.each([
    ["is not aligned", BigInt(REGION) + 0x800n],
    ["is beyond the physical-address width", BEYOND_WIDTH],
    ["has bit 63", 1n << 63n],
  ])("fails without an error number where the address %s", (_what, address) => {
    const m = new VmxRoot();
    m.ring0.write(REGION + 0x800, 1n);
    expect(m.result("vmxon", address)).toBe(FAIL_INVALID);
    expect(m.result("vmxoff")).toBe("#UD(0)");
  });

  it.each([
    ["another revision", 2n],
    ["bit 31, a shadow VMCS", 0x8000_0001n],
  ])("fails without an error number where the region has %s", (_what, revision) => {
    const m = new VmxRoot();
    m.ring0.write(REGION, revision);
    expect(m.result("vmxon", REGION)).toBe(FAIL_INVALID);
  });

  it("fails in VMX root operation: with error 15 if there is a current VMCS", () => {
    expect(new VmxRoot().on().result("vmxon", REGION)).toBe(FAIL_INVALID);
    const m = new VmxRoot().withVmcs();
    expect([m.result("vmxon", REGION), m.error]).toEqual([FAIL_VALID, ERROR.VMXON_IN_ROOT]);
  });
});

describe("vmxoff", () => {
  it("leaves VMX operation", () => {
    const m = new VmxRoot().withVmcs();
    expect(m.result("vmxoff")).toBe(SUCCEEDED);
    expect(m.result("vmptrst")).toBe("#UD(0)");
  });

  it("forgets which VMCS was current", () => {
    const m = new VmxRoot().withVmcs();
    m.run("vmxoff");
    m.on();
    m.run("vmptrst");
    expect(m.ring0.read(0x3_8000)).toBe(ALL_ONES);
  });
});

describe("vmclear", () => {
  it.each([
    ["is not aligned", BigInt(REGION) + 8n, ERROR.VMCLEAR_INVALID_ADDRESS],
    ["is beyond the physical-address width", BEYOND_WIDTH, ERROR.VMCLEAR_INVALID_ADDRESS],
    ["is the VMXON pointer", 0x5_0000n, ERROR.VMCLEAR_VMXON_POINTER],
  ])("fails where the address %s", (_what, address, error) => {
    const m = new VmxRoot().withVmcs();
    expect([m.result("vmclear", address), m.error]).toEqual([FAIL_VALID, error]);
    expect(new VmxRoot().on().result("vmclear", address)).toBe(FAIL_INVALID);
  });

  it("of the current VMCS leaves none; of another one the current one", () => {
    const m = new VmxRoot().withVmcs();
    expect(m.result("vmclear", REGION)).toBe(SUCCEEDED);
    m.run("vmptrst");
    expect(m.ring0.read(0x3_8000)).toBe(BigInt(VMCS));
    expect(m.result("vmclear", VMCS)).toBe(SUCCEEDED);
    m.run("vmptrst");
    expect(m.ring0.read(0x3_8000)).toBe(ALL_ONES);
  });

  it("does not look at the revision", () => {
    const m = new VmxRoot().on();
    m.ring0.write(REGION, 77n);
    expect(m.result("vmclear", REGION)).toBe(SUCCEEDED);
  });
});

describe("vmptrld", () => {
  it.each([
    ["is not aligned", BigInt(REGION) + 8n, ERROR.VMPTRLD_INVALID_ADDRESS],
    ["is beyond the physical-address width", BEYOND_WIDTH, ERROR.VMPTRLD_INVALID_ADDRESS],
    ["is the VMXON pointer", 0x5_0000n, ERROR.VMPTRLD_VMXON_POINTER],
    ["has another revision", BigInt(REGION), ERROR.VMPTRLD_WRONG_REVISION],
    ["is where there is no memory", 0x80_0000n, ERROR.VMPTRLD_WRONG_REVISION],
  ])("fails where the region %s, and the current VMCS stays", (_what, address, error) => {
    const m = new VmxRoot().withVmcs();
    m.ring0.write(REGION, 2n);
    expect([m.result("vmptrld", address), m.error]).toEqual([FAIL_VALID, error]);
    m.run("vmptrst");
    expect(m.ring0.read(0x3_8000)).toBe(BigInt(VMCS));
    expect(new VmxRoot().on().result("vmptrld", address)).toBe(FAIL_INVALID);
  });

  it("makes a shadow VMCS current too", () => {
    const m = new VmxRoot().on();
    m.ring0.write(REGION, 0x8000_0001n);
    expect(m.result("vmptrld", REGION)).toBe(SUCCEEDED);
  });
});

describe("vmlaunch and vmresume", () => {
  it.each(["vmlaunch", "vmresume"] as const)("%s without a current VMCS fails without an error number", (name) => {
    expect(new VmxRoot().on().result(name)).toBe(FAIL_INVALID);
  });

  it.each(["vmlaunch", "vmresume"] as const)("%s of a shadow VMCS fails without an error number", (name) => {
    const m = new VmxRoot().on();
    m.ring0.write(REGION, 0x8000_0001n);
    m.run("vmptrld", REGION);
    expect(m.result(name)).toBe(FAIL_INVALID);
  });

  it("vmresume of a VMCS that is clear: error 5", () => {
    const m = new VmxRoot().withVmcs();
    expect([m.result("vmresume"), m.error]).toEqual([FAIL_VALID, ERROR.VMRESUME_NOT_LAUNCHED]);
  });

  it.each(["vmlaunch", "vmresume"] as const)("%s right behind MOV SS: error 26, before the launch state is looked at", (name) => {
    const m = new VmxRoot().withVmcs();
    m.ring0.set({ rax: 0x10n });
    // mov ss, eax
    expect([m.told(m.code(`8E D0 ${VMX_CODE[name]}`)), m.error]).toEqual([FAIL_VALID, ERROR.ENTRY_EVENTS_BLOCKED_BY_MOV_SS]);
  });

  it("right behind STI the entry is not refused for that", () => {
    const m = new VmxRoot().withVmcs();
    expect([m.told(m.code(`FB ${VMX_CODE.vmresume}`)), m.error]).toEqual([FAIL_VALID, ERROR.VMRESUME_NOT_LAUNCHED]);
  });
});

describe("vmcall in VMX root operation", () => {
  it("fails with error 1, or without one if there is no current VMCS", () => {
    const m = new VmxRoot().withVmcs();
    expect([m.result("vmcall"), m.error]).toEqual([FAIL_VALID, ERROR.VMCALL_IN_ROOT]);
    expect(new VmxRoot().on().result("vmcall")).toBe(FAIL_INVALID);
  });
});

/** EPT pointers: write-back, 4 levels */
const EPTP = 0x6_301en;
const NOT_CANONICAL = 1n << 63n;

describe("invept", () => {
  it.each([
    [1n, EPTP, 0n, SUCCEEDED],
    [2n, 0n, 0n, SUCCEEDED],
    [2n, ALL_ONES, 0n, SUCCEEDED],
    [0n, EPTP, 0n, FAIL_VALID],
    [3n, EPTP, 0n, FAIL_VALID],
    [1n << 32n, EPTP, 0n, FAIL_VALID],
    [1n, 0x6_301fn, 0n, FAIL_VALID],
    [1n, 0x6_3016n, 0n, FAIL_VALID],
    [1n, 0x6_309en, 0n, FAIL_VALID],
    [1n, BEYOND_WIDTH | EPTP, 0n, FAIL_VALID],
  ])("of type %d with descriptor %d, %d", (type, low, high, flags) => {
    const m = new VmxRoot().withVmcs();
    m.ring0.set({ rax: type });
    m.ring0.write(0x3_8008, high);
    expect(m.result("invept", low)).toBe(flags);
    expect(m.error).toBe(flags === SUCCEEDED ? 0 : ERROR.INVALID_INVEPT_INVVPID_OPERAND);
  });
});

describe("invvpid", () => {
  it.each([
    [0n, 1n, 0x1000n, SUCCEEDED],
    [1n, 0xffffn, NOT_CANONICAL, SUCCEEDED],
    [2n, 0n, 0n, SUCCEEDED],
    [3n, 1n, NOT_CANONICAL, SUCCEEDED],
    [4n, 1n, 0n, FAIL_VALID],
    [1n << 32n, 1n, 0n, FAIL_VALID],
    [0n, 0n, 0x1000n, FAIL_VALID],
    [1n, 0n, 0n, FAIL_VALID],
    [3n, 0n, 0n, FAIL_VALID],
    [0n, 1n, NOT_CANONICAL, FAIL_VALID],
    [0n, 0x1_0001n, 0n, FAIL_VALID],
    [1n, 0x1_0001n, 0n, FAIL_VALID],
    [2n, 0x1_0000n, 0n, FAIL_VALID],
    [3n, 0x8000_0000_0000_0001n, 0n, FAIL_VALID],
  ])("of type %d with VPID %d and address %d", (type, vpid, address, flags) => {
    const m = new VmxRoot().withVmcs();
    m.ring0.set({ rax: type });
    m.ring0.write(0x3_8008, address);
    expect(m.result("invvpid", vpid)).toBe(flags);
    expect(m.error).toBe(flags === SUCCEEDED ? 0 : ERROR.INVALID_INVEPT_INVVPID_OPERAND);
  });
});

/** SDM Vol. 3 "Restrictions on VMX Operation" */
describe("in VMX operation", () => {
  it.each([
    ["CR4.VMXE", "0F 22 E0", 0x620n],
    ["CR0.NE", "0F 22 C0", 0x8001_0013n],
    ["CR0.PG", "0F 22 C0", 0x1_0033n],
    ["CR0.PE and PG", "0F 22 C0", 0x1_0032n],
  ])("clearing %s is #GP(0)", (_bit, hex, value) => {
    const m = new VmxRoot().on();
    m.ring0.set({ rax: value });
    expect(m.told(m.code(hex))).toBe("#GP(0)");
  });

  it.each([
    ["CR4.VMXE", "0F 22 E0", 0x620n],
    ["CR0.NE", "0F 22 C0", 0x8001_0013n],
  ])("%s can be cleared behind VMXOFF", (_bit, hex, value) => {
    const m = new VmxRoot().on();
    m.run("vmxoff");
    m.ring0.set({ rax: value });
    expect(m.code(hex).vector).toBe(undefined);
  });

  it("the other bits of CR0 and CR4 can be changed", () => {
    const m = new VmxRoot().on();
    m.ring0.set({ rax: 0x8000_003bn });
    expect(m.code("0F 22 C0").vector).toBe(undefined);
    m.ring0.set({ rax: 0x2020n });
    expect(m.code("0F 22 E0").vector).toBe(undefined);
  });
});

describe("IA32_FEATURE_CONTROL", () => {
  it("is locked, with VMX outside SMX", () => {
    const m = new VmxRoot();
    m.ring0.set({ rcx: 0x3an });
    // rdmsr
    expect(m.code("0F 32").vector).toBe(undefined);
    expect([m.ring0.vcpu.get("rax"), m.ring0.vcpu.get("rdx")]).toEqual([5n, 0n]);
    // wrmsr
    expect(m.told(m.code("0F 30"))).toBe("#GP(0)");
  });
});

describe("without VMX in the CPU model", () => {
  const plain = { ...max, features: max.features.filter((f) => f !== "vmx") };

  it("CR4.VMXE is reserved", () => {
    const m = new VmxRoot(plain);
    m.ring0.set({ cr4: 0x620n, rax: 0x2620n });
    expect(m.told(m.code("0F 22 E0"))).toBe("#GP(0)");
  });

  it("there are no capability MSRs", () => {
    const m = new VmxRoot(plain);
    m.ring0.set({ rcx: 0x480n });
    expect(m.told(m.code("0F 32"))).toBe("#GP(0)");
  });
});

/** found by comparing with a CPU that has no VMX */
describe("outside of VMX operation", () => {
  it.each([
    ["vmptrld", "0F C7 35 00 00 20 00"],
    ["vmptrst", "0F C7 3D 00 00 20 00"],
    ["vmclear", "66 0F C7 35 00 00 20 00"],
    ["vmxon", "F3 0F C7 35 00 00 20 00"],
    ["vmread", "0F 78 05 00 00 20 00"],
    ["vmwrite", "0F 79 05 00 00 20 00"],
    ["invept", "66 0F 38 80 05 00 00 20 00"],
    ["invvpid", "66 0F 38 81 05 00 00 20 00"],
  ])("%s is undefined before its operand's segment limit counts", (_, hex) => {
    expect(new Ring0().inProtectedMode().set({ dsLimit: 0xffff }).run(hex)).toEqual({ vector: "#UD", errorCode: 0 });
  });
});
