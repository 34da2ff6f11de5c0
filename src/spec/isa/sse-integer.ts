/**
 * Packed integers in XMM registers, SSE2 to SSE4.2. SDM Vol. 2 under their names. One semantic per operation, the lane in the type
 * argument: unsigned where the sign does not matter or saturation is unsigned.
 */
import { rows } from "./row.ts";

export const sseInteger = rows(
  "isa/sse-integer",
  `
# bytes               mnemonic    operands    semantics         flags   feature  attributes
  # moves
  66 W0 0F 6E /r      movd        Vx Ed       loadScalar<u32>   -       sse2     -
  66 W1 0F 6E /r      movq        Vx Eq       loadScalar<u64>   -       sse2     o64
  66 W0 0F 7E /r      movd        Ed Vd       storeScalar<u32>  -       sse2     -
  66 W1 0F 7E /r      movq        Eq Vq       storeScalar<u64>  -       sse2     o64
  F3 0F 7E /r         movq        Vx Wq       loadScalar<u64>   -       sse2     -
  66 0F D6 /r mem     movq        Mq Vq       storeScalar<u64>  -       sse2     -
  66 0F D6 /r reg     movq        Uq Vq       loadScalar<u64>   -       sse2     -
  66 0F 6F /r         movdqa      Vx Wx       movX              -       sse2     align
  66 0F 7F /r         movdqa      Wx Vx       movX              -       sse2     align
  F3 0F 6F /r         movdqu      Vx Wx       movX              -       sse2     -
  F3 0F 7F /r         movdqu      Wx Vx       movX              -       sse2     -
  66 0F E7 /r mem     movntdq     Mx Vx       movX              -       sse2     align
  66 0F 38 2A /r mem  movntdqa    Vx Mx       movX              -       sse41    align
  F2 0F F0 /r mem     lddqu       Vx Mx       movX              -       sse3     -
  66 0F F7 /r reg     maskmovdqu  Vx Ux       maskmov           -       sse2     -
  NP 0F C3 /r mem     movnti      My Gy       mov               -       sse2     -
  # arithmetic, logic, comparison, packing
  66 0F 60 /r         punpcklbw   Vx Wx       punpckl<u8>       -       sse2     align
  66 0F 61 /r         punpcklwd   Vx Wx       punpckl<u16>      -       sse2     align
  66 0F 62 /r         punpckldq   Vx Wx       punpckl<u32>      -       sse2     align
  66 0F 63 /r         packsswb    Vx Wx       pack<i16>         -       sse2     align
  66 0F 64 /r         pcmpgtb     Vx Wx       pcmpgt<i8>        -       sse2     align
  66 0F 65 /r         pcmpgtw     Vx Wx       pcmpgt<i16>       -       sse2     align
  66 0F 66 /r         pcmpgtd     Vx Wx       pcmpgt<i32>       -       sse2     align
  66 0F 67 /r         packuswb    Vx Wx       pack<u16>         -       sse2     align
  66 0F 68 /r         punpckhbw   Vx Wx       punpckh<u8>       -       sse2     align
  66 0F 69 /r         punpckhwd   Vx Wx       punpckh<u16>      -       sse2     align
  66 0F 6A /r         punpckhdq   Vx Wx       punpckh<u32>      -       sse2     align
  66 0F 6B /r         packssdw    Vx Wx       pack<i32>         -       sse2     align
  66 0F 74 /r         pcmpeqb     Vx Wx       pcmpeq<i8>        -       sse2     align
  66 0F 75 /r         pcmpeqw     Vx Wx       pcmpeq<i16>       -       sse2     align
  66 0F 76 /r         pcmpeqd     Vx Wx       pcmpeq<i32>       -       sse2     align
  66 0F D1 /r         psrlw       Vx Wx       psrl<u16>         -       sse2     align
  66 0F D2 /r         psrld       Vx Wx       psrl<u32>         -       sse2     align
  66 0F D3 /r         psrlq       Vx Wx       psrl<u64>         -       sse2     align
  66 0F D4 /r         paddq       Vx Wx       padd<i64>         -       sse2     align
  66 0F D5 /r         pmullw      Vx Wx       pmull<i16>        -       sse2     align
  66 0F D8 /r         psubusb     Vx Wx       psubs<u8>         -       sse2     align
  66 0F D9 /r         psubusw     Vx Wx       psubs<u16>        -       sse2     align
  66 0F DA /r         pminub      Vx Wx       pmin<u8>          -       sse2     align
  66 0F DB /r         pand        Vx Wx       pand              -       sse2     align
  66 0F DC /r         paddusb     Vx Wx       padds<u8>         -       sse2     align
  66 0F DD /r         paddusw     Vx Wx       padds<u16>        -       sse2     align
  66 0F DE /r         pmaxub      Vx Wx       pmax<u8>          -       sse2     align
  66 0F DF /r         pandn       Vx Wx       pandn             -       sse2     align
  66 0F E0 /r         pavgb       Vx Wx       pavg<u8>          -       sse2     align
  66 0F E1 /r         psraw       Vx Wx       psra<i16>         -       sse2     align
  66 0F E2 /r         psrad       Vx Wx       psra<i32>         -       sse2     align
  66 0F E3 /r         pavgw       Vx Wx       pavg<u16>         -       sse2     align
  66 0F E4 /r         pmulhuw     Vx Wx       pmulh<u16>        -       sse2     align
  66 0F E5 /r         pmulhw      Vx Wx       pmulh<i16>        -       sse2     align
  66 0F E8 /r         psubsb      Vx Wx       psubs<i8>         -       sse2     align
  66 0F E9 /r         psubsw      Vx Wx       psubs<i16>        -       sse2     align
  66 0F EA /r         pminsw      Vx Wx       pmin<i16>         -       sse2     align
  66 0F EB /r         por         Vx Wx       por               -       sse2     align
  66 0F EC /r         paddsb      Vx Wx       padds<i8>         -       sse2     align
  66 0F ED /r         paddsw      Vx Wx       padds<i16>        -       sse2     align
  66 0F EE /r         pmaxsw      Vx Wx       pmax<i16>         -       sse2     align
  66 0F EF /r         pxor        Vx Wx       pxor              -       sse2     align
  66 0F F1 /r         psllw       Vx Wx       psll<u16>         -       sse2     align
  66 0F F2 /r         pslld       Vx Wx       psll<u32>         -       sse2     align
  66 0F F3 /r         psllq       Vx Wx       psll<u64>         -       sse2     align
  66 0F F4 /r         pmuludq     Vx Wx       pmulq<u32>        -       sse2     align
  66 0F F5 /r         pmaddwd     Vx Wx       pmaddwd           -       sse2     align
  66 0F F6 /r         psadbw      Vx Wx       psadbw            -       sse2     align
  66 0F F8 /r         psubb       Vx Wx       psub<i8>          -       sse2     align
  66 0F F9 /r         psubw       Vx Wx       psub<i16>         -       sse2     align
  66 0F FA /r         psubd       Vx Wx       psub<i32>         -       sse2     align
  66 0F FB /r         psubq       Vx Wx       psub<i64>         -       sse2     align
  66 0F FC /r         paddb       Vx Wx       padd<i8>          -       sse2     align
  66 0F FD /r         paddw       Vx Wx       padd<i16>         -       sse2     align
  66 0F FE /r         paddd       Vx Wx       padd<i32>         -       sse2     align
  66 0F 6C /r         punpcklqdq  Vx Wx       punpckl<u64>      -       sse2     align
  66 0F 6D /r         punpckhqdq  Vx Wx       punpckh<u64>      -       sse2     align
  # shifts by an immediate, shuffles, single lanes
  66 0F 71 /2 reg     psrlw       Ux Ib       psrlImm<u16>      -       sse2     -
  66 0F 71 /4 reg     psraw       Ux Ib       psraImm<i16>      -       sse2     -
  66 0F 71 /6 reg     psllw       Ux Ib       psllImm<u16>      -       sse2     -
  66 0F 72 /2 reg     psrld       Ux Ib       psrlImm<u32>      -       sse2     -
  66 0F 72 /4 reg     psrad       Ux Ib       psraImm<i32>      -       sse2     -
  66 0F 72 /6 reg     pslld       Ux Ib       psllImm<u32>      -       sse2     -
  66 0F 73 /2 reg     psrlq       Ux Ib       psrlImm<u64>      -       sse2     -
  66 0F 73 /6 reg     psllq       Ux Ib       psllImm<u64>      -       sse2     -
  66 0F 73 /3 reg     psrldq      Ux Ib       psrldq            -       sse2     -
  66 0F 73 /7 reg     pslldq      Ux Ib       pslldq            -       sse2     -
  66 0F 70 /r         pshufd      Vx Wx Ib    pshufd            -       sse2     align
  F3 0F 70 /r         pshufhw     Vx Wx Ib    pshufhw           -       sse2     align
  F2 0F 70 /r         pshuflw     Vx Wx Ib    pshuflw           -       sse2     align
  66 0F C4 /r mem     pinsrw      Vx Mw Ib    pinsr<u16>        -       sse2     -
  66 0F C4 /r reg     pinsrw      Vx Rd Ib    pinsr<u16>        -       sse2     -
  66 0F C5 /r reg     pextrw      Gd Ux Ib    pextr<u16>        -       sse2     -
  66 0F D7 /r reg     pmovmskb    Gd Ux       movmsk<i8>        -       sse2     -
  # SSSE3
  66 0F 38 00 /r      pshufb      Vx Wx       pshufb            -       ssse3    align
  66 0F 38 01 /r      phaddw      Vx Wx       phadd<i16>        -       ssse3    align
  66 0F 38 02 /r      phaddd      Vx Wx       phadd<i32>        -       ssse3    align
  66 0F 38 03 /r      phaddsw     Vx Wx       phadds<i16>       -       ssse3    align
  66 0F 38 04 /r      pmaddubsw   Vx Wx       pmaddubsw         -       ssse3    align
  66 0F 38 05 /r      phsubw      Vx Wx       phsub<i16>        -       ssse3    align
  66 0F 38 06 /r      phsubd      Vx Wx       phsub<i32>        -       ssse3    align
  66 0F 38 07 /r      phsubsw     Vx Wx       phsubs<i16>       -       ssse3    align
  66 0F 38 08 /r      psignb      Vx Wx       psign<i8>         -       ssse3    align
  66 0F 38 09 /r      psignw      Vx Wx       psign<i16>        -       ssse3    align
  66 0F 38 0A /r      psignd      Vx Wx       psign<i32>        -       ssse3    align
  66 0F 38 0B /r      pmulhrsw    Vx Wx       pmulhrsw          -       ssse3    align
  66 0F 38 1C /r      pabsb       Vx Wx       pabs<i8>          -       ssse3    align
  66 0F 38 1D /r      pabsw       Vx Wx       pabs<i16>         -       ssse3    align
  66 0F 38 1E /r      pabsd       Vx Wx       pabs<i32>         -       ssse3    align
  66 0F 3A 0F /r      palignr     Vx Wx Ib    palignr           -       ssse3    align
  # SSE4.1 and SSE4.2
  66 0F 38 20 /r      pmovsxbw    Vx Wq       pmovx<i8, i16>    -       sse41    -
  66 0F 38 21 /r      pmovsxbd    Vx Wd       pmovx<i8, i32>    -       sse41    -
  66 0F 38 22 /r      pmovsxbq    Vx Ww       pmovx<i8, i64>    -       sse41    -
  66 0F 38 23 /r      pmovsxwd    Vx Wq       pmovx<i16, i32>   -       sse41    -
  66 0F 38 24 /r      pmovsxwq    Vx Wd       pmovx<i16, i64>   -       sse41    -
  66 0F 38 25 /r      pmovsxdq    Vx Wq       pmovx<i32, i64>   -       sse41    -
  66 0F 38 30 /r      pmovzxbw    Vx Wq       pmovx<u8, u16>    -       sse41    -
  66 0F 38 31 /r      pmovzxbd    Vx Wd       pmovx<u8, u32>    -       sse41    -
  66 0F 38 32 /r      pmovzxbq    Vx Ww       pmovx<u8, u64>    -       sse41    -
  66 0F 38 33 /r      pmovzxwd    Vx Wq       pmovx<u16, u32>   -       sse41    -
  66 0F 38 34 /r      pmovzxwq    Vx Wd       pmovx<u16, u64>   -       sse41    -
  66 0F 38 35 /r      pmovzxdq    Vx Wq       pmovx<u32, u64>   -       sse41    -
  66 0F 38 28 /r      pmuldq      Vx Wx       pmulq<i32>        -       sse41    align
  66 0F 38 29 /r      pcmpeqq     Vx Wx       pcmpeq<i64>       -       sse41    align
  66 0F 38 2B /r      packusdw    Vx Wx       pack<u32>         -       sse41    align
  66 0F 38 38 /r      pminsb      Vx Wx       pmin<i8>          -       sse41    align
  66 0F 38 39 /r      pminsd      Vx Wx       pmin<i32>         -       sse41    align
  66 0F 38 3A /r      pminuw      Vx Wx       pmin<u16>         -       sse41    align
  66 0F 38 3B /r      pminud      Vx Wx       pmin<u32>         -       sse41    align
  66 0F 38 3C /r      pmaxsb      Vx Wx       pmax<i8>          -       sse41    align
  66 0F 38 3D /r      pmaxsd      Vx Wx       pmax<i32>         -       sse41    align
  66 0F 38 3E /r      pmaxuw      Vx Wx       pmax<u16>         -       sse41    align
  66 0F 38 3F /r      pmaxud      Vx Wx       pmax<u32>         -       sse41    align
  66 0F 38 40 /r      pmulld      Vx Wx       pmull<i32>        -       sse41    align
  66 0F 38 41 /r      phminposuw  Vx Wx       phminposuw        -       sse41    align
  66 0F 38 37 /r      pcmpgtq     Vx Wx       pcmpgt<i64>       -       sse42    align
  66 0F 38 17 /r      ptest       Vx Wx       ptest             oszapc  sse41    align
  66 0F 38 10 /r      pblendvb    Vx Wx XMM0  blendv<i8>        -       sse41    align
  66 0F 3A 0E /r      pblendw     Vx Wx Ib    blend<u16>        -       sse41    align
  66 0F 3A 42 /r      mpsadbw     Vx Wx Ib    mpsadbw           -       sse41    align
  66 0F 3A 14 /r mem  pextrb      Mb Vx Ib    pextrStore<u8>    -       sse41    -
  66 0F 3A 14 /r reg  pextrb      Rd Vx Ib    pextr<u8>         -       sse41    -
  66 0F 3A 15 /r mem  pextrw      Mw Vx Ib    pextrStore<u16>   -       sse41    -
  66 0F 3A 15 /r reg  pextrw      Rd Vx Ib    pextr<u16>        -       sse41    -
  66 W0 0F 3A 16 /r   pextrd      Ed Vx Ib    pextrStore<u32>   -       sse41    -
  66 W1 0F 3A 16 /r   pextrq      Eq Vx Ib    pextrStore<u64>   -       sse41    o64
  66 0F 3A 20 /r mem  pinsrb      Vx Mb Ib    pinsr<u8>         -       sse41    -
  66 0F 3A 20 /r reg  pinsrb      Vx Rd Ib    pinsr<u8>         -       sse41    -
  66 W0 0F 3A 22 /r   pinsrd      Vx Ed Ib    pinsr<u32>        -       sse41    -
  66 W1 0F 3A 22 /r   pinsrq      Vx Eq Ib    pinsr<u64>        -       sse41    o64
  # string comparison: lengths in EAX and EDX (RAX and RDX with REX.W), or up to the first zero
  66 W0 0F 3A 60 /r   pcmpestrm   Vx Wx Ib    pcmpestrm<u32>    oszapc  sse42    -
  66 W1 0F 3A 60 /r   pcmpestrm   Vx Wx Ib    pcmpestrm<u64>    oszapc  sse42    o64
  66 W0 0F 3A 61 /r   pcmpestri   Vx Wx Ib    pcmpestri<u32>    oszapc  sse42    -
  66 W1 0F 3A 61 /r   pcmpestri   Vx Wx Ib    pcmpestri<u64>    oszapc  sse42    o64
  66 0F 3A 62 /r      pcmpistrm   Vx Wx Ib    pcmpistrm         oszapc  sse42    -
  66 0F 3A 63 /r      pcmpistri   Vx Wx Ib    pcmpistri         oszapc  sse42    -
`,
);
