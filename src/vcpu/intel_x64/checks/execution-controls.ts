/** SDM Vol. 3 "VM-Execution Control Fields" of "Checks on VMX Controls". */
import type { ControlField } from "../../../spec/vmx-controls.ts";
import { capabilityOf } from "../capability.ts";
import type { Predicates, VmcsView } from "./view.ts";

const MASK32 = 0xffff_ffffn;
const VMFUNC_MSR = 0x491;
const EPT_VPID_CAP = 0x48c;
const VTPR_WORD = 0x80n;

/** Bits that must be 1 are, and no others than may be. */
export function allows(v: VmcsView, word: ControlField): boolean {
  const capability = capabilityOf(v.cpu, word);
  const controls = v.word(word);
  return (capability & MASK32 & ~controls) === 0n && (controls & ~(capability >> 32n)) === 0n;
}

const tprShadow = (v: VmcsView) => v.control("primary.useTprShadow");
const delivery = (v: VmcsView) => v.control("secondary.virtualInterruptDelivery");
const accesses = (v: VmcsView) => v.control("secondary.virtualizeApicAccesses");
const posted = (v: VmcsView) => v.control("pin.processPostedInterrupts");
const ept = (v: VmcsView) => v.control("secondary.enableEpt");
const functions = (v: VmcsView) => v.control("secondary.enableVmFunctions");
const switching = (v: VmcsView) => functions(v) && (v.field("vmFunctionControls") & 1n) !== 0n;
const shadowing = (v: VmcsView) => v.control("secondary.vmcsShadowing");

/** Priority class of the virtual TPR; 0 if the virtual-APIC page is not there, which another rule is about. */
function vtprClass(v: VmcsView): number {
  const page = v.field("virtualApicAddress");
  const word = v.isAddress("virtualApicAddress") ? v.words(page + VTPR_WORD, 1)?.[0] : undefined;
  return ((word ?? 0) >>> 4) & 15;
}

/** The CPU can walk EPT structures of this type and with accessed and dirty flags if asked for. */
function eptReserved(v: VmcsView): bigint {
  const hasAccessed = ((v.msr(EPT_VPID_CAP) >> 21n) & 1n) !== 0n;
  return hasAccessed ? 0xf80n : 0xfc0n;
}

export const EXECUTION_CHECKS: Predicates = {
  pinBasedControlsAllowed: (v) => allows(v, "pin"),
  primaryControlsAllowed: (v) => allows(v, "primary"),
  secondaryControlsAllowed: (v) => !v.control("primary.activateSecondaryControls") || allows(v, "secondary"),
  cr3TargetCountAtMost4: (v) => v.field("cr3TargetCount") <= 4n,
  ioBitmapAValid: (v) => !v.control("primary.useIoBitmaps") || v.isAddress("addressOfIoBitmapA"),
  ioBitmapBValid: (v) => !v.control("primary.useIoBitmaps") || v.isAddress("addressOfIoBitmapB"),
  msrBitmapsValid: (v) => !v.control("primary.useMsrBitmaps") || v.isAddress("addressOfMsrBitmaps"),

  virtualApicAddressValid: (v) => !tprShadow(v) || v.isAddress("virtualApicAddress"),
  tprThresholdUpperBitsClear: (v) => !tprShadow(v) || delivery(v) || v.low("tprThreshold") >>> 4 === 0,
  tprThresholdAtMostVtpr: (v) => !tprShadow(v) || delivery(v) || accesses(v) || (v.low("tprThreshold") & 15) <= vtprClass(v),
  x2apicModeNeedsTprShadow: (v) => tprShadow(v) || !v.control("secondary.virtualizeX2apicMode"),
  registerVirtualizationNeedsTprShadow: (v) => tprShadow(v) || !v.control("secondary.apicRegisterVirtualization"),
  interruptDeliveryNeedsTprShadow: (v) => tprShadow(v) || !delivery(v),
  virtualNmisNeedNmiExiting: (v) => !v.control("pin.virtualNmis") || v.control("pin.nmiExiting"),
  nmiWindowNeedsVirtualNmis: (v) => !v.control("primary.nmiWindowExiting") || v.control("pin.virtualNmis"),
  apicAccessAddressValid: (v) => !accesses(v) || v.isAddress("apicAccessAddress"),
  x2apicModeExcludesApicAccesses: (v) => !v.control("secondary.virtualizeX2apicMode") || !accesses(v),
  interruptDeliveryNeedsInterruptExiting: (v) => !delivery(v) || v.control("pin.externalInterruptExiting"),
  postedInterruptsNeedDelivery: (v) => !posted(v) || delivery(v),
  postedInterruptsNeedAcknowledge: (v) => !posted(v) || v.control("exit.acknowledgeInterruptOnExit"),
  notificationVectorAtMost255: (v) => !posted(v) || v.low("postedInterruptNotificationVector") < 256,
  postedDescriptorValid: (v) => !posted(v) || v.isAddress("postedInterruptDescriptorAddress", 6n),
  vpidNotZero: (v) => !v.control("secondary.enableVpid") || v.low("virtualProcessorIdentifier") !== 0,

  eptMemoryTypeSupported: (v) => !ept(v) || [0n, 6n].includes(v.field("eptPointer") & 7n),
  eptWalkLengthIs4: (v) => !ept(v) || ((v.field("eptPointer") >> 3n) & 7n) === 3n,
  eptPointerReservedBitsClear: (v) => !ept(v) || (v.isPhysical(v.field("eptPointer")) && (v.field("eptPointer") & eptReserved(v)) === 0n),
  pmlNeedsEpt: (v) => !v.control("secondary.enablePml") || ept(v),
  pmlAddressValid: (v) => !v.control("secondary.enablePml") || v.isAddress("pmlAddress"),
  unrestrictedGuestNeedsEpt: (v) => !v.control("secondary.unrestrictedGuest") || ept(v),
  modeBasedExecuteNeedsEpt: (v) => !v.control("secondary.modeBasedExecuteControlForEpt") || ept(v),
  vmFunctionControlsAllowed: (v) => !functions(v) || (v.field("vmFunctionControls") & ~v.msr(VMFUNC_MSR)) === 0n,
  eptpSwitchingNeedsEpt: (v) => !switching(v) || ept(v),
  eptpListAddressValid: (v) => !switching(v) || v.isAddress("eptpListAddress"),
  vmreadBitmapValid: (v) => !shadowing(v) || v.isAddress("vmreadBitmapAddress"),
  vmwriteBitmapValid: (v) => !shadowing(v) || v.isAddress("vmwriteBitmapAddress"),
  veInformationAddressValid: (v) => !v.control("secondary.eptViolationVe") || v.isAddress("virtualizationExceptionInformationAddress"),
};
