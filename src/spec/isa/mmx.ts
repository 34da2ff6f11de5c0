/**
 * MMX, and what SSE, SSE2 and SSSE3 added to its registers. SDM Vol. 2 under their names; Vol. 1 "Programming with Intel MMX
 * Technology". Semantics share the names of the 128-bit ones, with `Mmx` behind.
 */
import { rows } from "./row.ts";

export const mmx = rows(
  "isa/mmx",
  `
# bytes            mnemonic   operands  semantics        flags  feature  attributes
  # moves
  NP W0 0F 6E /r   movd       Pq Ed     movToMmx<u32>    -      mmx      -
  NP W1 0F 6E /r   movq       Pq Eq     movToMmx<u64>    -      mmx      o64
  NP W0 0F 7E /r   movd       Ed Pq     movFromMmx<u32>  -      mmx      -
  NP W1 0F 7E /r   movq       Eq Pq     movFromMmx<u64>  -      mmx      o64
  NP 0F 6F /r      movq       Pq Qq     movMmx           -      mmx      -
  NP 0F 7F /r      movq       Qq Pq     movMmx           -      mmx      -
  NP 0F E7 /r mem  movntq     Mq Pq     movMmx           -      sse      -
  NP 0F F7 /r reg  maskmovq   Pq Nq     maskmovq         -      sse      -
  F3 0F D6 /r reg  movq2dq    Vx Nq     movq2dq          -      sse2     -
  F2 0F D6 /r reg  movdq2q    Pq Ux     movdq2q          -      sse2     -
  NP 0F 77         emms       -         emms             -      mmx      -
  NP 0F C4 /r mem  pinsrw     Pq Mw Ib  pinsrwMmx        -      sse      -
  NP 0F C4 /r reg  pinsrw     Pq Rd Ib  pinsrwMmx        -      sse      -
  NP 0F C5 /r reg  pextrw     Gd Nq Ib  pextrwMmx        -      sse      -
  NP 0F D7 /r reg  pmovmskb   Gd Nq     pmovmskbMmx      -      sse      -
  # packed integers
  NP 0F 60 /r      punpcklbw  Pq Qd     punpcklMmx<u8>   -      mmx      -
  NP 0F 61 /r      punpcklwd  Pq Qd     punpcklMmx<u16>  -      mmx      -
  NP 0F 62 /r      punpckldq  Pq Qd     punpcklMmx<u32>  -      mmx      -
  NP 0F 63 /r      packsswb   Pq Qq     packssMmx<i16>   -      mmx      -
  NP 0F 64 /r      pcmpgtb    Pq Qq     pcmpgtMmx<i8>    -      mmx      -
  NP 0F 65 /r      pcmpgtw    Pq Qq     pcmpgtMmx<i16>   -      mmx      -
  NP 0F 66 /r      pcmpgtd    Pq Qq     pcmpgtMmx<i32>   -      mmx      -
  NP 0F 67 /r      packuswb   Pq Qq     packusMmx<i16>   -      mmx      -
  NP 0F 68 /r      punpckhbw  Pq Qq     punpckhMmx<u8>   -      mmx      -
  NP 0F 69 /r      punpckhwd  Pq Qq     punpckhMmx<u16>  -      mmx      -
  NP 0F 6A /r      punpckhdq  Pq Qq     punpckhMmx<u32>  -      mmx      -
  NP 0F 6B /r      packssdw   Pq Qq     packssMmx<i32>   -      mmx      -
  NP 0F 74 /r      pcmpeqb    Pq Qq     pcmpeqMmx<i8>    -      mmx      -
  NP 0F 75 /r      pcmpeqw    Pq Qq     pcmpeqMmx<i16>   -      mmx      -
  NP 0F 76 /r      pcmpeqd    Pq Qq     pcmpeqMmx<i32>   -      mmx      -
  NP 0F D1 /r      psrlw      Pq Qq     psrlMmx<u16>     -      mmx      -
  NP 0F D2 /r      psrld      Pq Qq     psrlMmx<u32>     -      mmx      -
  NP 0F D3 /r      psrlq      Pq Qq     psrlMmx<u64>     -      mmx      -
  NP 0F D4 /r      paddq      Pq Qq     paddMmx<i64>     -      sse2     -
  NP 0F D5 /r      pmullw     Pq Qq     pmullMmx<i16>    -      mmx      -
  NP 0F D8 /r      psubusb    Pq Qq     psubsMmx<u8>     -      mmx      -
  NP 0F D9 /r      psubusw    Pq Qq     psubsMmx<u16>    -      mmx      -
  NP 0F DA /r      pminub     Pq Qq     pminMmx<u8>      -      sse      -
  NP 0F DB /r      pand       Pq Qq     pandMmx          -      mmx      -
  NP 0F DC /r      paddusb    Pq Qq     paddsMmx<u8>     -      mmx      -
  NP 0F DD /r      paddusw    Pq Qq     paddsMmx<u16>    -      mmx      -
  NP 0F DE /r      pmaxub     Pq Qq     pmaxMmx<u8>      -      sse      -
  NP 0F DF /r      pandn      Pq Qq     pandnMmx         -      mmx      -
  NP 0F E0 /r      pavgb      Pq Qq     pavgMmx<u8>      -      sse      -
  NP 0F E1 /r      psraw      Pq Qq     psraMmx<i16>     -      mmx      -
  NP 0F E2 /r      psrad      Pq Qq     psraMmx<i32>     -      mmx      -
  NP 0F E3 /r      pavgw      Pq Qq     pavgMmx<u16>     -      sse      -
  NP 0F E4 /r      pmulhuw    Pq Qq     pmulhMmx<u16>    -      sse      -
  NP 0F E5 /r      pmulhw     Pq Qq     pmulhMmx<i16>    -      mmx      -
  NP 0F E8 /r      psubsb     Pq Qq     psubsMmx<i8>     -      mmx      -
  NP 0F E9 /r      psubsw     Pq Qq     psubsMmx<i16>    -      mmx      -
  NP 0F EA /r      pminsw     Pq Qq     pminMmx<i16>     -      sse      -
  NP 0F EB /r      por        Pq Qq     porMmx           -      mmx      -
  NP 0F EC /r      paddsb     Pq Qq     paddsMmx<i8>     -      mmx      -
  NP 0F ED /r      paddsw     Pq Qq     paddsMmx<i16>    -      mmx      -
  NP 0F EE /r      pmaxsw     Pq Qq     pmaxMmx<i16>     -      sse      -
  NP 0F EF /r      pxor       Pq Qq     pxorMmx          -      mmx      -
  NP 0F F1 /r      psllw      Pq Qq     psllMmx<u16>     -      mmx      -
  NP 0F F2 /r      pslld      Pq Qq     psllMmx<u32>     -      mmx      -
  NP 0F F3 /r      psllq      Pq Qq     psllMmx<u64>     -      mmx      -
  NP 0F F4 /r      pmuludq    Pq Qq     pmuludqMmx       -      sse2     -
  NP 0F F5 /r      pmaddwd    Pq Qq     pmaddwdMmx       -      mmx      -
  NP 0F F6 /r      psadbw     Pq Qq     psadbwMmx        -      sse      -
  NP 0F F8 /r      psubb      Pq Qq     psubMmx<i8>      -      mmx      -
  NP 0F F9 /r      psubw      Pq Qq     psubMmx<i16>     -      mmx      -
  NP 0F FA /r      psubd      Pq Qq     psubMmx<i32>     -      mmx      -
  NP 0F FB /r      psubq      Pq Qq     psubMmx<i64>     -      sse2     -
  NP 0F FC /r      paddb      Pq Qq     paddMmx<i8>      -      mmx      -
  NP 0F FD /r      paddw      Pq Qq     paddMmx<i16>     -      mmx      -
  NP 0F FE /r      paddd      Pq Qq     paddMmx<i32>     -      mmx      -
  NP 0F 71 /2 reg  psrlw      Nq Ib     psrlImmMmx<u16>  -      mmx      -
  NP 0F 71 /4 reg  psraw      Nq Ib     psraImmMmx<i16>  -      mmx      -
  NP 0F 71 /6 reg  psllw      Nq Ib     psllImmMmx<u16>  -      mmx      -
  NP 0F 72 /2 reg  psrld      Nq Ib     psrlImmMmx<u32>  -      mmx      -
  NP 0F 72 /4 reg  psrad      Nq Ib     psraImmMmx<i32>  -      mmx      -
  NP 0F 72 /6 reg  pslld      Nq Ib     psllImmMmx<u32>  -      mmx      -
  NP 0F 73 /2 reg  psrlq      Nq Ib     psrlImmMmx<u64>  -      mmx      -
  NP 0F 73 /6 reg  psllq      Nq Ib     psllImmMmx<u64>  -      mmx      -
  NP 0F 70 /r      pshufw     Pq Qq Ib  pshufw           -      sse      -
  NP 0F 38 00 /r   pshufb     Pq Qq     pshufbMmx        -      ssse3    -
  NP 0F 38 01 /r   phaddw     Pq Qq     phaddMmx<i16>    -      ssse3    -
  NP 0F 38 02 /r   phaddd     Pq Qq     phaddMmx<i32>    -      ssse3    -
  NP 0F 38 03 /r   phaddsw    Pq Qq     phaddsMmx<i16>   -      ssse3    -
  NP 0F 38 04 /r   pmaddubsw  Pq Qq     pmaddubswMmx     -      ssse3    -
  NP 0F 38 05 /r   phsubw     Pq Qq     phsubMmx<i16>    -      ssse3    -
  NP 0F 38 06 /r   phsubd     Pq Qq     phsubMmx<i32>    -      ssse3    -
  NP 0F 38 07 /r   phsubsw    Pq Qq     phsubsMmx<i16>   -      ssse3    -
  NP 0F 38 08 /r   psignb     Pq Qq     psignMmx<i8>     -      ssse3    -
  NP 0F 38 09 /r   psignw     Pq Qq     psignMmx<i16>    -      ssse3    -
  NP 0F 38 0A /r   psignd     Pq Qq     psignMmx<i32>    -      ssse3    -
  NP 0F 38 0B /r   pmulhrsw   Pq Qq     pmulhrswMmx      -      ssse3    -
  NP 0F 38 1C /r   pabsb      Pq Qq     pabsMmx<i8>      -      ssse3    -
  NP 0F 38 1D /r   pabsw      Pq Qq     pabsMmx<i16>     -      ssse3    -
  NP 0F 38 1E /r   pabsd      Pq Qq     pabsMmx<i32>     -      ssse3    -
  NP 0F 3A 0F /r   palignr    Pq Qq Ib  palignrMmx       -      ssse3    -
  # conversions between packed integers and floats
  NP 0F 2A /r      cvtpi2ps   Vq Qq     cvtpi2ps         -      sse      -
  66 0F 2A /r      cvtpi2pd   Vx Qq     cvtpi2pd         -      sse2     -
  NP 0F 2C /r      cvttps2pi  Pq Wq     cvttps2pi        -      sse      -
  66 0F 2C /r      cvttpd2pi  Pq Wx     cvttpd2pi        -      sse2     align
  NP 0F 2D /r      cvtps2pi   Pq Wq     cvtps2pi         -      sse      -
  66 0F 2D /r      cvtpd2pi   Pq Wx     cvtpd2pi         -      sse2     align
`,
);
