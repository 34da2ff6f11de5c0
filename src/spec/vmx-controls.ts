/**
 * The VM-execution, VM-exit and VM-entry controls: every bit that has a meaning, and whether it may be 0 or 1 here. SDM Vol. 3 "VM-Execution
 * Control Fields", "VM-Exit Control Fields", "VM-Entry Control Fields"; reserved bits: appendix "VMX Capability Reporting Facility".
 * The capability MSRs are made from these rows, and so are the entry checks.
 */
export type ControlField = "pin" | "primary" | "secondary" | "exit" | "entry";

export interface VmxControl {
  readonly field: ControlField;
  readonly bit: number;
  readonly name: string;
  /** `may`: 0 or 1 · `must`: always 1 · `true`: 1 by the plain capability MSR, either by the TRUE one · `never`: known, and not offered */
  readonly setting: "may" | "must" | "true" | "never";
}

const TABLE = `
  pin        0   externalInterruptExiting        may
  pin        1   -                               must
  pin        2   -                               must
  pin        3   nmiExiting                      may
  pin        4   -                               must
  pin        5   virtualNmis                     may
  pin        6   activatePreemptionTimer         may
  pin        7   processPostedInterrupts         may
  primary    1   -                               true
  primary    2   interruptWindowExiting          may
  primary    3   useTscOffsetting                may
  primary    4   -                               true
  primary    5   -                               true
  primary    6   -                               true
  primary    7   hltExiting                      may
  primary    8   -                               true
  primary    9   invlpgExiting                   may
  primary   10   mwaitExiting                    may
  primary   11   rdpmcExiting                    may
  primary   12   rdtscExiting                    may
  primary   13   -                               true
  primary   14   -                               true
  primary   15   cr3LoadExiting                  true
  primary   16   cr3StoreExiting                 true
  primary   17   activateTertiaryControls        never
  primary   19   cr8LoadExiting                  may
  primary   20   cr8StoreExiting                 may
  primary   21   useTprShadow                    may
  primary   22   nmiWindowExiting                may
  primary   23   movDrExiting                    may
  primary   24   unconditionalIoExiting          may
  primary   25   useIoBitmaps                    may
  primary   26   -                               true
  primary   27   monitorTrapFlag                 may
  primary   28   useMsrBitmaps                   may
  primary   29   monitorExiting                  may
  primary   30   pauseExiting                    may
  primary   31   activateSecondaryControls       may
  secondary  0   virtualizeApicAccesses          may
  secondary  1   enableEpt                       may
  secondary  2   descriptorTableExiting          may
  secondary  3   enableRdtscp                    may
  secondary  4   virtualizeX2apicMode            may
  secondary  5   enableVpid                      may
  secondary  6   wbinvdExiting                   may
  secondary  7   unrestrictedGuest               may
  secondary  8   apicRegisterVirtualization      may
  secondary  9   virtualInterruptDelivery        may
  secondary 10   pauseLoopExiting                may
  secondary 11   rdrandExiting                   may
  secondary 12   enableInvpcid                   may
  secondary 13   enableVmFunctions               may
  secondary 14   vmcsShadowing                   may
  secondary 15   enableEnclsExiting              never
  secondary 16   rdseedExiting                   may
  secondary 17   enablePml                       may
  secondary 18   eptViolationVe                  may
  secondary 19   concealVmxFromPt                never
  secondary 20   enableXsavesXrstors             may
  secondary 22   modeBasedExecuteControlForEpt   may
  secondary 23   subPageWritePermissionsForEpt   never
  secondary 24   intelPtUsesGuestPhysicalAddresses never
  secondary 25   useTscScaling                   may
  secondary 26   enableUserWaitAndPause          never
  secondary 28   enableEnclvExiting              never
  exit       0   -                               true
  exit       1   -                               true
  exit       2   saveDebugControls               true
  exit       3   -                               true
  exit       4   -                               true
  exit       5   -                               true
  exit       6   -                               true
  exit       7   -                               true
  exit       8   -                               true
  exit       9   hostAddressSpaceSize            may
  exit      10   -                               true
  exit      11   -                               true
  exit      12   loadHostPerfGlobalCtrl          never
  exit      13   -                               true
  exit      14   -                               true
  exit      15   acknowledgeInterruptOnExit      may
  exit      16   -                               true
  exit      17   -                               true
  exit      18   saveIa32Pat                     may
  exit      19   loadHostIa32Pat                 may
  exit      20   saveIa32Efer                    may
  exit      21   loadHostIa32Efer                may
  exit      22   saveVmxPreemptionTimerValue     may
  exit      23   clearIa32Bndcfgs                never
  exit      24   concealVmxFromPt                never
  entry      0   -                               true
  entry      1   -                               true
  entry      2   loadDebugControls               true
  entry      3   -                               true
  entry      4   -                               true
  entry      5   -                               true
  entry      6   -                               true
  entry      7   -                               true
  entry      8   -                               true
  entry      9   ia32eModeGuest                  may
  entry     10   entryToSmm                      never
  entry     11   deactivateDualMonitorTreatment  never
  entry     12   -                               true
  entry     13   loadGuestPerfGlobalCtrl         never
  entry     14   loadGuestIa32Pat                may
  entry     15   loadGuestIa32Efer               may
  entry     16   loadIa32Bndcfgs                 never
  entry     17   concealVmxFromPt                never
`;

export const VMX_CONTROLS: readonly VmxControl[] = TABLE.trim()
  .split("\n")
  .map((line) => {
    const [field, bit, name, setting] = line.trim().split(/\s+/);
    return {
      field: field as ControlField,
      bit: Number(bit),
      name: name === "-" ? "" : name,
      setting: setting as VmxControl["setting"],
    };
  });

/** A capability MSR: bits 31-0 are those that must be 1, bits 63-32 those that may be. `plain` also has the default-1 class as must. */
export function capability(field: ControlField, plain: boolean): bigint {
  let must = 0n;
  let may = 0n;
  for (const control of VMX_CONTROLS) {
    if (control.field !== field || control.setting === "never") continue;
    const bit = 1n << BigInt(control.bit);
    may |= bit;
    const isReserved = control.name === "";
    if (control.setting === "must" || (control.setting === "true" && (plain || isReserved))) must |= bit;
  }
  return must | (may << 32n);
}
