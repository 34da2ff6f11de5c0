/**
 * What a VM entry checks: one rule, one sentence, one row. SDM Vol. 3 chapter "VM Entries". The core tests rules by their name
 * (assembly/vmx/check-….ts) and notes those that a VMCS violates; this table says what they mean, so that a failed entry can be explained.
 *
 *     group   which failure it is: `controls` VM-instruction error 7, `host` 8, `guest` exit reason 33, `msr` exit reason 34
 */
export type RuleGroup = "controls" | "host" | "guest" | "msr";

export interface VmxRule {
  readonly id: number;
  readonly group: RuleGroup;
  readonly name: string;
  /** field of the VMCS, src/spec/vmcs.ts */
  readonly field: string;
  /** title of the SDM section */
  readonly section: string;
  readonly rule: string;
}

const SECTIONS = {
  execution: "VM-Execution Control Fields",
  exit: "VM-Exit Control Fields",
  entry: "VM-Entry Control Fields",
  hostRegisters: "Checks on Host Control Registers, MSRs, and SSP",
  hostSegments: "Checks on Host Segment and Descriptor-Table Registers",
  addressSpace: "Checks Related to Address-Space Size",
  guestRegisters: "Checks on Guest Control Registers, Debug Registers, and MSRs",
  guestSegments: "Checks on Guest Segment Registers",
  guestTables: "Checks on Guest Descriptor-Table Registers",
  guestRip: "Checks on Guest RIP, RFLAGS, and SSP",
  guestOther: "Checks on Guest Non-Register State",
  pdptes: "Checks on Guest Page-Directory-Pointer-Table Entries",
  msrs: "Loading MSRs",
} as const;

const TABLE: readonly (readonly [group: RuleGroup, section: keyof typeof SECTIONS, text: string])[] = [
  [
    "controls",
    "execution",
    `
    pinBasedControlsAllowed               pinBasedVmExecutionControls                 bits are as IA32_VMX_(TRUE_)PINBASED_CTLS allows
    primaryControlsAllowed                primaryProcessorBasedVmExecutionControls    bits are as IA32_VMX_(TRUE_)PROCBASED_CTLS allows
    secondaryControlsAllowed              secondaryProcessorBasedVmExecutionControls  bits are as IA32_VMX_PROCBASED_CTLS2 allows
    cr3TargetCountAtMost4                 cr3TargetCount                              is at most 4
    ioBitmapAValid                        addressOfIoBitmapA                          is 4-KiB aligned and within the physical-address width
    ioBitmapBValid                        addressOfIoBitmapB                          is 4-KiB aligned and within the physical-address width
    msrBitmapsValid                       addressOfMsrBitmaps                         is 4-KiB aligned and within the physical-address width
    virtualApicAddressValid               virtualApicAddress                          is 4-KiB aligned and within the physical-address width
    tprThresholdUpperBitsClear            tprThreshold                                bits 31-4 are 0 without virtual-interrupt delivery
    tprThresholdAtMostVtpr                tprThreshold                                bits 3-0 are at most bits 7-4 of VTPR
    x2apicModeNeedsTprShadow              secondaryProcessorBasedVmExecutionControls  virtualize x2APIC mode needs use TPR shadow
    registerVirtualizationNeedsTprShadow  secondaryProcessorBasedVmExecutionControls  APIC-register virtualization needs use TPR shadow
    interruptDeliveryNeedsTprShadow       secondaryProcessorBasedVmExecutionControls  virtual-interrupt delivery needs use TPR shadow
    virtualNmisNeedNmiExiting             pinBasedVmExecutionControls                 virtual NMIs needs NMI exiting
    nmiWindowNeedsVirtualNmis             primaryProcessorBasedVmExecutionControls    NMI-window exiting needs virtual NMIs
    apicAccessAddressValid                apicAccessAddress                           is 4-KiB aligned and within the physical-address width
    x2apicModeExcludesApicAccesses        secondaryProcessorBasedVmExecutionControls  virtualize x2APIC mode excludes virtualize APIC accesses
    interruptDeliveryNeedsInterruptExiting secondaryProcessorBasedVmExecutionControls virtual-interrupt delivery needs external-interrupt exiting
    postedInterruptsNeedDelivery          pinBasedVmExecutionControls                 process posted interrupts needs virtual-interrupt delivery
    postedInterruptsNeedAcknowledge       vmExitControls                              process posted interrupts needs acknowledge interrupt on exit
    notificationVectorAtMost255           postedInterruptNotificationVector           bits 15-8 are 0
    postedDescriptorValid                 postedInterruptDescriptorAddress            is 64-byte aligned and within the physical-address width
    vpidNotZero                           virtualProcessorIdentifier                  is not 0 with enable VPID
    eptMemoryTypeSupported                eptPointer                                  bits 2-0 are 0 (UC) or 6 (WB)
    eptWalkLengthIs4                      eptPointer                                  bits 5-3 are 3
    eptPointerReservedBitsClear           eptPointer                                  bits 11-7 and those above the physical-address width are 0
    pmlNeedsEpt                           secondaryProcessorBasedVmExecutionControls  enable PML needs enable EPT
    pmlAddressValid                       pmlAddress                                  is 4-KiB aligned and within the physical-address width
    unrestrictedGuestNeedsEpt             secondaryProcessorBasedVmExecutionControls  unrestricted guest needs enable EPT
    modeBasedExecuteNeedsEpt              secondaryProcessorBasedVmExecutionControls  mode-based execute control for EPT needs enable EPT
    vmFunctionControlsAllowed             vmFunctionControls                          bits are as IA32_VMX_VMFUNC allows
    eptpSwitchingNeedsEpt                 vmFunctionControls                          EPTP switching needs enable EPT
    eptpListAddressValid                  eptpListAddress                             is 4-KiB aligned and within the physical-address width
    vmreadBitmapValid                     vmreadBitmapAddress                         is 4-KiB aligned and within the physical-address width
    vmwriteBitmapValid                    vmwriteBitmapAddress                        is 4-KiB aligned and within the physical-address width
    veInformationAddressValid             virtualizationExceptionInformationAddress   is 4-KiB aligned and within the physical-address width
  `,
  ],
  [
    "controls",
    "exit",
    `
    exitControlsAllowed                   vmExitControls                              bits are as IA32_VMX_(TRUE_)EXIT_CTLS allows
    saveTimerNeedsTimer                   vmExitControls                              save VMX-preemption timer value needs activate VMX-preemption timer
    exitMsrStoreAreaValid                 vmExitMsrStoreAddress                       the area is 16-byte aligned and within the physical-address width
    exitMsrLoadAreaValid                  vmExitMsrLoadAddress                        the area is 16-byte aligned and within the physical-address width
  `,
  ],
  [
    "controls",
    "entry",
    `
    entryControlsAllowed                  vmEntryControls                             bits are as IA32_VMX_(TRUE_)ENTRY_CTLS allows
    injectionTypeNotReserved              vmEntryInterruptionInformation              bits 10-8 are not 1, and 7 only where the monitor trap flag is offered
    injectionVectorFitsType               vmEntryInterruptionInformation              the vector is 2 for NMI, below 32 for a hardware exception, 0 for other event
    injectionErrorCodeFitsVector          vmEntryInterruptionInformation              bit 11 is 1 just for hardware exceptions 8, 10-14, 17, and CR0.PE
    injectionReservedBitsClear            vmEntryInterruptionInformation              bits 30-12 are 0
    injectionErrorCodeUpperBitsClear      vmEntryExceptionErrorCode                   bits 31-16 are 0
    injectionLengthAtMost15               vmEntryInstructionLength                    is from 0 to 15 for a software interrupt or exception
    entryMsrLoadAreaValid                 vmEntryMsrLoadAddress                       the area is 16-byte aligned and within the physical-address width
  `,
  ],
  [
    "host",
    "hostRegisters",
    `
    hostCr0FixedBits                      hostCr0                                     bits are as IA32_VMX_CR0_FIXED0 and FIXED1 say
    hostCr4FixedBits                      hostCr4                                     bits are as IA32_VMX_CR4_FIXED0 and FIXED1 say
    hostCr3WithinWidth                    hostCr3                                     bits above the physical-address width are 0
    hostSysenterEspCanonical              hostIa32SysenterEsp                         is canonical
    hostSysenterEipCanonical              hostIa32SysenterEip                         is canonical
    hostPatValid                          hostIa32Pat                                 each byte is 0, 1, 4, 5, 6 or 7
    hostEferReservedBitsClear             hostIa32Efer                                reserved bits are 0
    hostEferMatchesAddressSpace           hostIa32Efer                                LMA and LME are both host address-space size
  `,
  ],
  [
    "host",
    "hostSegments",
    `
    hostEsSelectorPlain                   hostEsSelector                              RPL and TI are 0
    hostCsSelectorPlain                   hostCsSelector                              RPL and TI are 0
    hostSsSelectorPlain                   hostSsSelector                              RPL and TI are 0
    hostDsSelectorPlain                   hostDsSelector                              RPL and TI are 0
    hostFsSelectorPlain                   hostFsSelector                              RPL and TI are 0
    hostGsSelectorPlain                   hostGsSelector                              RPL and TI are 0
    hostTrSelectorPlain                   hostTrSelector                              RPL and TI are 0
    hostCsSelectorNotNull                 hostCsSelector                              is not 0
    hostTrSelectorNotNull                 hostTrSelector                              is not 0
    hostSsSelectorNotNull                 hostSsSelector                              is not 0 without host address-space size
    hostFsBaseCanonical                   hostFsBase                                  is canonical
    hostGsBaseCanonical                   hostGsBase                                  is canonical
    hostGdtrBaseCanonical                 hostGdtrBase                                is canonical
    hostIdtrBaseCanonical                 hostIdtrBase                                is canonical
    hostTrBaseCanonical                   hostTrBase                                  is canonical
  `,
  ],
  [
    "host",
    "addressSpace",
    `
    hostSizeMatchesLongMode               vmExitControls                              host address-space size is IA32_EFER.LMA
    guestLongModeNeedsHostLongMode        vmEntryControls                             IA-32e mode guest needs host address-space size
    hostPcideNeedsLongMode                hostCr4                                     PCIDE needs host address-space size
    hostPaeInLongMode                     hostCr4                                     PAE is 1 with host address-space size
    hostRipBelow4G                        hostRip                                     bits 63-32 are 0 without host address-space size
    hostRipCanonical                      hostRip                                     is canonical with host address-space size
  `,
  ],
  [
    "guest",
    "guestRegisters",
    `
    guestCr0FixedBits                     guestCr0                                    bits are as IA32_VMX_CR0_FIXED0 and FIXED1 say; PE and PG are free for an unrestricted guest
    guestPagingNeedsProtection            guestCr0                                    PG needs PE
    guestCr4FixedBits                     guestCr4                                    bits are as IA32_VMX_CR4_FIXED0 and FIXED1 say
    guestDebugctlReservedBitsClear        guestIa32Debugctl                           reserved bits are 0
    guestPagingInLongMode                 guestCr0                                    PG is 1 with IA-32e mode guest
    guestPaeInLongMode                    guestCr4                                    PAE is 1 with IA-32e mode guest
    guestPcideNeedsLongMode               guestCr4                                    PCIDE needs IA-32e mode guest
    guestCr3WithinWidth                   guestCr3                                    bits above the physical-address width are 0
    guestDr7UpperHalfClear                guestDr7                                    bits 63-32 are 0
    guestSysenterEspCanonical             guestIa32SysenterEsp                        is canonical
    guestSysenterEipCanonical             guestIa32SysenterEip                        is canonical
    guestPatValid                         guestIa32Pat                                each byte is 0, 1, 4, 5, 6 or 7
    guestEferReservedBitsClear            guestIa32Efer                               reserved bits are 0
    guestLmaMatchesControl                guestIa32Efer                               LMA is IA-32e mode guest
    guestLmeMatchesLma                    guestIa32Efer                               LME is LMA while CR0.PG is 1
  `,
  ],
  [
    "guest",
    "guestSegments",
    `
    guestTrSelectorGlobal                 guestTrSelector                             TI is 0
    guestLdtrSelectorGlobal               guestLdtrSelector                           TI is 0 if LDTR is usable
    guestSsRplIsCsRpl                     guestSsSelector                             RPL is that of CS, unless the guest is unrestricted
    guestSegmentBaseIsReal                guestCsBase                                 in virtual-8086 mode is 16 times the selector, of each segment
    guestTrBaseCanonical                  guestTrBase                                 is canonical
    guestFsBaseCanonical                  guestFsBase                                 is canonical
    guestGsBaseCanonical                  guestGsBase                                 is canonical
    guestLdtrBaseCanonical                guestLdtrBase                               is canonical if LDTR is usable
    guestCsBaseBelow4G                    guestCsBase                                 bits 63-32 are 0
    guestDataBaseBelow4G                  guestSsBase                                 bits 63-32 of SS, DS and ES are 0 if usable
    guestSegmentLimitIsReal               guestCsLimit                                in virtual-8086 mode is FFFFH, of each segment
    guestSegmentRightsAreReal             guestCsAccessRights                         in virtual-8086 mode is F3H, of each segment
    guestCsTypeIsCode                     guestCsAccessRights                         the type is accessed code, or 3 for an unrestricted guest
    guestSsTypeIsStack                    guestSsAccessRights                         the type is 3 or 7 if usable
    guestDataTypesAreAccessed             guestDsAccessRights                         DS, ES, FS, GS: accessed, and readable if code, if usable
    guestSegmentsAreCodeOrData            guestCsAccessRights                         S is 1 of each usable segment
    guestDataCsDplIs0                     guestCsAccessRights                         DPL is 0 where the type is 3
    guestCsDplIsThatOfSs                  guestCsAccessRights                         DPL is that of SS where the type is 9 or 11
    guestConformingCsDplAtMostThatOfSs    guestCsAccessRights                         DPL is at most that of SS where the type is 13 or 15
    guestSsDplIsRpl                       guestSsAccessRights                         DPL is RPL unless the guest is unrestricted
    guestSsDplIs0                         guestSsAccessRights                         DPL is 0 in real mode, and where the type of CS is 3
    guestDataDplsFit                      guestDsAccessRights                         DS, ES, FS, GS: DPL is at least RPL for types 0-11, unless the guest is unrestricted
    guestSegmentsArePresent               guestCsAccessRights                         P is 1 of each usable segment
    guestRightsReservedBitsClear          guestCsAccessRights                         bits 11-8 and 31-17 of each usable segment are 0
    guestCsDefaultSizeInLongMode          guestCsAccessRights                         D/B is 0 where L is 1 in IA-32e mode
    guestOddLimitsHaveBytes               guestCsAccessRights                         G is 0 where bits 11-0 of the limit are not all 1, of each usable segment
    guestBigLimitsHavePages               guestCsAccessRights                         G is 1 where one of bits 31-20 of the limit is 1, of each usable segment
    guestTrTypeIsBusyTss                  guestTrAccessRights                         the type is 11, or 3 outside IA-32e mode
    guestTrIsSystem                       guestTrAccessRights                         S is 0
    guestTrIsPresent                      guestTrAccessRights                         P is 1
    guestTrIsUsable                       guestTrAccessRights                         bit 16, unusable, is 0
    guestTrReservedBitsClear              guestTrAccessRights                         bits 11-8 and 31-17 are 0
    guestTrOddLimitHasBytes               guestTrAccessRights                         G is 0 where bits 11-0 of the limit are not all 1
    guestTrBigLimitHasPages               guestTrAccessRights                         G is 1 where one of bits 31-20 of the limit is 1
    guestLdtrTypeIsLdt                    guestLdtrAccessRights                       the type is 2 if usable
    guestLdtrIsSystem                     guestLdtrAccessRights                       S is 0 if usable
    guestLdtrIsPresent                    guestLdtrAccessRights                       P is 1 if usable
    guestLdtrReservedBitsClear            guestLdtrAccessRights                       bits 11-8 and 31-17 are 0 if usable
    guestLdtrOddLimitHasBytes             guestLdtrAccessRights                       G is 0 if usable, where bits 11-0 of the limit are not all 1
    guestLdtrBigLimitHasPages             guestLdtrAccessRights                       G is 1 if usable, where one of bits 31-20 of the limit is 1
  `,
  ],
  [
    "guest",
    "guestTables",
    `
    guestGdtrBaseCanonical                guestGdtrBase                               is canonical
    guestIdtrBaseCanonical                guestIdtrBase                               is canonical
    guestGdtrLimitFits                    guestGdtrLimit                              bits 31-16 are 0
    guestIdtrLimitFits                    guestIdtrLimit                              bits 31-16 are 0
  `,
  ],
  [
    "guest",
    "guestRip",
    `
    guestRipBelow4G                       guestRip                                    bits 63-32 are 0 outside 64-bit code
    guestRipUpperBitsIdentical            guestRip                                    in 64-bit code the bits above the linear-address width are all the same
    guestRflagsReservedBits               guestRflags                                 bits 63-22, 15, 5 and 3 are 0, bit 1 is 1
    guestRflagsVmOutsideLongMode          guestRflags                                 VM is 0 in IA-32e mode
    guestRflagsVmNeedsProtection          guestRflags                                 VM is 0 where CR0.PE is 0
    guestRflagsIfForInterrupt             guestRflags                                 IF is 1 if an external interrupt is injected
  `,
  ],
  [
    "guest",
    "guestOther",
    `
    guestActivitySupported                guestActivityState                          is active, HLT, shutdown or wait-for-SIPI, as IA32_VMX_MISC allows
    guestHltNeedsRing0                    guestActivityState                          is not HLT where DPL of SS is not 0
    guestActiveWhileBlocked               guestActivityState                          is active where STI or MOV SS blocks
    guestActivityFitsInjection            guestActivityState                          allows the event that is injected
    guestInterruptibilityReservedBits     guestInterruptibilityState                  bits 31-5 are 0
    guestNotBlockedTwice                  guestInterruptibilityState                  STI and MOV SS do not both block
    guestStiBlockingNeedsIf               guestInterruptibilityState                  STI blocks only with RFLAGS.IF
    guestNotBlockedForInterrupt           guestInterruptibilityState                  neither STI nor MOV SS blocks if an external interrupt is injected
    guestNotBlockedForNmi                 guestInterruptibilityState                  MOV SS does not block if an NMI is injected
    guestNotInSmm                         guestInterruptibilityState                  SMI does not block outside SMM
    guestVirtualNmiNotBlocked             guestInterruptibilityState                  NMI does not block if one is injected with virtual NMIs
    guestEnclaveInterruptionSupported     guestInterruptibilityState                  bit 4 is 0 without SGX
    guestPendingDebugReservedBits         guestPendingDebugExceptions                 bits 11-4, 13, 15 and 63-17 are 0
    guestPendingSingleStepSet             guestPendingDebugExceptions                 BS is 1 where STI or MOV SS blocks or the guest halts, with RFLAGS.TF and without BTF
    guestPendingSingleStepClear           guestPendingDebugExceptions                 BS is 0 where STI or MOV SS blocks or the guest halts, without RFLAGS.TF or with BTF
    guestPendingRtmSupported              guestPendingDebugExceptions                 bit 16 is 0 without RTM
    guestLinkPointerValid                 vmcsLinkPointer                             is all ones, or 4-KiB aligned and within the physical-address width
    guestLinkRevisionFits                 vmcsLinkPointer                             the VMCS there has our revision, and is a shadow just with VMCS shadowing
    guestLinkNotCurrent                   vmcsLinkPointer                             is not the current VMCS
  `,
  ],
  [
    "guest",
    "pdptes",
    `
    guestPdptesReservedBits               guestCr3                                    with PAE paging without EPT: reserved bits of each present PDPTE that it refers to are 0
    guestPdpteFieldsReservedBits          guestPdpte0                                 with PAE paging and EPT: reserved bits of each present PDPTE are 0
  `,
  ],
  [
    "msr",
    "msrs",
    `
    entryMsrCountAtMost512                vmEntryMsrLoadCount                         is at most 512, as IA32_VMX_MISC says
    entryMsrNotFsOrGsBase                 vmEntryMsrLoadAddress                       no entry names IA32_FS_BASE or IA32_GS_BASE
    entryMsrNotX2apic                     vmEntryMsrLoadAddress                       no entry names a register of the x2APIC, 800H-8FFH
    entryMsrReservedBitsClear             vmEntryMsrLoadAddress                       bits 63-32 of each entry are 0
    entryMsrWritable                      vmEntryMsrLoadAddress                       each entry names an MSR and a value that WRMSR takes
  `,
  ],
];

export const VMX_RULES: readonly VmxRule[] = TABLE.flatMap(([group, section, text]) =>
  text
    .trim()
    .split("\n")
    .map((line) => {
      const [, name, field, rule] = /^\s*(\w+)\s+(\w+)\s+(.*)$/.exec(line) as RegExpExecArray;
      return { group, name, field, section: SECTIONS[section], rule };
    }),
).map((rule, i) => ({ id: i + 1, ...rule }));
