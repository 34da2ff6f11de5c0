/**
 * The fields of a VMCS. SDM Vol. 3 appendix "Field Encoding in VMCS"; names are the manual's, in camelCase. Width and type are part of the
 * encoding:
 *
 *      15   14 13   12   11 10   9                    1   0
 *     ┌────┬───────┬────┬───────┬──────────────────────┬────────┐
 *     │ 0  │ width │ 0  │ type  │ index                │ high   │   width 0 16-bit 1 64-bit 2 32-bit 3 natural
 *     └────┴───────┴────┴───────┴──────────────────────┴────────┘   type  0 control 1 exit information 2 guest 3 host
 *
 * The third column is the control without which the field does not exist (src/spec/vmx-controls.ts); `-`: it always does.
 */
export type VmcsWidth = 16 | 32 | 64 | "natural";
export type VmcsType = "control" | "information" | "guest" | "host";

export interface VmcsField {
  readonly encoding: number;
  readonly name: string;
  readonly width: VmcsWidth;
  readonly type: VmcsType;
  /** exists only where this control may be set */
  readonly needs?: string;
}

const TABLE = `
  0000  virtualProcessorIdentifier               enableVpid
  0002  postedInterruptNotificationVector        processPostedInterrupts
  0004  eptpIndex                                eptViolationVe
  0800  guestEsSelector                          -
  0802  guestCsSelector                          -
  0804  guestSsSelector                          -
  0806  guestDsSelector                          -
  0808  guestFsSelector                          -
  080A  guestGsSelector                          -
  080C  guestLdtrSelector                        -
  080E  guestTrSelector                          -
  0810  guestInterruptStatus                     virtualInterruptDelivery
  0812  pmlIndex                                 enablePml
  0C00  hostEsSelector                           -
  0C02  hostCsSelector                           -
  0C04  hostSsSelector                           -
  0C06  hostDsSelector                           -
  0C08  hostFsSelector                           -
  0C0A  hostGsSelector                           -
  0C0C  hostTrSelector                           -
  2000  addressOfIoBitmapA                       -
  2002  addressOfIoBitmapB                       -
  2004  addressOfMsrBitmaps                      useMsrBitmaps
  2006  vmExitMsrStoreAddress                    -
  2008  vmExitMsrLoadAddress                     -
  200A  vmEntryMsrLoadAddress                    -
  200C  executiveVmcsPointer                     -
  200E  pmlAddress                               enablePml
  2010  tscOffset                                -
  2012  virtualApicAddress                       useTprShadow
  2014  apicAccessAddress                        virtualizeApicAccesses
  2016  postedInterruptDescriptorAddress         processPostedInterrupts
  2018  vmFunctionControls                       enableVmFunctions
  201A  eptPointer                               enableEpt
  201C  eoiExitBitmap0                           virtualInterruptDelivery
  201E  eoiExitBitmap1                           virtualInterruptDelivery
  2020  eoiExitBitmap2                           virtualInterruptDelivery
  2022  eoiExitBitmap3                           virtualInterruptDelivery
  2024  eptpListAddress                          enableVmFunctions
  2026  vmreadBitmapAddress                      vmcsShadowing
  2028  vmwriteBitmapAddress                     vmcsShadowing
  202A  virtualizationExceptionInformationAddress eptViolationVe
  202C  xssExitingBitmap                         enableXsavesXrstors
  2032  tscMultiplier                            useTscScaling
  2400  guestPhysicalAddress                     enableEpt
  2800  vmcsLinkPointer                          -
  2802  guestIa32Debugctl                        -
  2804  guestIa32Pat                             -
  2806  guestIa32Efer                            -
  2808  guestIa32PerfGlobalCtrl                  loadGuestPerfGlobalCtrl
  280A  guestPdpte0                              enableEpt
  280C  guestPdpte1                              enableEpt
  280E  guestPdpte2                              enableEpt
  2810  guestPdpte3                              enableEpt
  2C00  hostIa32Pat                              -
  2C02  hostIa32Efer                             -
  2C04  hostIa32PerfGlobalCtrl                   loadHostPerfGlobalCtrl
  4000  pinBasedVmExecutionControls              -
  4002  primaryProcessorBasedVmExecutionControls -
  4004  exceptionBitmap                          -
  4006  pageFaultErrorCodeMask                   -
  4008  pageFaultErrorCodeMatch                  -
  400A  cr3TargetCount                           -
  400C  vmExitControls                           -
  400E  vmExitMsrStoreCount                      -
  4010  vmExitMsrLoadCount                       -
  4012  vmEntryControls                          -
  4014  vmEntryMsrLoadCount                      -
  4016  vmEntryInterruptionInformation           -
  4018  vmEntryExceptionErrorCode                -
  401A  vmEntryInstructionLength                 -
  401C  tprThreshold                             useTprShadow
  401E  secondaryProcessorBasedVmExecutionControls activateSecondaryControls
  4020  pleGap                                   pauseLoopExiting
  4022  pleWindow                                pauseLoopExiting
  4400  vmInstructionError                       -
  4402  exitReason                               -
  4404  vmExitInterruptionInformation            -
  4406  vmExitInterruptionErrorCode              -
  4408  idtVectoringInformation                  -
  440A  idtVectoringErrorCode                    -
  440C  vmExitInstructionLength                  -
  440E  vmExitInstructionInformation             -
  4800  guestEsLimit                             -
  4802  guestCsLimit                             -
  4804  guestSsLimit                             -
  4806  guestDsLimit                             -
  4808  guestFsLimit                             -
  480A  guestGsLimit                             -
  480C  guestLdtrLimit                           -
  480E  guestTrLimit                             -
  4810  guestGdtrLimit                           -
  4812  guestIdtrLimit                           -
  4814  guestEsAccessRights                      -
  4816  guestCsAccessRights                      -
  4818  guestSsAccessRights                      -
  481A  guestDsAccessRights                      -
  481C  guestFsAccessRights                      -
  481E  guestGsAccessRights                      -
  4820  guestLdtrAccessRights                    -
  4822  guestTrAccessRights                      -
  4824  guestInterruptibilityState               -
  4826  guestActivityState                       -
  4828  guestSmbase                              -
  482A  guestIa32SysenterCs                      -
  482E  vmxPreemptionTimerValue                  activatePreemptionTimer
  4C00  hostIa32SysenterCs                       -
  6000  cr0GuestHostMask                         -
  6002  cr4GuestHostMask                         -
  6004  cr0ReadShadow                            -
  6006  cr4ReadShadow                            -
  6008  cr3TargetValue0                          -
  600A  cr3TargetValue1                          -
  600C  cr3TargetValue2                          -
  600E  cr3TargetValue3                          -
  6400  exitQualification                        -
  6402  ioRcx                                    -
  6404  ioRsi                                    -
  6406  ioRdi                                    -
  6408  ioRip                                    -
  640A  guestLinearAddress                       -
  6800  guestCr0                                 -
  6802  guestCr3                                 -
  6804  guestCr4                                 -
  6806  guestEsBase                              -
  6808  guestCsBase                              -
  680A  guestSsBase                              -
  680C  guestDsBase                              -
  680E  guestFsBase                              -
  6810  guestGsBase                              -
  6812  guestLdtrBase                            -
  6814  guestTrBase                              -
  6816  guestGdtrBase                            -
  6818  guestIdtrBase                            -
  681A  guestDr7                                 -
  681C  guestRsp                                 -
  681E  guestRip                                 -
  6820  guestRflags                              -
  6822  guestPendingDebugExceptions              -
  6824  guestIa32SysenterEsp                     -
  6826  guestIa32SysenterEip                     -
  6C00  hostCr0                                  -
  6C02  hostCr3                                  -
  6C04  hostCr4                                  -
  6C06  hostFsBase                               -
  6C08  hostGsBase                               -
  6C0A  hostTrBase                               -
  6C0C  hostGdtrBase                             -
  6C0E  hostIdtrBase                             -
  6C10  hostIa32SysenterEsp                      -
  6C12  hostIa32SysenterEip                      -
  6C14  hostRsp                                  -
  6C16  hostRip                                  -
`;

const WIDTHS: readonly VmcsWidth[] = [16, 64, 32, "natural"];
const TYPES: readonly VmcsType[] = ["control", "information", "guest", "host"];

export const VMCS_FIELDS: readonly VmcsField[] = TABLE.trim()
  .split("\n")
  .map((line) => {
    const [hex, name, needs] = line.trim().split(/\s+/);
    const encoding = Number.parseInt(hex, 16);
    const field = { encoding, name, width: WIDTHS[(encoding >> 13) & 3], type: TYPES[(encoding >> 10) & 3] };
    return needs === "-" ? field : { ...field, needs };
  });
