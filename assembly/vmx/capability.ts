/** The VMX capability MSRs. SDM Vol. 3 appendix "VMX Capability Reporting Facility". What is not offered here does not work, and the reverse. */
import { FEATURE_VMX } from "../generated/constants";
import { State } from "../generated/state";
import * as V from "../generated/vmx";
import { FEATURES } from "../memory-map";
import { NO_APIC_ACCESS } from "../mmu/apic-access";
import { CR0_FIXED0, CR0_FIXED1, CR4_FIXED0, cr4Fixed1 } from "./fixed-bits";
import { FUNCTIONS } from "./vm-functions";
import { NO_POINTER, REVISION, TIMER_SHIFT } from "./vmcs";

/** region of 4 KiB, write-back, information for INS and OUTS, TRUE controls */
const BASIC: u64 = <u64>REVISION | (0x1000 << 32) | (6 << 50) | (1 << 54) | (1 << 55);
/** EFER.LMA saved; HLT, shutdown, wait-for-SIPI; 4 CR3 targets; VMWRITE of all fields; events of no length */
const MISC: u64 = TIMER_SHIFT | (1 << 5) | (7 << 6) | (4 << 16) | (1 << 29) | (1 << 30);
/** IA32_VMX_EPT_VPID_CAP: execute-only; 4 levels; UC, WB; 2 MiB, 1 GiB; INVEPT, both types; accessed and dirty flags */
const EPT: u64 = 1 | (1 << 6) | (1 << 8) | (1 << 14) | (1 << 16) | (1 << 17) | (1 << 20) | (1 << 21) | (3 << 25);
/** INVVPID, all types */
const VPID: u64 = ((<u64>1) << 32) | ((<u64>15) << 40);

function mayBe(secondary: u32): bool {
  return (<u32>(V.SECONDARY_CONTROLS >> 32) & secondary) != 0;
}

/** At reset: none unless the CPU model has VMX. */
export function resetVmx(s: State): void {
  const at = changetype<usize>(s) + offsetof<State>("vmxCapability0");
  const on = load<u8>(FEATURES + FEATURE_VMX) != 0;
  s.vmx = 0;
  s.vmcs = 0;
  s.vmcsPointer = NO_POINTER;
  s.vmxTimerAt = NO_POINTER;
  s.vmxExit = 0;
  s.vmxTrap = 0;
  s.eptPointer = 0;
  s.virtualApic = 0;
  s.apicAccess = NO_APIC_ACCESS;
  s.vmxApicWrite = 0;
  s.vmxVirtualInterrupt = 0;
  s.vmxAlone = 0;
  s.vmmGate = 0;
  s.vmmEntry = 0;
  s.vmmFault = 0;
  s.vmxTscOffset = 0;
  s.vmxTscMultiplier = 0;
  s.vmxPendingDebug = 0;
  const values: StaticArray<u64> = [
    BASIC,
    V.PIN_CONTROLS,
    V.PRIMARY_CONTROLS,
    V.EXIT_CONTROLS,
    V.ENTRY_CONTROLS,
    MISC,
    CR0_FIXED0,
    CR0_FIXED1,
    CR4_FIXED0,
    cr4Fixed1(),
    V.VMCS_ENUM,
    V.SECONDARY_CONTROLS,
    (mayBe(V.SECONDARY_ENABLE_EPT) ? EPT : 0) | (mayBe(V.SECONDARY_ENABLE_VPID) ? VPID : 0),
    V.TRUE_PIN_CONTROLS,
    V.TRUE_PRIMARY_CONTROLS,
    V.TRUE_EXIT_CONTROLS,
    V.TRUE_ENTRY_CONTROLS,
    mayBe(V.SECONDARY_ENABLE_VM_FUNCTIONS) ? FUNCTIONS : 0,
  ];
  for (let i = 0; i < 18; i++) store<u64>(at + ((<usize>i) << 3), on ? unchecked(values[i]) : 0);
}
