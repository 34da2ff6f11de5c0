/** The words of VMX controls, and the capability MSRs that say which bits of them may be what. SDM Vol. 3 appendix "VMX Capability Reporting Facility". */
import type { ControlField } from "../../spec/vmx-controls.ts";
import type { Intrinsics } from "./intrinsics.ts";

export interface ControlWord {
  /** field of the VMCS */
  readonly field: string;
  readonly msr: number;
  /** the MSR of a CPU that has no TRUE ones */
  readonly plain: number;
}

export const CONTROL_WORDS: Readonly<Record<ControlField, ControlWord>> = {
  pin: { field: "pinBasedVmExecutionControls", msr: 0x48d, plain: 0x481 },
  primary: { field: "primaryProcessorBasedVmExecutionControls", msr: 0x48e, plain: 0x482 },
  secondary: { field: "secondaryProcessorBasedVmExecutionControls", msr: 0x48b, plain: 0x48b },
  exit: { field: "vmExitControls", msr: 0x48f, plain: 0x483 },
  entry: { field: "vmEntryControls", msr: 0x490, plain: 0x484 },
};

export const VMX_BASIC = 0x480;
const TRUE_CONTROLS = 55n;

/** Bits 31-0 must be 1, bits 63-32 may be. */
export function capabilityOf(cpu: Intrinsics, word: ControlField): bigint {
  const hasTrue = ((cpu.rdmsr(VMX_BASIC) >> TRUE_CONTROLS) & 1n) !== 0n;
  const { msr, plain } = CONTROL_WORDS[word];
  return cpu.rdmsr(hasTrue ? msr : plain);
}
