/**
 * System instructions: descriptor tables, control and debug registers, MSRs, caches and translations, interrupts, I/O, time.
 * SDM Vol. 2 under their names; Vol. 3 "Summary of System Instructions". VM-exit causes as in Vol. 3 "Instructions That Cause VM Exits".
 */
import { rows } from "./row.ts";

export const system = rows(
  "isa/system",
  `
# bytes               mnemonic     operands  semantics      flags    feature     attributes
  # descriptor tables and segment properties
  0F 00 /0 mem        sldt         Mw        sldt           -        286         f64 exit:sldt
  0F 00 /0 reg        sldt         Rv        sldt           -        286         exit:sldt
  0F 00 /1 mem        str          Mw        str            -        286         f64 exit:str
  0F 00 /1 reg        str          Rv        str            -        286         exit:str
  0F 00 /2            lldt         Ew        lldt           -        286         cpl0 exit:lldt
  0F 00 /3            ltr          Ew        ltr            -        286         cpl0 exit:ltr
  0F 00 /4            verr         Ew        verr           z        286         -
  0F 00 /5            verw         Ew        verw           z        286         -
  0F 01 /0 mem        sgdt         Ms        sgdt           -        286         f64 exit:sgdt
  0F 01 /1 mem        sidt         Ms        sidt           -        286         f64 exit:sidt
  0F 01 /2 mem        lgdt         Ms        lgdt           -        286         f64 cpl0 exit:lgdt
  0F 01 /3 mem        lidt         Ms        lidt           -        286         f64 cpl0 exit:lidt
  0F 02 /r mem        lar          Gv Mw     lar            z        286         -
  0F 02 /r reg        lar          Gv Rv     lar            z        286         -
  0F 03 /r mem        lsl          Gv Mw     lsl            z        286         -
  0F 03 /r reg        lsl          Gv Rv     lsl            z        286         -
  # control and debug registers
  0F 01 /4 mem        smsw         Mw        smsw           -        286         -
  0F 01 /4 reg        smsw         Rv        smsw           -        286         -
  0F 01 /6            lmsw         Ew        lmsw           -        286         cpl0 end exit:lmsw
  0F 06               clts         -         clts           -        286         cpl0 end exit:clts
  0F 20 /r            mov          Ry Cy     movFromCr      /oszapc  386         f64 cpl0 exit:mov-from-cr
  0F 21 /r            mov          Ry Dy     movFromDr      /oszapc  386         f64 cpl0 exit:mov-from-dr
  0F 22 /r            mov          Cy Ry     movToCr        /oszapc  386         f64 cpl0 end exit:mov-to-cr
  0F 23 /r            mov          Dy Ry     movToDr        /oszapc  386         f64 cpl0 end exit:mov-to-dr
  # model-specific registers, counters, identification
  0F 30               wrmsr        -         wrmsr          -        586         cpl0 end exit:wrmsr
  0F 31               rdtsc        -         rdtsc          -        586         exit:rdtsc
  0F 32               rdmsr        -         rdmsr          -        586         cpl0 exit:rdmsr
  0F 33               rdpmc        -         rdpmc          -        mmx         exit:rdpmc
  0F 01 F9            rdtscp       -         rdtscp         -        rdtscp      exit:rdtscp
  F3 0F C7 /7 reg     rdpid        Ry        rdpid          -        rdpid       f64 exit:rdpid
  0F A2               cpuid        -         cpuid          -        486         exit:cpuid
  # caches and translations
  0F 08               invd         -         invd           -        486         cpl0 exit:invd
  0F 09               wbinvd       -         wbinvd         -        486         cpl0 exit:wbinvd
  0F 01 /7 mem        invlpg       Mb        invlpg         -        486         cpl0 end exit:invlpg
  66 0F 38 82 /r mem  invpcid      Gy Mdq    invpcid        -        invpcid     f64 cpl0 end exit:invpcid
  0F 0D /0 mem        prefetch     Mb        nop            -        prefetchw   -
  0F 0D /1 mem        prefetchw    Mb        nop            -        prefetchw   -
  0F 0D /2 mem        prefetchwt1  Mb        nop            -        prefetchw   -
  0F 0D /3 mem        prefetch     Mb        nop            -        prefetchw   -
  0F 0D /4 mem        prefetch     Mb        nop            -        prefetchw   -
  0F 0D /5 mem        prefetch     Mb        nop            -        prefetchw   -
  0F 0D /6 mem        prefetch     Mb        nop            -        prefetchw   -
  0F 0D /7 mem        prefetch     Mb        nop            -        prefetchw   -
  0F 18 /0 mem        prefetchnta  Mb        nop            -        sse         -
  0F 18 /1 mem        prefetcht0   Mb        nop            -        sse         -
  0F 18 /2 mem        prefetcht1   Mb        nop            -        sse         -
  0F 18 /3 mem        prefetcht2   Mb        nop            -        sse         -
  NP 0F AE /7 mem     clflush      Mb        clflush        -        clflush     -
  66 0F AE /7 mem     clflushopt   Mb        clflush        -        clflushopt  -
  66 0F AE /6 mem     clwb         Mb        clflush        -        clwb        -
  NFx 0F AE /5 reg    lfence       -         nop            -        sse2        -
  NP 0F AE /6 reg     mfence       -         nop            -        sse2        -
  NFx 0F AE /7 reg    sfence       -         nop            -        sse         -
  # interrupts and waiting
  CC                  int3         -         int3           -        8086        end
  CD                  int          Ib        int            -        8086        end
  CE                  into         -         into           -        8086        i64 end
  F1                  int1         -         int1           -        386         end
  o16 CF              iret         -         iret<u16>      oszapc   8086        end
  o32 CF              iretd        -         iret<u32>      oszapc   386         end
  o64 CF              iretq        -         iret<u64>      oszapc   x64         end
  FA                  cli          -         cli            -        8086        end
  FB                  sti          -         sti            -        8086        end
  9C                  pushf        Fv        pushf          -        8086        d64
  9D                  popf         Fv        popf           oszapc   8086        d64 end
  F4                  hlt          -         hlt            -        8086        cpl0 end exit:hlt
  9B                  fwait        -         fwait          -        x87         -
  0F 01 C8            monitor      -         monitor        -        monitor     exit:monitor
  0F 01 C9            mwait        -         mwait          -        monitor     end exit:mwait
  0F AA               rsm          -         rsm            oszapc   386         end exit:rsm
  # input and output
  E4                  in           AL Ib     in_            -        8086        end exit:in
  E5                  in           eAX Ib    in_            -        8086        end exit:in
  E6                  out          Ib AL     out            -        8086        end exit:out
  E7                  out          Ib eAX    out            -        8086        end exit:out
  EC                  in           AL DX     in_            -        8086        end exit:in
  ED                  in           eAX DX    in_            -        8086        end exit:in
  EE                  out          DX AL     out            -        8086        end exit:out
  EF                  out          DX eAX    out            -        8086        end exit:out
  # supervisor-mode access prevention, segment bases, protection keys
  NP 0F 01 CA         clac         -         clac           -        smap        end
  NP 0F 01 CB         stac         -         stac           -        smap        end
  0F 01 F8            swapgs       -         swapgs         -        x64         o64 cpl0
  F3 0F AE /0 reg     rdfsbase     Ry        rdfsbase       -        fsgsbase    o64
  F3 0F AE /1 reg     rdgsbase     Ry        rdgsbase       -        fsgsbase    o64
  F3 0F AE /2 reg     wrfsbase     Ry        wrfsbase       -        fsgsbase    o64
  F3 0F AE /3 reg     wrgsbase     Ry        wrgsbase       -        fsgsbase    o64
  NP 0F 01 EE         rdpkru       -         rdpkru         -        pku         -
  NP 0F 01 EF         wrpkru       -         wrpkru         -        pku         end
  # extended state
  NP 0F 01 D0         xgetbv       -         xgetbv         -        xsave       -
  NP 0F 01 D1         xsetbv       -         xsetbv         -        xsave       cpl0 end exit:xsetbv
  NP W0 0F AE /0 mem  fxsave       M         fxsave<u32>    -        fxsr        -
  NP W1 0F AE /0 mem  fxsave64     M         fxsave<u64>    -        fxsr        -
  NP W0 0F AE /1 mem  fxrstor      M         fxrstor<u32>   -        fxsr        -
  NP W1 0F AE /1 mem  fxrstor64    M         fxrstor<u64>   -        fxsr        -
  NP 0F AE /2 mem     ldmxcsr      Md        ldmxcsr        -        sse         -
  NP 0F AE /3 mem     stmxcsr      Md        stmxcsr        -        sse         -
  NP W0 0F AE /4 mem  xsave        M         xsave<u32>     -        xsave       -
  NP W1 0F AE /4 mem  xsave64      M         xsave<u64>     -        xsave       -
  NP W0 0F AE /5 mem  xrstor       M         xrstor<u32>    -        xsave       end
  NP W1 0F AE /5 mem  xrstor64     M         xrstor<u64>    -        xsave       end
  NP W0 0F AE /6 mem  xsaveopt     M         xsaveopt<u32>  -        xsaveopt    -
  NP W1 0F AE /6 mem  xsaveopt64   M         xsaveopt<u64>  -        xsaveopt    -
  NP W0 0F C7 /3 mem  xrstors      M         xrstors<u32>   -        xsaves      cpl0 end exit:xrstors
  NP W1 0F C7 /3 mem  xrstors64    M         xrstors<u64>   -        xsaves      cpl0 end exit:xrstors
  NP W0 0F C7 /4 mem  xsavec       M         xsavec<u32>    -        xsavec      -
  NP W1 0F C7 /4 mem  xsavec64     M         xsavec<u64>    -        xsavec      -
  NP W0 0F C7 /5 mem  xsaves       M         xsaves<u32>    -        xsaves      cpl0 exit:xsaves
  NP W1 0F C7 /5 mem  xsaves64     M         xsaves<u64>    -        xsaves      cpl0 exit:xsaves
`,
);
