/** MSR areas of exits, and VMX aborts. SDM Vol. 3 "Saving MSRs", "Loading MSRs", "VMX Aborts". */
import { describe, expect, it } from "vitest";
import { STOP } from "../../src/spec/events.ts";
import { EXIT_REASON } from "../../src/spec/exits.ts";
import { VMCS, VmxMachine } from "../lib/vmx.ts";
import { change } from "../lib/vmx-changes.ts";

const CPUID = "0F A2";
const AREA = 0x6_7000;
/** second word of a VMCS region */
const ABORT_INDICATOR = VMCS + 4;
const STORE = "vmExitMsrStoreAddress=67000 vmExitMsrStoreCount";
const LOAD = "vmExitMsrLoadAddress=67000 vmExitMsrLoadCount";
const SYSENTER_CS = 0x174;
const LSTAR = 0xc000_0082;

function launched(words: string, guest = CPUID) {
  const machine = change(new VmxMachine(), words);
  return { machine, stop: machine.launch(guest), abort: machine.ring0.read32(ABORT_INDICATOR) };
}

describe("an exit", () => {
  it("stores MSRs of the guest before it loads those of the host", () => {
    // the guest's SYSENTER_CS is 5, the host's area stores it and loads 7
    const { machine, stop } = launched(
      `guestIa32SysenterCs=5 [67000]=174 ${STORE}=1 vmExitMsrLoadAddress=67100 vmExitMsrLoadCount=1 [67100]=174 [67108]=7`,
    );
    expect(stop).toBe(STOP.HALT);
    expect([machine.ring0.read(AREA + 8), machine.ring0.vcpu.get("sysenterCs")]).toEqual([5n, 7n]);
  });

  it("loads and stores several", () => {
    const { machine } = launched(
      `[67000]=174 [67010]=c0000082 ${STORE}=2 vmEntryMsrLoadAddress=67100 vmEntryMsrLoadCount=1 [67100]=c0000082 [67108]=1234`,
    );
    expect([machine.ring0.read32(AREA), machine.ring0.read32(AREA + 16)]).toEqual([SYSENTER_CS, LSTAR]);
    expect(machine.ring0.read(AREA + 24)).toBe(0x1234n);
  });

  it.each([
    ["the MSR does not exist", "[67000]=400"],
    ["bits 63-32 of the entry are not 0", "[67000]=100000174"],
    ["it is a register of the x2APIC, whose mode is off", "[67000]=802"],
    ["there is no memory", "vmExitMsrStoreAddress=800000"],
  ])("that cannot store an MSR, because %s, is a VMX abort with indicator 1", (_why, words) => {
    const { stop, abort } = launched(`${STORE}=1 ${words}`);
    expect([stop, abort]).toEqual([STOP.SHUTDOWN, 1]);
  });

  it.each([
    ["the MSR does not exist", "[67000]=400"],
    ["it takes no such value", "[67000]=c0000082 [67008]=100000000000000"],
    ["bits 63-32 of the entry are not 0", "[67000]=100000174"],
    ["it is IA32_FS_BASE", "[67000]=c0000100"],
    ["it is IA32_GS_BASE", "[67000]=c0000101"],
    ["it is a register of the x2APIC", "[67000]=808"],
    ["there is no memory", "vmExitMsrLoadAddress=800000"],
  ])("that cannot load an MSR, because %s, is a VMX abort with indicator 4", (_why, words) => {
    const { stop, abort } = launched(`${LOAD}=1 ${words}`);
    expect([stop, abort]).toEqual([STOP.SHUTDOWN, 4]);
  });

  it("that aborts over an MSR to store has recorded its reason and saved the guest", () => {
    const { machine } = launched(`${STORE}=1 [67000]=400`);
    expect(machine.exit).toEqual({ reason: EXIT_REASON.CPUID, qualification: 0n, at: 0 });
  });

  it("without an abort leaves the indicator 0", () => {
    expect(launched(`${LOAD}=1 [67000]=174`).abort).toBe(0);
  });
});

describe("an exit to a host with PAE paging", () => {
  it.each([
    ["reserved bits are set", 3, 2],
    ["no reserved bit is set", 0x19, 0],
  ])("is a VMX abort with indicator 2 where %s in a PDPTE", (_what, pdpte, indicator) => {
    const { abort } = launched(`@host32 hostCr4=2030 hostCr3=6a000 [6a000]=${pdpte.toString(16)}`);
    expect(abort).toBe(indicator);
  });
});

describe("an entry that fails", () => {
  it("over an MSR loads the host's MSRs, whose failure is a VMX abort", () => {
    const { stop, abort } = launched(`@msrs [67010]=400 vmExitMsrLoadAddress=67100 vmExitMsrLoadCount=1 [67100]=400`);
    expect([stop, abort]).toEqual([STOP.SHUTDOWN, 4]);
  });

  it("over the guest's state stores no MSRs", () => {
    const { machine, stop, abort } = launched(`guestRflags=0 [67000]=174 [67008]=77 ${STORE}=1`);
    expect([stop, abort, machine.ring0.read(AREA + 8)]).toEqual([STOP.HALT, 0, 0x77n]);
  });

  it("leaves the VMCS clear: VMLAUNCH may be tried again", () => {
    const { machine } = launched("@msrs [67010]=400");
    machine.ring0.write(AREA + 16, 0x174n);
    machine.run("0F 01 C2");
    expect(machine.exit.reason).toBe(EXIT_REASON.CPUID);
  });
});
