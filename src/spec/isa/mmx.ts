/**
 * MMX, and what SSE, SSE2 and SSSE3 added to its registers. SDM Vol. 2 under their names; Vol. 1 "Programming with Intel MMX
 * Technology". Semantics share the names of the 128-bit ones, with `Mmx` behind.
 */
import { rows } from "./row.ts";

export const mmx = rows(
  "isa/mmx",
  `
# bytes            mnemonic   operands  semantics         flags  feature  attributes
  # moves
  NP W0 0F 6E /r   movd       Pq Ed     loadScalar<u32>   -      mmx      -
  NP W1 0F 6E /r   movq       Pq Eq     loadScalar<u64>   -      mmx      o64
  NP W0 0F 7E /r   movd       Ed Pq     storeScalar<u32>  -      mmx      -
  NP W1 0F 7E /r   movq       Eq Pq     storeScalar<u64>  -      mmx      o64
  NP 0F 6F /r      movq       Pq Qq     movX              -      mmx      -
  NP 0F 7F /r      movq       Qq Pq     movX              -      mmx      -
  NP 0F E7 /r mem  movntq     Mq Pq     movX              -      sse      -
  NP 0F F7 /r reg  maskmovq   Pq Nq     maskmov           -      sse      -
  F3 0F D6 /r reg  movq2dq    Vx Nq     movq2dq           -      sse2     -
  F2 0F D6 /r reg  movdq2q    Pq Ux     movdq2q           -      sse2     -
  NP 0F 77         emms       -         emms              -      mmx      -
  NP 0F C4 /r mem  pinsrw     Pq Mw Ib  pinsr<u16>        -      sse      -
  NP 0F C4 /r reg  pinsrw     Pq Rd Ib  pinsr<u16>        -      sse      -
  NP 0F C5 /r reg  pextrw     Gd Nq Ib  pextr<u16>        -      sse      -
  NP 0F D7 /r reg  pmovmskb   Gd Nq     movmsk<i8>        -      sse      -
  # packed integers
  NP 0F 60 /r      punpcklbw  Pq Qd     punpckl<u8>       -      mmx      -
  NP 0F 61 /r      punpcklwd  Pq Qd     punpckl<u16>      -      mmx      -
  NP 0F 62 /r      punpckldq  Pq Qd     punpckl<u32>      -      mmx      -
  NP 0F 63 /r      packsswb   Pq Qq     pack<i16>         -      mmx      -
  NP 0F 64 /r      pcmpgtb    Pq Qq     pcmpgt<i8>        -      mmx      -
  NP 0F 65 /r      pcmpgtw    Pq Qq     pcmpgt<i16>       -      mmx      -
  NP 0F 66 /r      pcmpgtd    Pq Qq     pcmpgt<i32>       -      mmx      -
  NP 0F 67 /r      packuswb   Pq Qq     pack<u16>         -      mmx      -
  NP 0F 68 /r      punpckhbw  Pq Qq     punpckh<u8>       -      mmx      -
  NP 0F 69 /r      punpckhwd  Pq Qq     punpckh<u16>      -      mmx      -
  NP 0F 6A /r      punpckhdq  Pq Qq     punpckh<u32>      -      mmx      -
  NP 0F 6B /r      packssdw   Pq Qq     pack<i32>         -      mmx      -
  NP 0F 74 /r      pcmpeqb    Pq Qq     pcmpeq<i8>        -      mmx      -
  NP 0F 75 /r      pcmpeqw    Pq Qq     pcmpeq<i16>       -      mmx      -
  NP 0F 76 /r      pcmpeqd    Pq Qq     pcmpeq<i32>       -      mmx      -
  NP 0F D1 /r      psrlw      Pq Qq     psrl<u16>         -      mmx      -
  NP 0F D2 /r      psrld      Pq Qq     psrl<u32>         -      mmx      -
  NP 0F D3 /r      psrlq      Pq Qq     psrl<u64>         -      mmx      -
  NP 0F D4 /r      paddq      Pq Qq     padd<i64>         -      sse2     -
  NP 0F D5 /r      pmullw     Pq Qq     pmull<i16>        -      mmx      -
  NP 0F D8 /r      psubusb    Pq Qq     psubs<u8>         -      mmx      -
  NP 0F D9 /r      psubusw    Pq Qq     psubs<u16>        -      mmx      -
  NP 0F DA /r      pminub     Pq Qq     pmin<u8>          -      sse      -
  NP 0F DB /r      pand       Pq Qq     pand              -      mmx      -
  NP 0F DC /r      paddusb    Pq Qq     padds<u8>         -      mmx      -
  NP 0F DD /r      paddusw    Pq Qq     padds<u16>        -      mmx      -
  NP 0F DE /r      pmaxub     Pq Qq     pmax<u8>          -      sse      -
  NP 0F DF /r      pandn      Pq Qq     pandn             -      mmx      -
  NP 0F E0 /r      pavgb      Pq Qq     pavg<u8>          -      sse      -
  NP 0F E1 /r      psraw      Pq Qq     psra<i16>         -      mmx      -
  NP 0F E2 /r      psrad      Pq Qq     psra<i32>         -      mmx      -
  NP 0F E3 /r      pavgw      Pq Qq     pavg<u16>         -      sse      -
  NP 0F E4 /r      pmulhuw    Pq Qq     pmulh<u16>        -      sse      -
  NP 0F E5 /r      pmulhw     Pq Qq     pmulh<i16>        -      mmx      -
  NP 0F E8 /r      psubsb     Pq Qq     psubs<i8>         -      mmx      -
  NP 0F E9 /r      psubsw     Pq Qq     psubs<i16>        -      mmx      -
  NP 0F EA /r      pminsw     Pq Qq     pmin<i16>         -      sse      -
  NP 0F EB /r      por        Pq Qq     por               -      mmx      -
  NP 0F EC /r      paddsb     Pq Qq     padds<i8>         -      mmx      -
  NP 0F ED /r      paddsw     Pq Qq     padds<i16>        -      mmx      -
  NP 0F EE /r      pmaxsw     Pq Qq     pmax<i16>         -      sse      -
  NP 0F EF /r      pxor       Pq Qq     pxor              -      mmx      -
  NP 0F F1 /r      psllw      Pq Qq     psll<u16>         -      mmx      -
  NP 0F F2 /r      pslld      Pq Qq     psll<u32>         -      mmx      -
  NP 0F F3 /r      psllq      Pq Qq     psll<u64>         -      mmx      -
  NP 0F F4 /r      pmuludq    Pq Qq     pmulq<u32>        -      sse2     -
  NP 0F F5 /r      pmaddwd    Pq Qq     pmaddwd           -      mmx      -
  NP 0F F6 /r      psadbw     Pq Qq     psadbw            -      sse      -
  NP 0F F8 /r      psubb      Pq Qq     psub<i8>          -      mmx      -
  NP 0F F9 /r      psubw      Pq Qq     psub<i16>         -      mmx      -
  NP 0F FA /r      psubd      Pq Qq     psub<i32>         -      mmx      -
  NP 0F FB /r      psubq      Pq Qq     psub<i64>         -      sse2     -
  NP 0F FC /r      paddb      Pq Qq     padd<i8>          -      mmx      -
  NP 0F FD /r      paddw      Pq Qq     padd<i16>         -      mmx      -
  NP 0F FE /r      paddd      Pq Qq     padd<i32>         -      mmx      -
  NP 0F 71 /2 reg  psrlw      Nq Ib     psrlImm<u16>      -      mmx      -
  NP 0F 71 /4 reg  psraw      Nq Ib     psraImm<i16>      -      mmx      -
  NP 0F 71 /6 reg  psllw      Nq Ib     psllImm<u16>      -      mmx      -
  NP 0F 72 /2 reg  psrld      Nq Ib     psrlImm<u32>      -      mmx      -
  NP 0F 72 /4 reg  psrad      Nq Ib     psraImm<i32>      -      mmx      -
  NP 0F 72 /6 reg  pslld      Nq Ib     psllImm<u32>      -      mmx      -
  NP 0F 73 /2 reg  psrlq      Nq Ib     psrlImm<u64>      -      mmx      -
  NP 0F 73 /6 reg  psllq      Nq Ib     psllImm<u64>      -      mmx      -
  NP 0F 70 /r      pshufw     Pq Qq Ib  pshuflw           -      sse      -
  NP 0F 38 00 /r   pshufb     Pq Qq     pshufb            -      ssse3    -
  NP 0F 38 01 /r   phaddw     Pq Qq     phadd<i16>        -      ssse3    -
  NP 0F 38 02 /r   phaddd     Pq Qq     phadd<i32>        -      ssse3    -
  NP 0F 38 03 /r   phaddsw    Pq Qq     phadds<i16>       -      ssse3    -
  NP 0F 38 04 /r   pmaddubsw  Pq Qq     pmaddubsw         -      ssse3    -
  NP 0F 38 05 /r   phsubw     Pq Qq     phsub<i16>        -      ssse3    -
  NP 0F 38 06 /r   phsubd     Pq Qq     phsub<i32>        -      ssse3    -
  NP 0F 38 07 /r   phsubsw    Pq Qq     phsubs<i16>       -      ssse3    -
  NP 0F 38 08 /r   psignb     Pq Qq     psign<i8>         -      ssse3    -
  NP 0F 38 09 /r   psignw     Pq Qq     psign<i16>        -      ssse3    -
  NP 0F 38 0A /r   psignd     Pq Qq     psign<i32>        -      ssse3    -
  NP 0F 38 0B /r   pmulhrsw   Pq Qq     pmulhrsw          -      ssse3    -
  NP 0F 38 1C /r   pabsb      Pq Qq     pabs<i8>          -      ssse3    -
  NP 0F 38 1D /r   pabsw      Pq Qq     pabs<i16>         -      ssse3    -
  NP 0F 38 1E /r   pabsd      Pq Qq     pabs<i32>         -      ssse3    -
  NP 0F 3A 0F /r   palignr    Pq Qq Ib  palignr           -      ssse3    -
  # conversions between packed integers and floats
  NP 0F 2A /r      cvtpi2ps   Vq Qq     cvtpi2ps          -      sse      -
  66 0F 2A /r      cvtpi2pd   Vx Qq     cvtpi2pd          -      sse2     -
  NP 0F 2C /r      cvttps2pi  Pq Wq     cvttps2dq         -      sse      -
  66 0F 2C /r      cvttpd2pi  Pq Wx     cvttpd2dq         -      sse2     align
  NP 0F 2D /r      cvtps2pi   Pq Wq     cvtps2dq          -      sse      -
  66 0F 2D /r      cvtpd2pi   Pq Wx     cvtpd2dq          -      sse2     align
`,
);
