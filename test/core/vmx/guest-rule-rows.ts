/** Rows of the rules about the guest's state, as in rule-rows.ts; SEG stands for each of the segments in braces in turn. */
export const GUEST_ROWS = `
  guestCr0FixedBits                   -                                               guestCr0=80010013                                             guestCr0=80000031
  guestCr0FixedBits                   -                                               guestCr0=180010033                                            guestCr0=e0010033
  guestCr0FixedBits                   @guest32                                        guestCr0=10033                                                guestCr0=80010033
  guestCr0FixedBits                   @guest32 guestCr0=10033                         -                                                             @unrestricted
  guestCr0FixedBits                   @real                                           -unrestrictedGuest                                            -
  guestPagingNeedsProtection          @guest32 @unrestricted                          guestCr0=80010032                                             guestCr0=10032
  guestCr4FixedBits                   -                                               guestCr4=620                                                  guestCr4=2020
  guestCr4FixedBits                   -                                               guestCr4=80002620                                             guestCr4=2620
  guestDebugctlReservedBitsClear      +loadDebugControls                              guestIa32Debugctl=4                                           guestIa32Debugctl=3
  guestDebugctlReservedBitsClear      guestIa32Debugctl=10000                         +loadDebugControls                                            -
  guestPagingInLongMode               @unrestricted                                   guestCr0=10033                                                guestCr0=80010033
  guestPaeInLongMode                  -                                               guestCr4=2600                                                 guestCr4=2620
  guestPcideNeedsLongMode             @guest32                                        guestCr4=22010                                                guestCr4=2010
  guestCr3WithinWidth                 -                                               guestCr3=10000001000                                          guestCr3=8000001000
  guestDr7UpperHalfClear              +loadDebugControls                              guestDr7=100000400                                            guestDr7=400
  guestDr7UpperHalfClear              guestDr7=100000400                              +loadDebugControls                                            -
  guestSysenterEspCanonical           -                                               guestIa32SysenterEsp=100000000000000                          guestIa32SysenterEsp=ffffffffffffff
  guestSysenterEipCanonical           -                                               guestIa32SysenterEip=100000000000000                          guestIa32SysenterEip=ff00000000000000
  guestPatValid                       +loadGuestIa32Pat                               guestIa32Pat=7040600070403                                    guestIa32Pat=7040600070404
  guestPatValid                       +loadGuestIa32Pat                               guestIa32Pat=800000000000000                                  guestIa32Pat=600000000000000
  guestPatValid                       guestIa32Pat=2                                  +loadGuestIa32Pat                                             -
  guestEferReservedBitsClear          -                                               guestIa32Efer=d03                                             guestIa32Efer=500
  guestEferReservedBitsClear          guestIa32Efer=1d01                              -                                                             -loadGuestIa32Efer
  guestLmaMatchesControl              -                                               guestIa32Efer=801                                             guestIa32Efer=d01
  guestLmaMatchesControl              @guest32                                        guestIa32Efer=500                                             guestIa32Efer=0
  guestLmeMatchesLma                  -                                               guestIa32Efer=c01                                             guestIa32Efer=d01
  guestLmeMatchesLma                  @guest32                                        guestIa32Efer=100                                             guestIa32Efer=0
  guestLmeMatchesLma                  @real                                           guestIa32Efer=100 guestCr0=80000031                           guestIa32Efer=100
  guestTrSelectorGlobal               -                                               guestTrSelector=44                                            guestTrSelector=43
  guestLdtrSelectorGlobal             @ldtr                                           guestLdtrSelector=54                                          guestLdtrSelector=53
  guestLdtrSelectorGlobal             guestLdtrSelector=54                            guestLdtrAccessRights=82                                      -
  guestSsRplIsCsRpl                   -                                               guestCsSelector=b                                             guestCsSelector=8
  guestSsRplIsCsRpl                   guestCsSelector=b                               -                                                             @unrestricted
  guestSegmentBaseIsReal              @virtual                                        guestSEGBase=10001 {Es Ss Ds Fs Gs}                           -
  guestSegmentBaseIsReal              @virtual                                        guestCsBase=17ff0                                             -
  guestSegmentLimitIsReal             @virtual                                        guestSEGLimit=fffe {Es Cs Ss Ds Fs Gs}                        -
  guestSegmentRightsAreReal           @virtual                                        guestSEGAccessRights=f2 {Es Cs Ss Ds Fs Gs}                   -
  guestSegmentRightsAreReal           @virtual                                        guestSEGAccessRights=93 {Es Cs Ss Ds Fs Gs}                   -
  guestTrBaseCanonical                -                                               guestTrBase=100000000000000                                   guestTrBase=ffffffffffffff
  guestFsBaseCanonical                -                                               guestFsBase=100000000000000                                   guestFsBase=ffffffffffffff
  guestGsBaseCanonical                guestGsAccessRights=1c093                       guestGsBase=100000000000000                                   guestGsBase=ff00000000000000
  guestLdtrBaseCanonical              @ldtr                                           guestLdtrBase=100000000000000                                 guestLdtrBase=ffffffffffffff
  guestLdtrBaseCanonical              guestLdtrBase=100000000000000                   @ldtr                                                         -
  guestCsBaseBelow4G                  -                                               guestCsBase=100000000                                         guestCsBase=ffffffff
  guestDataBaseBelow4G                -                                               guestSEGBase=100000000 {Es Ss Ds}                             guestSEGBase=ffffffff
  guestDataBaseBelow4G                guestSEGBase=100000000 {Es Ss Ds}               guestSEGAccessRights=c093                                     guestSEGAccessRights=1c093
  guestCsTypeIsCode                   -                                               guestCsAccessRights=a09a                                      guestCsAccessRights=a099
  guestCsTypeIsCode                   -                                               guestCsAccessRights=a09e                                      guestCsAccessRights=a09f
  guestCsTypeIsCode                   -                                               guestCsAccessRights=a09c                                      guestCsAccessRights=a09d
  guestCsTypeIsCode                   guestCsAccessRights=a093                        -                                                             @unrestricted
  guestSsTypeIsStack                  -                                               guestSsAccessRights=c091                                      guestSsAccessRights=c097
  guestSsTypeIsStack                  -                                               guestSsAccessRights=c09b                                      guestSsAccessRights=c093
  guestSsTypeIsStack                  -                                               guestSsAccessRights=c092                                      guestSsAccessRights=1c092
  guestDataTypesAreAccessed           -                                               guestSEGAccessRights=c092 {Es Ds Fs Gs}                       guestSEGAccessRights=c091
  guestDataTypesAreAccessed           -                                               guestSEGAccessRights=c099 {Es Ds Fs Gs}                       guestSEGAccessRights=c09b
  guestDataTypesAreAccessed           -                                               guestSEGAccessRights=c09d {Es Ds Fs Gs}                       guestSEGAccessRights=1c09d
  guestSegmentsAreCodeOrData          -                                               guestSEGAccessRights=c083 {Es Ss Ds Fs Gs}                    guestSEGAccessRights=1c083
  guestSegmentsAreCodeOrData          -                                               guestCsAccessRights=a08b                                      guestCsAccessRights=a09b
  guestDataCsDplIs0                   @unrestricted                                   guestCsAccessRights=a0b3                                      guestCsAccessRights=a093
  guestCsDplIsThatOfSs                -                                               guestCsAccessRights=a0b9                                      guestCsAccessRights=a099
  guestCsDplIsThatOfSs                -                                               guestCsAccessRights=a0fb                                      guestCsAccessRights=a09b
  guestConformingCsDplAtMostThatOfSs  -                                               guestCsAccessRights=a0bd                                      guestCsAccessRights=a09d
  guestConformingCsDplAtMostThatOfSs  @ring3                                          guestCsAccessRights=a0ff guestSsAccessRights=c0d3 guestSsSelector=12 guestCsSelector=a  guestCsAccessRights=a0ff
  guestSsDplIsRpl                     guestCsAccessRights=a09f                        guestSsAccessRights=c0b3                                      guestSsAccessRights=c093
  guestSsDplIsRpl                     guestCsAccessRights=a09f guestSsAccessRights=c0b3  -                                                             @unrestricted
  guestSsDplIs0                       @unrestricted guestCsAccessRights=a093          guestSsAccessRights=c0b3                                      guestSsAccessRights=c093
  guestSsDplIs0                       @real guestCsAccessRights=9f                    guestSsAccessRights=b3                                        guestSsAccessRights=93
  guestDataDplsFit                    guestSEGSelector=13                             guestSEGAccessRights=c093 {Es Ds Fs Gs}                       guestSEGAccessRights=c0f3
  guestDataDplsFit                    guestSEGSelector=12                             guestSEGAccessRights=c0bb {Es Ds Fs Gs}                       guestSEGAccessRights=c09f
  guestDataDplsFit                    guestSEGSelector=11                             guestSEGAccessRights=c091 {Es Ds Fs Gs}                       guestSEGAccessRights=1c091
  guestDataDplsFit                    guestSEGSelector=13 {Es Ds Fs Gs}               -                                                             @unrestricted
  guestSegmentsArePresent             -                                               guestSEGAccessRights=c013 {Es Ss Ds Fs Gs}                    guestSEGAccessRights=1c013
  guestSegmentsArePresent             -                                               guestCsAccessRights=a01b                                      guestCsAccessRights=a09b
  guestRightsReservedBitsClear        -                                               guestSEGAccessRights=c193 {Es Ss Ds Fs Gs}                    guestSEGAccessRights=1c193
  guestRightsReservedBitsClear        -                                               guestSEGAccessRights=2c093 {Es Ss Ds Fs Gs}                   guestSEGAccessRights=d093
  guestRightsReservedBitsClear        -                                               guestCsAccessRights=a89b                                      guestCsAccessRights=b09b
  guestRightsReservedBitsClear        -                                               guestCsAccessRights=8000a09b                                  guestCsAccessRights=a09b
  guestCsDefaultSizeInLongMode        -                                               guestCsAccessRights=e09b                                      guestCsAccessRights=c09b
  guestCsDefaultSizeInLongMode        @guest32                                        @guest64 guestCsAccessRights=e09b                             guestCsAccessRights=e09b
  guestOddLimitsHaveBytes             -                                               guestSEGLimit=ffffe {Es Ss Ds Fs Gs}                          guestSEGLimit=ffffe guestSEGAccessRights=4093
  guestOddLimitsHaveBytes             guestSEGLimit=ffffe                             guestSEGAccessRights=c093 {Es Ss Ds Fs Gs}                    guestSEGAccessRights=1c093
  guestOddLimitsHaveBytes             -                                               guestCsLimit=feffff00                                         guestCsLimit=feffffff
  guestBigLimitsHavePages             -                                               guestSEGAccessRights=4093 {Es Ss Ds Fs Gs}                    guestSEGAccessRights=4093 guestSEGLimit=fffff
  guestBigLimitsHavePages             guestSEGLimit=100000                            guestSEGAccessRights=4093 {Es Ss Ds Fs Gs}                    guestSEGAccessRights=14093
  guestBigLimitsHavePages             -                                               guestCsAccessRights=209b                                      guestCsAccessRights=209b guestCsLimit=fffff
  guestTrTypeIsBusyTss                -                                               guestTrAccessRights=89                                        guestTrAccessRights=8b
  guestTrTypeIsBusyTss                @guest32                                        guestTrAccessRights=81                                        guestTrAccessRights=83
  guestTrTypeIsBusyTss                guestTrAccessRights=83                          -                                                             @guest32
  guestTrIsSystem                     -                                               guestTrAccessRights=9b                                        guestTrAccessRights=8b
  guestTrIsPresent                    -                                               guestTrAccessRights=b                                         guestTrAccessRights=8b
  guestTrIsUsable                     -                                               guestTrAccessRights=1008b                                     guestTrAccessRights=8b
  guestTrReservedBitsClear            -                                               guestTrAccessRights=18b                                       guestTrAccessRights=108b
  guestTrReservedBitsClear            -                                               guestTrAccessRights=2008b                                     guestTrAccessRights=8b
  guestTrOddLimitHasBytes             guestTrLimit=ffffe                              guestTrAccessRights=808b                                      guestTrAccessRights=8b
  guestTrBigLimitHasPages             guestTrLimit=100fff                             guestTrAccessRights=8b                                        guestTrAccessRights=808b
  guestLdtrTypeIsLdt                  @ldtr                                           guestLdtrAccessRights=83                                      guestLdtrAccessRights=10083
  guestLdtrTypeIsLdt                  @ldtr                                           guestLdtrAccessRights=80                                      guestLdtrAccessRights=82
  guestLdtrIsSystem                   @ldtr                                           guestLdtrAccessRights=92                                      guestLdtrAccessRights=10092
  guestLdtrIsPresent                  @ldtr                                           guestLdtrAccessRights=2                                       guestLdtrAccessRights=10002
  guestLdtrReservedBitsClear          @ldtr                                           guestLdtrAccessRights=882                                     guestLdtrAccessRights=10882
  guestLdtrReservedBitsClear          @ldtr                                           guestLdtrAccessRights=20082                                   guestLdtrAccessRights=30082
  guestLdtrOddLimitHasBytes           @ldtr guestLdtrLimit=ffffe                      guestLdtrAccessRights=8082                                    guestLdtrAccessRights=18082
  guestLdtrBigLimitHasPages           @ldtr guestLdtrLimit=100fff                     guestLdtrAccessRights=82                                      guestLdtrAccessRights=8082
  guestGdtrBaseCanonical              -                                               guestGdtrBase=100000000000000                                 guestGdtrBase=ffffffffffffff
  guestIdtrBaseCanonical              -                                               guestIdtrBase=100000000000000                                 guestIdtrBase=ff00000000000000
  guestGdtrLimitFits                  -                                               guestGdtrLimit=10000                                          guestGdtrLimit=ffff
  guestIdtrLimitFits                  -                                               guestIdtrLimit=80000000                                       guestIdtrLimit=ffff
  guestRipBelow4G                     @guest32                                        guestRip=100018000                                            guestRip=18000
  guestRipBelow4G                     guestRip=100018000                              guestCsAccessRights=c09b                                      -
  guestRipUpperBitsIdentical          -                                               guestRip=200000000000000                                      guestRip=100000000000000
  guestRipUpperBitsIdentical          -                                               guestRip=fc00000000000000                                     guestRip=fe00000000000000
  guestRflagsReservedBits             -                                               guestRflags=0                                                 guestRflags=2
  guestRflagsReservedBits             -                                               guestRflags=8002                                              guestRflags=4002
  guestRflagsReservedBits             -                                               guestRflags=22                                                guestRflags=12
  guestRflagsReservedBits             -                                               guestRflags=a                                                 guestRflags=6
  guestRflagsReservedBits             -                                               guestRflags=400002                                            guestRflags=3d7ed7
  guestRflagsReservedBits             -                                               guestRflags=8000000000000002                                  guestRflags=2
  guestRflagsVmOutsideLongMode        @virtual                                        +ia32eModeGuest guestCr3=1000 guestCr4=2630 guestIa32Efer=d01  -
  guestRflagsVmNeedsProtection        @virtual @unrestricted                          guestCr0=30                                                   guestCr0=80000031
  guestRflagsIfForInterrupt           event=80000030                                  guestRflags=2                                                 guestRflags=202
  guestRflagsIfForInterrupt           -                                               event=80000030                                                event=80000202
  guestActivitySupported              -                                               guestActivityState=4                                          guestActivityState=3
  guestActivitySupported              -                                               guestActivityState=80000000                                   guestActivityState=2
  guestHltNeedsRing0                  @ring3                                          guestActivityState=1                                          guestActivityState=0
  guestHltNeedsRing0                  guestActivityState=1                            @ring3                                                        -
  guestActiveWhileBlocked             guestRflags=202 guestInterruptibilityState=1    guestActivityState=1                                          guestActivityState=0
  guestActiveWhileBlocked             guestInterruptibilityState=2                    guestActivityState=2                                          guestActivityState=0
  guestActivityFitsInjection          guestActivityState=1                            event=80000306                                                event=80000301
  guestActivityFitsInjection          guestActivityState=1 vmEntryInstructionLength=1  event=80000480                                                event=80000312
  guestActivityFitsInjection          guestActivityState=1                            event=80000b0d                                                event=80000202
  guestActivityFitsInjection          guestActivityState=1 guestRflags=202            event=80000303                                                event=80000030
  guestActivityFitsInjection          guestActivityState=1                            event=80000304                                                event=80000700 +monitorTrapFlag
  guestActivityFitsInjection          guestActivityState=2                            event=80000301                                                event=80000312
  guestActivityFitsInjection          guestActivityState=2 guestRflags=202            event=80000030                                                event=80000202
  guestActivityFitsInjection          guestActivityState=3                            event=80000202                                                -
  guestActivityFitsInjection          guestActivityState=3                            event=80000312                                                -
  guestInterruptibilityReservedBits   -                                               guestInterruptibilityState=20                                 guestInterruptibilityState=8
  guestInterruptibilityReservedBits   -                                               guestInterruptibilityState=80000000                           guestInterruptibilityState=0
  guestNotBlockedTwice                guestRflags=202                                 guestInterruptibilityState=3                                  guestInterruptibilityState=2
  guestStiBlockingNeedsIf             -                                               guestInterruptibilityState=1                                  guestInterruptibilityState=1 guestRflags=202
  guestNotBlockedForInterrupt         guestRflags=202 event=80000030                  guestInterruptibilityState=1                                  guestInterruptibilityState=8
  guestNotBlockedForInterrupt         guestRflags=202 event=80000030                  guestInterruptibilityState=2                                  guestInterruptibilityState=0
  guestNotBlockedForNmi               event=80000202                                  guestInterruptibilityState=2                                  guestInterruptibilityState=8
  guestNotInSmm                       -                                               guestInterruptibilityState=4                                  guestInterruptibilityState=0
  guestVirtualNmiNotBlocked           event=80000202 +nmiExiting                      guestInterruptibilityState=8 +virtualNmis                     +virtualNmis
  guestVirtualNmiNotBlocked           event=80000202 +nmiExiting +virtualNmis         guestInterruptibilityState=8                                  event=80000306 guestInterruptibilityState=8
  guestEnclaveInterruptionSupported   -                                               guestInterruptibilityState=10                                 guestInterruptibilityState=0
  guestPendingDebugReservedBits       -                                               guestPendingDebugExceptions=10                                guestPendingDebugExceptions=8
  guestPendingDebugReservedBits       -                                               guestPendingDebugExceptions=800                               guestPendingDebugExceptions=1000
  guestPendingDebugReservedBits       -                                               guestPendingDebugExceptions=2000                              guestPendingDebugExceptions=4000
  guestPendingDebugReservedBits       -                                               guestPendingDebugExceptions=8000                              guestPendingDebugExceptions=1
  guestPendingDebugReservedBits       -                                               guestPendingDebugExceptions=20000                             guestPendingDebugExceptions=0
  guestPendingDebugReservedBits       -                                               guestPendingDebugExceptions=8000000000000000                  guestPendingDebugExceptions=0
  guestPendingSingleStepSet           guestRflags=302 guestInterruptibilityState=1    guestPendingDebugExceptions=0                                 guestPendingDebugExceptions=4000
  guestPendingSingleStepSet           guestRflags=102 guestInterruptibilityState=2    -                                                             guestIa32Debugctl=2
  guestPendingSingleStepSet           guestRflags=102                                 guestActivityState=1                                          -
  guestPendingSingleStepClear         guestRflags=202 guestPendingDebugExceptions=4000  guestInterruptibilityState=1                                  -
  guestPendingSingleStepClear         guestRflags=102 guestPendingDebugExceptions=4000 guestInterruptibilityState=2  guestIa32Debugctl=2                                           -
  guestPendingSingleStepClear         guestPendingDebugExceptions=4000                guestActivityState=1                                          -
  guestPendingRtmSupported            -                                               guestPendingDebugExceptions=11000                             guestPendingDebugExceptions=1000
  guestLinkPointerValid               -                                               vmcsLinkPointer=69800                                         vmcsLinkPointer=ffffffffffffffff
  guestLinkPointerValid               -                                               vmcsLinkPointer=10000000000                                   vmcsLinkPointer=ffffffffffffffff
  guestLinkPointerValid               [69000]=1                                       vmcsLinkPointer=69001                                         vmcsLinkPointer=69000
  guestLinkRevisionFits               vmcsLinkPointer=69000                           [69000]=2                                                     [69000]=1
  guestLinkRevisionFits               vmcsLinkPointer=69000                           [69000]=80000001                                              [69000]=1
  guestLinkRevisionFits               vmcsLinkPointer=69000 +vmcsShadowing            [69000]=1                                                     [69000]=80000001
  guestLinkNotCurrent                 [69000]=1                                       vmcsLinkPointer=51000                                         vmcsLinkPointer=69000
  guestPdptesReservedBits             @pae                                            [6a000]=6b003                                                 [6a000]=6b001
  guestPdptesReservedBits             @pae                                            [6a008]=8000000000000001                                      [6a008]=8000000000000000
  guestPdptesReservedBits             @pae                                            [6a010]=10000000001                                           [6a010]=8000000019
  guestPdptesReservedBits             @pae                                            [6a018]=101                                                   [6a018]=1e6
  guestPdptesReservedBits             @pae [6a000]=6b003                              -                                                             @guest64
  guestPdpteFieldsReservedBits        @pae @ept                                       guestPdpte0=6b003                                             guestPdpte0=6b001
  guestPdpteFieldsReservedBits        @pae @ept                                       guestPdpte1=8000000000000001                                  guestPdpte1=8000000000000000
  guestPdpteFieldsReservedBits        @pae @ept                                       guestPdpte2=10000000001                                       guestPdpte2=8000000019
  guestPdpteFieldsReservedBits        @pae @ept                                       guestPdpte3=101                                               guestPdpte3=1e6
  guestPdpteFieldsReservedBits        guestPdpte0=6b003 @ept                          @pae                                                          -
`;

/** \`#n\`: the entry that fails, in the qualification */
export const MSR_ROWS = `
  entryMsrCountAtMost512  @msrs512  vmEntryMsrLoadCount=201 #513  vmEntryMsrLoadCount=200
  entryMsrNotFsOrGsBase      @msrs  [67000]=c0000100 #1                          [67000]=c0000102
  entryMsrNotFsOrGsBase      @msrs  [67010]=c0000101 #2                          [67010]=c0000103
  entryMsrNotX2apic          @msrs  [67000]=800 #1                               [67000]=174
  entryMsrNotX2apic          @msrs  [67010]=8ff #2                               [67010]=175
  entryMsrReservedBitsClear  @msrs  [67000]=100000174 #1                         [67000]=174
  entryMsrReservedBitsClear  @msrs  [67010]=8000000000000174 #2                  [67010]=174
  entryMsrWritable           @msrs  [67010]=400 #2                               [67010]=174
  entryMsrWritable           @msrs  [67000]=480 #1                               [67000]=174
  entryMsrWritable           @msrs  [67000]=c0000082 [67008]=100000000000000 #1  [67000]=c0000082 [67008]=ffffffffffffff
`;
