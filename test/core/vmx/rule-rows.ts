/**
 * One row or more for each rule of VM entry (src/spec/vmx-rules.ts): what violates only it, and where possible the nearest that does not.
 * From SDM Vol. 3 chapter "VM Entries"; the notation is that of vmx-changes.ts in test/lib.
 *
 *     rule   what holds in both cases ("-": the ordinary guest)   the violation   the nearest that is right ("-": the same without it)
 */
export const CONTROL_ROWS = `
  pinBasedControlsAllowed                 -                                              pin|80000000                                           pin|1
  pinBasedControlsAllowed                 -                                              pin&2                                                  pin|8
  primaryControlsAllowed                  -                                              primary|1                                              primary|80
  secondaryControlsAllowed                +activateSecondaryControls                     secondary|80000000                                     secondary|4
  secondaryControlsAllowed                secondary|80000000                             +activateSecondaryControls                             -
  cr3TargetCountAtMost4                   -                                              cr3TargetCount=5                                       cr3TargetCount=4
  ioBitmapAValid                          +useIoBitmaps                                  addressOfIoBitmapA=60800                               addressOfIoBitmapA=60000
  ioBitmapAValid                          +useIoBitmaps                                  addressOfIoBitmapA=10000000000                         addressOfIoBitmapA=8000000000
  ioBitmapAValid                          addressOfIoBitmapA=60800                       +useIoBitmaps                                          -
  ioBitmapBValid                          +useIoBitmaps                                  addressOfIoBitmapB=60001                               addressOfIoBitmapB=60000
  ioBitmapBValid                          +useIoBitmaps                                  addressOfIoBitmapB=10000000000                         addressOfIoBitmapB=8000000000
  msrBitmapsValid                         +useMsrBitmaps                                 addressOfMsrBitmaps=60800                              addressOfMsrBitmaps=60000
  msrBitmapsValid                         +useMsrBitmaps                                 addressOfMsrBitmaps=10000000000                        addressOfMsrBitmaps=8000000000
  msrBitmapsValid                         addressOfMsrBitmaps=60800                      +useMsrBitmaps                                         -
  virtualApicAddressValid                 +useTprShadow                                  virtualApicAddress=60800                               virtualApicAddress=60000
  virtualApicAddressValid                 +useTprShadow                                  virtualApicAddress=10000000000                         virtualApicAddress=8000000000
  tprThresholdUpperBitsClear              @tpr [60080]=f0                                tprThreshold=10                                        tprThreshold=f
  tprThresholdUpperBitsClear              @tpr [60080]=f0                                tprThreshold=80000000                                  tprThreshold=8
  tprThresholdAtMostVtpr                  @tpr [60080]=50                                tprThreshold=6                                         tprThreshold=5
  tprThresholdAtMostVtpr                  @tpr [60080]=50                                tprThreshold=6                                         tprThreshold=6 +virtualizeApicAccesses apicAccessAddress=61000
  x2apicModeNeedsTprShadow                -                                              +virtualizeX2apicMode                                  +virtualizeX2apicMode @tpr
  registerVirtualizationNeedsTprShadow    -                                              +apicRegisterVirtualization                            +apicRegisterVirtualization @tpr
  interruptDeliveryNeedsTprShadow         +externalInterruptExiting                      +virtualInterruptDelivery                              +virtualInterruptDelivery @tpr
  virtualNmisNeedNmiExiting               -                                              +virtualNmis                                           +virtualNmis +nmiExiting
  nmiWindowNeedsVirtualNmis               +nmiExiting                                    +nmiWindowExiting                                      +nmiWindowExiting +virtualNmis
  apicAccessAddressValid                  +virtualizeApicAccesses                        apicAccessAddress=61800                                apicAccessAddress=61000
  apicAccessAddressValid                  +virtualizeApicAccesses                        apicAccessAddress=10000000000                          apicAccessAddress=8000000000
  x2apicModeExcludesApicAccesses          @tpr +virtualizeX2apicMode                     +virtualizeApicAccesses                                -
  interruptDeliveryNeedsInterruptExiting  @tpr +virtualInterruptDelivery                 -                                                      +externalInterruptExiting
  postedInterruptsNeedDelivery            @posted -virtualInterruptDelivery              -                                                      +virtualInterruptDelivery
  postedInterruptsNeedAcknowledge         @posted                                        -acknowledgeInterruptOnExit                            -
  notificationVectorAtMost255             @posted                                        postedInterruptNotificationVector=100                  postedInterruptNotificationVector=ff
  postedDescriptorValid                   @posted                                        postedInterruptDescriptorAddress=62020                 postedInterruptDescriptorAddress=62040
  postedDescriptorValid                   @posted                                        postedInterruptDescriptorAddress=10000000000           postedInterruptDescriptorAddress=0
  vpidNotZero                             +enableVpid                                    virtualProcessorIdentifier=0                           virtualProcessorIdentifier=1
  eptMemoryTypeSupported                  @ept                                           eptPointer=6301c                                       eptPointer=63018
  eptMemoryTypeSupported                  @ept                                           eptPointer=6301f                                       eptPointer=6301e
  eptWalkLengthIs4                        @ept                                           eptPointer=63016                                       eptPointer=6301e
  eptWalkLengthIs4                        @ept                                           eptPointer=6302e                                       eptPointer=6301e
  eptPointerReservedBitsClear             @ept                                           eptPointer=6309e                                       eptPointer=6305e
  eptPointerReservedBitsClear             @ept                                           eptPointer=6381e                                       eptPointer=6301e
  eptPointerReservedBitsClear             @ept                                           eptPointer=1000006301e                                 eptPointer=800006301e
  pmlNeedsEpt                             pmlAddress=64000                               +enablePml                                             +enablePml @ept
  pmlAddressValid                         @ept +enablePml                                pmlAddress=64800                                       pmlAddress=64000
  pmlAddressValid                         @ept +enablePml                                pmlAddress=10000000000                                 pmlAddress=64000
  unrestrictedGuestNeedsEpt               -                                              +unrestrictedGuest                                     +unrestrictedGuest @ept
  modeBasedExecuteNeedsEpt                -                                              +modeBasedExecuteControlForEpt                         +modeBasedExecuteControlForEpt @ept
  vmFunctionControlsAllowed               @ept +enableVmFunctions                        vmFunctionControls=2                                   vmFunctionControls=1
  vmFunctionControlsAllowed               @ept +enableVmFunctions                        vmFunctionControls=8000000000000000                    vmFunctionControls=0
  eptpSwitchingNeedsEpt                   +enableVmFunctions                             vmFunctionControls=1                                   vmFunctionControls=1 @ept
  eptpListAddressValid                    @ept +enableVmFunctions vmFunctionControls=1   eptpListAddress=65800                                  eptpListAddress=65000
  eptpListAddressValid                    @ept +enableVmFunctions vmFunctionControls=1   eptpListAddress=10000000000                            eptpListAddress=65000
  eptpListAddressValid                    @ept +enableVmFunctions eptpListAddress=65800  vmFunctionControls=1                                   -
  vmreadBitmapValid                       +vmcsShadowing                                 vmreadBitmapAddress=66800                              vmreadBitmapAddress=66000
  vmreadBitmapValid                       +vmcsShadowing                                 vmreadBitmapAddress=10000000000                        vmreadBitmapAddress=66000
  vmwriteBitmapValid                      +vmcsShadowing                                 vmwriteBitmapAddress=66800                             vmwriteBitmapAddress=66000
  vmwriteBitmapValid                      +vmcsShadowing                                 vmwriteBitmapAddress=10000000000                       vmwriteBitmapAddress=66000
  veInformationAddressValid               +eptViolationVe                                virtualizationExceptionInformationAddress=66800        virtualizationExceptionInformationAddress=66000
  veInformationAddressValid               +eptViolationVe                                virtualizationExceptionInformationAddress=10000000000  -
  exitControlsAllowed                     -                                              exit|80000000                                          exit|8000
  saveTimerNeedsTimer                     -                                              +saveVmxPreemptionTimerValue                           +saveVmxPreemptionTimerValue +activatePreemptionTimer
  exitMsrStoreAreaValid                   vmExitMsrStoreCount=1 [67000]=174              vmExitMsrStoreAddress=67008                            vmExitMsrStoreAddress=67000
  exitMsrStoreAreaValid                   vmExitMsrStoreAddress=fffffffff0               vmExitMsrStoreCount=2                                  vmExitMsrStoreCount=1
  exitMsrStoreAreaValid                   vmExitMsrStoreAddress=10000000000              vmExitMsrStoreCount=1                                  vmExitMsrStoreCount=0
  exitMsrLoadAreaValid                    vmExitMsrLoadCount=1 [67000]=174               vmExitMsrLoadAddress=67008                             vmExitMsrLoadAddress=67000
  exitMsrLoadAreaValid                    vmExitMsrLoadAddress=fffffffff0                vmExitMsrLoadCount=2                                   vmExitMsrLoadCount=1
  exitMsrLoadAreaValid                    vmExitMsrLoadAddress=10000000000               vmExitMsrLoadCount=1                                   vmExitMsrLoadCount=0
  entryControlsAllowed                    -                                              entry|80000000                                         entry|4
  injectionTypeNotReserved                -                                              event=80000100                                         event=80000306
  injectionTypeNotReserved                -                                              event=80000100                                         event=80000700 +monitorTrapFlag
  injectionVectorFitsType                 -                                              event=80000203                                         event=80000202
  injectionVectorFitsType                 -                                              event=80000320                                         event=8000031f
  injectionVectorFitsType                 +monitorTrapFlag                               event=80000701                                         event=80000700
  injectionErrorCodeFitsVector            -                                              event=80000b06                                         event=80000306
  injectionErrorCodeFitsVector            -                                              event=80000308                                         event=80000b08
  injectionErrorCodeFitsVector            -                                              event=80000b09                                         event=80000309
  injectionErrorCodeFitsVector            -                                              event=8000030a                                         event=80000b0a
  injectionErrorCodeFitsVector            -                                              event=8000030b                                         event=80000b0b
  injectionErrorCodeFitsVector            -                                              event=8000030c                                         event=80000b0c
  injectionErrorCodeFitsVector            -                                              event=8000030d                                         event=80000b0d
  injectionErrorCodeFitsVector            -                                              event=8000030e                                         event=80000b0e
  injectionErrorCodeFitsVector            -                                              event=80000b0f                                         event=8000030f
  injectionErrorCodeFitsVector            -                                              event=80000b10                                         event=80000310
  injectionErrorCodeFitsVector            -                                              event=80000311                                         event=80000b11
  injectionErrorCodeFitsVector            -                                              event=80000b15                                         event=80000315
  injectionErrorCodeFitsVector            -                                              event=80000a02                                         event=80000202
  injectionErrorCodeFitsVector            vmEntryInstructionLength=1                     event=80000c80                                         event=80000480
  injectionErrorCodeFitsVector            @real                                          event=80000b0d                                         event=8000030d
  injectionReservedBitsClear              -                                              event=80001306                                         event=80000306
  injectionReservedBitsClear              -                                              event=c0000306                                         event=80000306
  injectionErrorCodeUpperBitsClear        event=80000b0d                                 vmEntryExceptionErrorCode=10000                        vmEntryExceptionErrorCode=ffff
  injectionErrorCodeUpperBitsClear        vmEntryExceptionErrorCode=10000                event=80000b0d                                         event=80000306
  injectionLengthAtMost15                 event=80000480                                 vmEntryInstructionLength=10                            vmEntryInstructionLength=f
  injectionLengthAtMost15                 event=80000501                                 vmEntryInstructionLength=10                            vmEntryInstructionLength=f
  injectionLengthAtMost15                 event=80000603                                 vmEntryInstructionLength=10                            vmEntryInstructionLength=0
  injectionLengthAtMost15                 vmEntryInstructionLength=10                    event=80000480                                         event=80000306
  entryMsrLoadAreaValid                   vmEntryMsrLoadCount=1 [67000]=174              vmEntryMsrLoadAddress=67008                            vmEntryMsrLoadAddress=67000
  entryMsrLoadAreaValid                   vmEntryMsrLoadAddress=fffffffff0               vmEntryMsrLoadCount=2                                  vmEntryMsrLoadCount=0
`;

export const HOST_ROWS = `
  hostCr0FixedBits                -                       hostCr0=80010013                                     hostCr0=80000031
  hostCr0FixedBits                -                       hostCr0=80010032                                     hostCr0=80010033
  hostCr0FixedBits                -                       hostCr0=10033                                        hostCr0=e0010033
  hostCr0FixedBits                -                       hostCr0=180010033                                    hostCr0=80010033
  hostCr4FixedBits                -                       hostCr4=620                                          hostCr4=2020
  hostCr4FixedBits                -                       hostCr4=80002620                                     hostCr4=2620
  hostCr3WithinWidth              -                       hostCr3=10000001000                                  hostCr3=8000001000
  hostCr3WithinWidth              -                       hostCr3=8000000000001000                             hostCr3=1018
  hostSysenterEspCanonical        -                       hostIa32SysenterEsp=100000000000000                  hostIa32SysenterEsp=ffffffffffffff
  hostSysenterEipCanonical        -                       hostIa32SysenterEip=100000000000000                  hostIa32SysenterEip=ff00000000000000
  hostPatValid                    +loadHostIa32Pat        hostIa32Pat=7040600070402                            hostIa32Pat=7040600070401
  hostPatValid                    +loadHostIa32Pat        hostIa32Pat=300000000000000                          hostIa32Pat=700000000000000
  hostPatValid                    +loadHostIa32Pat        hostIa32Pat=8                                        hostIa32Pat=5
  hostPatValid                    hostIa32Pat=2           +loadHostIa32Pat                                     -
  hostEferReservedBitsClear       -                       hostIa32Efer=d03                                     hostIa32Efer=500
  hostEferReservedBitsClear       -                       hostIa32Efer=1d01                                    hostIa32Efer=d01
  hostEferReservedBitsClear       hostIa32Efer=100000d01  -                                                    -loadHostIa32Efer
  hostEferMatchesAddressSpace     -                       hostIa32Efer=901                                     hostIa32Efer=d01
  hostEferMatchesAddressSpace     -                       hostIa32Efer=c01                                     hostIa32Efer=d01
  hostEferMatchesAddressSpace     hostIa32Efer=801        -                                                    -loadHostIa32Efer
  hostEferMatchesAddressSpace     @host32                 hostIa32Efer=500                                     hostIa32Efer=1
  hostEsSelectorPlain             -                       hostEsSelector=11                                    hostEsSelector=10
  hostEsSelectorPlain             -                       hostEsSelector=14                                    hostEsSelector=0
  hostCsSelectorPlain             -                       hostCsSelector=a                                     hostCsSelector=8
  hostCsSelectorPlain             -                       hostCsSelector=c                                     hostCsSelector=8
  hostSsSelectorPlain             -                       hostSsSelector=13                                    hostSsSelector=10
  hostSsSelectorPlain             -                       hostSsSelector=14                                    hostSsSelector=0
  hostDsSelectorPlain             -                       hostDsSelector=12                                    hostDsSelector=10
  hostDsSelectorPlain             -                       hostDsSelector=14                                    hostDsSelector=0
  hostFsSelectorPlain             -                       hostFsSelector=11                                    hostFsSelector=10
  hostFsSelectorPlain             -                       hostFsSelector=14                                    hostFsSelector=0
  hostGsSelectorPlain             -                       hostGsSelector=13                                    hostGsSelector=10
  hostGsSelectorPlain             -                       hostGsSelector=14                                    hostGsSelector=0
  hostTrSelectorPlain             -                       hostTrSelector=41                                    hostTrSelector=40
  hostTrSelectorPlain             -                       hostTrSelector=44                                    hostTrSelector=40
  hostCsSelectorNotNull           -                       hostCsSelector=0                                     hostCsSelector=8
  hostTrSelectorNotNull           -                       hostTrSelector=0                                     hostTrSelector=8
  hostSsSelectorNotNull           @host32                 hostSsSelector=0                                     hostSsSelector=10
  hostFsBaseCanonical             -                       hostFsBase=100000000000000                           hostFsBase=ffffffffffffff
  hostGsBaseCanonical             -                       hostGsBase=8000000000000000                          hostGsBase=ff00000000000000
  hostGdtrBaseCanonical           -                       hostGdtrBase=100000000000000                         hostGdtrBase=ffffffffffffff
  hostIdtrBaseCanonical           -                       hostIdtrBase=fe00000000000000                        hostIdtrBase=ff00000000000000
  hostTrBaseCanonical             -                       hostTrBase=100000000000000                           hostTrBase=ffffffffffffff
  hostSizeMatchesLongMode         @guest32                -hostAddressSpaceSize hostIa32Efer=0                 -
  hostSizeMatchesLongMode         @host32                 +hostAddressSpaceSize hostIa32Efer=500 hostCr4=2030  -
  guestLongModeNeedsHostLongMode  @host32                 @guest64                                             -
  hostPcideNeedsLongMode          @host32                 hostCr4=22010                                        hostCr4=2010
  hostPaeInLongMode               -                       hostCr4=2600                                         hostCr4=2620
  hostRipBelow4G                  @host32                 hostRip=10001c000                                    hostRip=1c000
  hostRipCanonical                -                       hostRip=800000000000                                 hostRip=7fffffffffff
  hostRipCanonical                hostCr4=3620            hostRip=100000000000000                              hostRip=800000000000
`;
