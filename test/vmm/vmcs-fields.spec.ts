/** Fields and controls that a CPU has or has not. Encodings and MSRs after SDM Vol. 3 appendices "Field Encoding in VMCS", "VMX Capability …". */
import { describe, expect, it } from "vitest";
import { VmcsFields } from "../../src/vcpu/intel_x64/vmcs-fields.ts";
import { LogicError, RuntimeError } from "../../src/vmm/errors.ts";
import { MockIntrinsics } from "../lib/mock-intrinsics.ts";

const TRUE_PROCBASED = 0x48e;
const PROCBASED2 = 0x48b;
const PROCBASED = 0x482;

function fields() {
  const cpu = new MockIntrinsics();
  const log: string[] = [];
  return { cpu, log, fields: new VmcsFields(cpu, (text) => log.push(text)) };
}
/** takes bits out of what an MSR allows to be 1 */
const forbid = (cpu: MockIntrinsics, msr: number, bits: bigint) => cpu.msrs.set(msr, (cpu.msrs.get(msr) as bigint) & ~(bits << 32n));
const force = (cpu: MockIntrinsics, msr: number, bits: bigint) => cpu.msrs.set(msr, (cpu.msrs.get(msr) as bigint) | bits);

describe("a field of the VMCS", () => {
  it("INT-11 exists by the capability MSRs: the EPT pointer needs secondary controls, bit 63, and EPT among them", () => {
    const { cpu, fields: f } = fields();
    expect([f.exists("guestRip"), f.exists("eptPointer")]).toEqual([true, true]);
    forbid(cpu, PROCBASED2, 1n << 1n);
    expect([f.exists("eptPointer"), f.exists("virtualProcessorIdentifier")]).toEqual([false, true]);
    forbid(cpu, TRUE_PROCBASED, 1n << 31n);
    expect(f.exists("virtualProcessorIdentifier")).toBe(false);
    expect(f.exists("guestRip")).toBe(true);
  });

  it("INT-11 without TRUE MSRs, the plain ones say what exists", () => {
    const { cpu, fields: f } = fields();
    cpu.msrs.set(PROCBASED, 0n);
    expect(f.exists("addressOfMsrBitmaps")).toBe(true);
    cpu.msrs.set(0x480, (cpu.msrs.get(0x480) as bigint) & ~(1n << 55n));
    expect(f.exists("addressOfMsrBitmaps")).toBe(false);
  });

  it("INT-11 get and set of one that does not exist are LogicErrors; if_exists reads 0, or writes nothing, with a warning", () => {
    const { cpu, log, fields: f } = fields();
    f.set("eptPointer", 0x1234n);
    expect([f.get("eptPointer"), cpu.fields.get(0x201a)]).toEqual([0x1234n, 0x1234n]);
    forbid(cpu, PROCBASED2, 1n << 1n);
    expect(() => f.get("eptPointer")).toThrow(LogicError);
    expect(() => f.set("eptPointer", 1n)).toThrow(LogicError);
    expect(log).toEqual([]);
    expect(f.getIfExists("eptPointer")).toBe(0n);
    f.setIfExists("eptPointer", 1n);
    expect(log.map((line) => line.split(":")[0])).toEqual(["eptPointer", "eptPointer"]);
    expect(cpu.fields.get(0x201a)).toBe(0x1234n);
    f.setIfExists("guestRip", 7n);
    expect([f.getIfExists("guestRip"), log.length]).toEqual([7n, 2]);
  });

  it("a VMREAD or VMWRITE that fails is a RuntimeError that names the field", () => {
    const { cpu, fields: f } = fields();
    cpu.failing.add("vmread guestRip").add("vmwrite guestRsp");
    expect(() => f.get("guestRip")).toThrow(RuntimeError);
    expect(() => f.set("guestRsp", 0n)).toThrow(/guestRsp/);
    expect(() => f.get("guestRop")).toThrow(LogicError);
  });
});

describe("a VMX control", () => {
  it("INT-11 enable needs allowed-1, disable needs allowed-0; otherwise a LogicError", () => {
    const { cpu, fields: f } = fields();
    f.enable("primary.hltExiting");
    expect([cpu.field("primaryProcessorBasedVmExecutionControls"), f.isEnabled("primary.hltExiting")]).toEqual([1n << 7n, true]);
    f.disable("primary.hltExiting");
    expect(cpu.field("primaryProcessorBasedVmExecutionControls")).toBe(0n);
    forbid(cpu, TRUE_PROCBASED, 1n << 7n);
    expect(() => f.enable("primary.hltExiting")).toThrow(LogicError);
    force(cpu, TRUE_PROCBASED, 1n << 15n);
    expect(() => f.disable("primary.cr3LoadExiting")).toThrow(LogicError);
    expect(() => f.enable("primary.halfOfIt")).toThrow(LogicError);
  });

  it("INT-11 if_allowed warns and leaves the control as it is", () => {
    const { cpu, log, fields: f } = fields();
    expect([f.enableIfAllowed("exit.saveIa32Pat"), f.disableIfAllowed("exit.saveIa32Pat"), log.length]).toEqual([true, true, 0]);
    forbid(cpu, 0x48f, 1n << 18n);
    force(cpu, 0x48f, 1n << 19n);
    cpu.setField("vmExitControls", 1n << 19n);
    expect([f.enableIfAllowed("exit.saveIa32Pat"), f.disableIfAllowed("exit.loadHostIa32Pat")]).toEqual([false, false]);
    expect(cpu.field("vmExitControls")).toBe(1n << 19n);
    expect(log.map((line) => /control (\S+)/.exec(line)?.[1])).toEqual(["exit.saveIa32Pat", "exit.loadHostIa32Pat"]);
  });
});
