/**
 * Packed and scalar floats in XMM registers, SSE to SSE4.1. SDM Vol. 2 under their names. Operation and `p` or `s` (packed, scalar) name
 * the semantic, the type argument the lane; bitwise operations share the packed integers' semantics.
 */
import { rows } from "./row.ts";

export const sse = rows(
  "isa/sse",
  `
# bytes            mnemonic   operands    semantics         flags   feature  attributes
  # moves
  NP 0F 10 /r      movups     Vx Wx       movX              -       sse      -
  66 0F 10 /r      movupd     Vx Wx       movX              -       sse2     -
  F3 0F 10 /r mem  movss      Vx Md       loadScalar<u32>   -       sse      -
  F3 0F 10 /r reg  movss      Vd Ud       mergeScalar<u32>  -       sse      -
  F2 0F 10 /r mem  movsd      Vx Mq       loadScalar<u64>   -       sse2     -
  F2 0F 10 /r reg  movsd      Vq Uq       mergeScalar<u64>  -       sse2     -
  NP 0F 11 /r      movups     Wx Vx       movX              -       sse      -
  66 0F 11 /r      movupd     Wx Vx       movX              -       sse2     -
  F3 0F 11 /r mem  movss      Md Vd       storeScalar<u32>  -       sse      -
  F3 0F 11 /r reg  movss      Ud Vd       mergeScalar<u32>  -       sse      -
  F2 0F 11 /r mem  movsd      Mq Vq       storeScalar<u64>  -       sse2     -
  F2 0F 11 /r reg  movsd      Uq Vq       mergeScalar<u64>  -       sse2     -
  NP 0F 12 /r mem  movlps     Vq Mq       mergeScalar<u64>  -       sse      -
  NP 0F 12 /r reg  movhlps    Vq Ux       movhlps           -       sse      -
  66 0F 12 /r mem  movlpd     Vq Mq       mergeScalar<u64>  -       sse2     -
  NP 0F 13 /r mem  movlps     Mq Vq       storeScalar<u64>  -       sse      -
  66 0F 13 /r mem  movlpd     Mq Vq       storeScalar<u64>  -       sse2     -
  NP 0F 16 /r mem  movhps     Vx Mq       mergeHigh         -       sse      -
  NP 0F 16 /r reg  movlhps    Vx Uq       mergeHigh         -       sse      -
  66 0F 16 /r mem  movhpd     Vx Mq       mergeHigh         -       sse2     -
  NP 0F 17 /r mem  movhps     Mq Vx       storeHigh         -       sse      -
  66 0F 17 /r mem  movhpd     Mq Vx       storeHigh         -       sse2     -
  F2 0F 12 /r      movddup    Vx Wq       movddup           -       sse3     -
  F3 0F 12 /r      movsldup   Vx Wx       movsldup          -       sse3     align
  F3 0F 16 /r      movshdup   Vx Wx       movshdup          -       sse3     align
  NP 0F 28 /r      movaps     Vx Wx       movX              -       sse      align
  66 0F 28 /r      movapd     Vx Wx       movX              -       sse2     align
  NP 0F 29 /r      movaps     Wx Vx       movX              -       sse      align
  66 0F 29 /r      movapd     Wx Vx       movX              -       sse2     align
  NP 0F 2B /r mem  movntps    Mx Vx       movX              -       sse      align
  66 0F 2B /r mem  movntpd    Mx Vx       movX              -       sse2     align
  NP 0F 50 /r reg  movmskps   Gd Ux       movmsk<i32>       -       sse      -
  66 0F 50 /r reg  movmskpd   Gd Ux       movmsk<i64>       -       sse2     -
  # arithmetic
  NP 0F 51 /r      sqrtps     Vx Wx       sqrtp<f32>        -       sse      align
  66 0F 51 /r      sqrtpd     Vx Wx       sqrtp<f64>        -       sse2     align
  F3 0F 51 /r      sqrtss     Vd Wd       sqrts<f32>        -       sse      -
  F2 0F 51 /r      sqrtsd     Vq Wq       sqrts<f64>        -       sse2     -
  NP 0F 58 /r      addps      Vx Wx       addp<f32>         -       sse      align
  66 0F 58 /r      addpd      Vx Wx       addp<f64>         -       sse2     align
  F3 0F 58 /r      addss      Vd Wd       adds<f32>         -       sse      -
  F2 0F 58 /r      addsd      Vq Wq       adds<f64>         -       sse2     -
  NP 0F 59 /r      mulps      Vx Wx       mulp<f32>         -       sse      align
  66 0F 59 /r      mulpd      Vx Wx       mulp<f64>         -       sse2     align
  F3 0F 59 /r      mulss      Vd Wd       muls<f32>         -       sse      -
  F2 0F 59 /r      mulsd      Vq Wq       muls<f64>         -       sse2     -
  NP 0F 5C /r      subps      Vx Wx       subp<f32>         -       sse      align
  66 0F 5C /r      subpd      Vx Wx       subp<f64>         -       sse2     align
  F3 0F 5C /r      subss      Vd Wd       subs<f32>         -       sse      -
  F2 0F 5C /r      subsd      Vq Wq       subs<f64>         -       sse2     -
  NP 0F 5D /r      minps      Vx Wx       minp<f32>         -       sse      align
  66 0F 5D /r      minpd      Vx Wx       minp<f64>         -       sse2     align
  F3 0F 5D /r      minss      Vd Wd       mins<f32>         -       sse      -
  F2 0F 5D /r      minsd      Vq Wq       mins<f64>         -       sse2     -
  NP 0F 5E /r      divps      Vx Wx       divp<f32>         -       sse      align
  66 0F 5E /r      divpd      Vx Wx       divp<f64>         -       sse2     align
  F3 0F 5E /r      divss      Vd Wd       divs<f32>         -       sse      -
  F2 0F 5E /r      divsd      Vq Wq       divs<f64>         -       sse2     -
  NP 0F 5F /r      maxps      Vx Wx       maxp<f32>         -       sse      align
  66 0F 5F /r      maxpd      Vx Wx       maxp<f64>         -       sse2     align
  F3 0F 5F /r      maxss      Vd Wd       maxs<f32>         -       sse      -
  F2 0F 5F /r      maxsd      Vq Wq       maxs<f64>         -       sse2     -
  NP 0F 52 /r      rsqrtps    Vx Wx       rsqrtp            -       sse      align differs  ; an approximation, AMD and Intel give different digits
  F3 0F 52 /r      rsqrtss    Vd Wd       rsqrts            -       sse      differs  ; as rsqrtps
  NP 0F 53 /r      rcpps      Vx Wx       rcpp              -       sse      align differs  ; as rsqrtps
  F3 0F 53 /r      rcpss      Vd Wd       rcps              -       sse      differs  ; as rsqrtps
  66 0F 7C /r      haddpd     Vx Wx       haddp<f64>        -       sse3     align
  F2 0F 7C /r      haddps     Vx Wx       haddp<f32>        -       sse3     align
  66 0F 7D /r      hsubpd     Vx Wx       hsubp<f64>        -       sse3     align
  F2 0F 7D /r      hsubps     Vx Wx       hsubp<f32>        -       sse3     align
  66 0F D0 /r      addsubpd   Vx Wx       addsubp<f64>      -       sse3     align
  F2 0F D0 /r      addsubps   Vx Wx       addsubp<f32>      -       sse3     align
  66 0F 3A 08 /r   roundps    Vx Wx Ib    roundp<f32>       -       sse41    align
  66 0F 3A 09 /r   roundpd    Vx Wx Ib    roundp<f64>       -       sse41    align
  66 0F 3A 0A /r   roundss    Vd Wd Ib    rounds<f32>       -       sse41    -
  66 0F 3A 0B /r   roundsd    Vq Wq Ib    rounds<f64>       -       sse41    -
  66 0F 3A 40 /r   dpps       Vx Wx Ib    dpp<f32>          -       sse41    align
  66 0F 3A 41 /r   dppd       Vx Wx Ib    dpp<f64>          -       sse41    align
  # logic, comparison
  NP 0F 54 /r      andps      Vx Wx       pand              -       sse      align
  66 0F 54 /r      andpd      Vx Wx       pand              -       sse2     align
  NP 0F 55 /r      andnps     Vx Wx       pandn             -       sse      align
  66 0F 55 /r      andnpd     Vx Wx       pandn             -       sse2     align
  NP 0F 56 /r      orps       Vx Wx       por               -       sse      align
  66 0F 56 /r      orpd       Vx Wx       por               -       sse2     align
  NP 0F 57 /r      xorps      Vx Wx       pxor              -       sse      align
  66 0F 57 /r      xorpd      Vx Wx       pxor              -       sse2     align
  NP 0F 2E /r      ucomiss    Vd Wd       ucomis<f32>       oszapc  sse      -
  66 0F 2E /r      ucomisd    Vq Wq       ucomis<f64>       oszapc  sse2     -
  NP 0F 2F /r      comiss     Vd Wd       comis<f32>        oszapc  sse      -
  66 0F 2F /r      comisd     Vq Wq       comis<f64>        oszapc  sse2     -
  NP 0F C2 /r      cmpps      Vx Wx Ib    comparep<f32>     -       sse      align
  66 0F C2 /r      cmppd      Vx Wx Ib    comparep<f64>     -       sse2     align
  F3 0F C2 /r      cmpss      Vd Wd Ib    compares<f32>     -       sse      -
  F2 0F C2 /r      cmpsd      Vq Wq Ib    compares<f64>     -       sse2     -
  # shuffles, blends, single lanes
  NP 0F 14 /r      unpcklps   Vx Wx       punpckl<u32>      -       sse      align
  66 0F 14 /r      unpcklpd   Vx Wx       punpckl<u64>      -       sse2     align
  NP 0F 15 /r      unpckhps   Vx Wx       punpckh<u32>      -       sse      align
  66 0F 15 /r      unpckhpd   Vx Wx       punpckh<u64>      -       sse2     align
  NP 0F C6 /r      shufps     Vx Wx Ib    shufps            -       sse      align
  66 0F C6 /r      shufpd     Vx Wx Ib    shufpd            -       sse2     align
  66 0F 38 14 /r   blendvps   Vx Wx XMM0  blendv<i32>       -       sse41    align
  66 0F 38 15 /r   blendvpd   Vx Wx XMM0  blendv<i64>       -       sse41    align
  66 0F 3A 0C /r   blendps    Vx Wx Ib    blend<u32>        -       sse41    align
  66 0F 3A 0D /r   blendpd    Vx Wx Ib    blend<u64>        -       sse41    align
  66 0F 3A 17 /r   extractps  Ed Vx Ib    pextrStore<u32>   -       sse41    -
  66 0F 3A 21 /r   insertps   Vx Wd Ib    insertps          -       sse41    -
  # conversions
  F3 0F 2A /r      cvtsi2ss   Vd Ey       cvtsi2s<f32>      -       sse      -
  F2 0F 2A /r      cvtsi2sd   Vq Ey       cvtsi2s<f64>      -       sse2     -
  F3 0F 2C /r      cvttss2si  Gy Wd       cvtts2si<f32>     -       sse      -
  F2 0F 2C /r      cvttsd2si  Gy Wq       cvtts2si<f64>     -       sse2     -
  F3 0F 2D /r      cvtss2si   Gy Wd       cvts2si<f32>      -       sse      -
  F2 0F 2D /r      cvtsd2si   Gy Wq       cvts2si<f64>      -       sse2     -
  NP 0F 5A /r      cvtps2pd   Vx Wq       cvtps2pd          -       sse2     -
  66 0F 5A /r      cvtpd2ps   Vx Wx       cvtpd2ps          -       sse2     align
  F3 0F 5A /r      cvtss2sd   Vq Wd       cvtss2sd          -       sse2     -
  F2 0F 5A /r      cvtsd2ss   Vd Wq       cvtsd2ss          -       sse2     -
  NP 0F 5B /r      cvtdq2ps   Vx Wx       cvtdq2ps          -       sse2     align
  66 0F 5B /r      cvtps2dq   Vx Wx       cvtps2dq          -       sse2     align
  F3 0F 5B /r      cvttps2dq  Vx Wx       cvttps2dq         -       sse2     align
  66 0F E6 /r      cvttpd2dq  Vx Wx       cvttpd2dq         -       sse2     align
  F2 0F E6 /r      cvtpd2dq   Vx Wx       cvtpd2dq          -       sse2     align
  F3 0F E6 /r      cvtdq2pd   Vx Wq       cvtdq2pd          -       sse2     -
`,
);
