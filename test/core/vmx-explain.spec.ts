/** Why a VM entry failed, in words: machine.vmx and the monitor's `info vmcs explain`. */
import { describe, expect, it } from "vitest";
import { MachineVmx } from "../../src/machine/vmx.ts";
import { VM_INSTRUCTION_ERROR as ERROR, EXIT_REASON } from "../../src/spec/exits.ts";
import { VMCS, VmxMachine } from "../lib/vmx.ts";
import { change } from "../lib/vmx-changes.ts";
import { VMX_CODE, VmxRoot } from "../lib/vmx-root.ts";

const CPUID = "0F A2";

function launched(words: string): MachineVmx {
  const machine = change(new VmxMachine(), words);
  machine.launch(CPUID);
  return new MachineVmx(machine.ring0.core, machine.ring0.vcpu);
}

const seenBy = (m: VmxRoot) => new MachineVmx(m.ring0.core, m.ring0.vcpu);

describe("a failed entry", () => {
  it("over a control names field, encoding, value, rule, section and bits", () => {
    expect(launched("pin|80000000 pin&2").explain()).toEqual({
      outcome: "error",
      number: ERROR.ENTRY_INVALID_CONTROLS,
      summary: "VM-instruction error 7: VM entry with an invalid control field",
      violations: [
        {
          rule: "pinBasedControlsAllowed",
          field: "pinBasedVmExecutionControls",
          encoding: 0x4000,
          value: 0x8000_0014n,
          expected: "bits are as IA32_VMX_(TRUE_)PINBASED_CTLS allows",
          section: "VM-Execution Control Fields",
          detail: "bit 1 must be 1, bit 31 must be 0",
        },
      ],
    });
  });

  it("names all violated rules of all groups, in the order in which a CPU checks", () => {
    const { number, violations } = launched("cr3TargetCount=5 hostCr3=10000000000 guestRflags=0 vmcsLinkPointer=1").explain();
    expect(number).toBe(ERROR.ENTRY_INVALID_CONTROLS);
    expect(violations.map((v) => v.rule)).toEqual([
      "cr3TargetCountAtMost4",
      "hostCr3WithinWidth",
      "guestRflagsReservedBits",
      "guestLinkPointerValid",
    ]);
  });

  it("over the host's state", () => {
    const { outcome, number, violations } = launched("hostRip=800000000000").explain();
    expect([outcome, number]).toEqual(["error", ERROR.ENTRY_INVALID_HOST_STATE]);
    expect(violations.map((v) => [v.field, v.value])).toEqual([["hostRip", 0x8000_0000_0000n]]);
  });

  it("over the guest's state names the segment at fault", () => {
    const { outcome, number, violations } = launched("guestFsAccessRights=c013 guestGsAccessRights=c013").explain();
    expect([outcome, number]).toEqual(["exit", EXIT_REASON.INVALID_GUEST_STATE]);
    expect(violations.map((v) => [v.rule, v.field, v.encoding])).toEqual([
      ["guestSegmentsArePresent", "guestFsAccessRights", 0x481c],
      ["guestSegmentsArePresent", "guestGsAccessRights", 0x481e],
    ]);
  });

  it("over an MSR names its number", () => {
    const { outcome, number, violations } = launched("@msrs [67010]=c0000101").explain();
    expect([outcome, number]).toEqual(["exit", EXIT_REASON.MSR_LOADING]);
    expect(violations.map((v) => [v.rule, v.value])).toEqual([["entryMsrNotFsOrGsBase", 0xc000_0101n]]);
  });

  it.each([
    ["without a current VMCS", (m: VmxRoot) => m.on(), "vmlaunch", "invalid", undefined, "VMPTRLD"],
    ["of a VMCS that is not launched", (m: VmxRoot) => m.withVmcs(), "vmresume", "error", 5, "VMLAUNCH comes first"],
  ] as const)("%s says what is missing", (_what, prepare, instruction, outcome, number, text) => {
    const m = prepare(new VmxRoot());
    m.run(instruction);
    const explanation = seenBy(m).explain();
    expect([explanation.outcome, explanation.number, explanation.violations]).toEqual([outcome, number, []]);
    expect(explanation.summary).toContain(text);
  });

  it("of a VMCS that has been launched says what to do instead", () => {
    const machine = new VmxMachine();
    machine.launch(CPUID);
    machine.run(VMX_CODE.vmlaunch);
    const explanation = new MachineVmx(machine.ring0.core, machine.ring0.vcpu).explain();
    expect([explanation.number, explanation.summary]).toEqual([4, expect.stringContaining("VMRESUME goes on with it")]);
  });

  it("behind MOV SS", () => {
    const m = new VmxRoot().withVmcs();
    m.ring0.set({ rax: 0x10n });
    m.code(`8E D0 ${VMX_CODE.vmlaunch}`);
    expect(seenBy(m).explain()).toMatchObject({ number: 26, summary: expect.stringContaining("MOV SS") });
  });

  it("of a shadow VMCS", () => {
    const m = new VmxRoot().on();
    m.ring0.write(0x5_4000, 0x8000_0001n);
    m.run("vmptrld", 0x5_4000);
    m.run("vmlaunch");
    expect(seenBy(m).explain()).toMatchObject({ outcome: "invalid", summary: expect.stringContaining("shadow VMCS") });
  });

  it("as text has the sentence and its source", () => {
    expect(launched("cr3TargetCount=5").explainText()).toBe(
      [
        "VM-instruction error 7: VM entry with an invalid control field",
        "cr3TargetCount (400AH) = 0x5: is at most 4",
        '  rule cr3TargetCountAtMost4, SDM Vol. 3 "VM-Execution Control Fields"',
      ].join("\n"),
    );
  });
});

describe("an entry that succeeds", () => {
  it("leaves nothing to explain, even if the one before failed", () => {
    const machine = new VmxMachine().with({ cr3TargetCount: 5n });
    machine.launch(CPUID);
    const vmx = new MachineVmx(machine.ring0.core, machine.ring0.vcpu);
    expect(vmx.explain().outcome).toBe("error");
    machine.setField("cr3TargetCount", 4n);
    machine.run(VMX_CODE.vmlaunch);
    expect(vmx.explain()).toEqual({ outcome: "none", summary: expect.any(String), violations: [] });
  });
});

describe("the current VMCS", () => {
  it("is told by fields, with the names of the controls that are set", () => {
    const vmx = launched("+hltExiting guestCr3=123000 guestEsSelector=0");
    expect([vmx.operation, vmx.pointer]).toEqual(["root", BigInt(VMCS)]);
    expect(vmx.vmcs()).toMatchObject({ guestCr3: 0x12_3000n, guestEsSelector: 0n, vmcsLinkPointer: 0xffff_ffff_ffff_ffffn });
    const lines = vmx.vmcsText().split("\n");
    expect(lines[0]).toBe("VMX root operation, current VMCS at 0x51000");
    expect(lines.find((l) => l.startsWith("primaryProcessor"))).toMatch(/ hltExiting$/);
  });

  it("is not there outside VMX operation, nor before VMPTRLD", () => {
    const m = new VmxRoot();
    expect([seenBy(m).operation, seenBy(m).pointer, seenBy(m).vmcs()]).toEqual(["off", undefined, undefined]);
    m.on();
    expect([seenBy(m).operation, seenBy(m).vmcs(), seenBy(m).vmcsText()]).toEqual([
      "root",
      undefined,
      "VMX root operation, no current VMCS",
    ]);
  });
});
