/**
 * The x87 floating-point unit. SDM Vol. 2 "Escape Opcode Instruction Set"; the alias encodings, which the manual leaves out of its
 * table, behave as the rows say on every processor. With a memory operand the type argument is its format; ST(i) forms
 * end in `St`, or `Sti` if ST(i) is the destination. Which arithmetic, condition or constant it is, the semantic reads from the ModRM byte.
 */
import { rows } from "./row.ts";

export const x87 = rows(
  "isa/x87",
  `
# bytes          mnemonic  operands  semantics        flags   feature  attributes
  # arithmetic and comparison with memory
  D8 /0 mem      fadd      Md        arithmetic<f32>  -       x87      -
  D8 /1 mem      fmul      Md        arithmetic<f32>  -       x87      -
  D8 /2 mem      fcom      Md        fcom<f32>        -       x87      -
  D8 /3 mem      fcomp     Md        fcomp<f32>       -       x87      -
  D8 /4 mem      fsub      Md        arithmetic<f32>  -       x87      -
  D8 /5 mem      fsubr     Md        arithmetic<f32>  -       x87      -
  D8 /6 mem      fdiv      Md        arithmetic<f32>  -       x87      -
  D8 /7 mem      fdivr     Md        arithmetic<f32>  -       x87      -
  DC /0 mem      fadd      Mq        arithmetic<f64>  -       x87      -
  DC /1 mem      fmul      Mq        arithmetic<f64>  -       x87      -
  DC /2 mem      fcom      Mq        fcom<f64>        -       x87      -
  DC /3 mem      fcomp     Mq        fcomp<f64>       -       x87      -
  DC /4 mem      fsub      Mq        arithmetic<f64>  -       x87      -
  DC /5 mem      fsubr     Mq        arithmetic<f64>  -       x87      -
  DC /6 mem      fdiv      Mq        arithmetic<f64>  -       x87      -
  DC /7 mem      fdivr     Mq        arithmetic<f64>  -       x87      -
  DA /0 mem      fiadd     Md        arithmetic<i32>  -       x87      -
  DA /1 mem      fimul     Md        arithmetic<i32>  -       x87      -
  DA /2 mem      ficom     Md        fcom<i32>        -       x87      -
  DA /3 mem      ficomp    Md        fcomp<i32>       -       x87      -
  DA /4 mem      fisub     Md        arithmetic<i32>  -       x87      -
  DA /5 mem      fisubr    Md        arithmetic<i32>  -       x87      -
  DA /6 mem      fidiv     Md        arithmetic<i32>  -       x87      -
  DA /7 mem      fidivr    Md        arithmetic<i32>  -       x87      -
  DE /0 mem      fiadd     Mw        arithmetic<i16>  -       x87      -
  DE /1 mem      fimul     Mw        arithmetic<i16>  -       x87      -
  DE /2 mem      ficom     Mw        fcom<i16>        -       x87      -
  DE /3 mem      ficomp    Mw        fcomp<i16>       -       x87      -
  DE /4 mem      fisub     Mw        arithmetic<i16>  -       x87      -
  DE /5 mem      fisubr    Mw        arithmetic<i16>  -       x87      -
  DE /6 mem      fidiv     Mw        arithmetic<i16>  -       x87      -
  DE /7 mem      fidivr    Mw        arithmetic<i16>  -       x87      -
  # arithmetic and comparison with registers; DC and DE have SUB and SUBR, DIV and DIVR the other way round
  D8 C0+i        fadd      ST STi    arithmeticSt     -       x87      -
  D8 C8+i        fmul      ST STi    arithmeticSt     -       x87      -
  D8 D0+i        fcom      STi       fcomSt           -       x87      -
  D8 D8+i        fcomp     STi       fcompSt          -       x87      -
  D8 E0+i        fsub      ST STi    arithmeticSt     -       x87      -
  D8 E8+i        fsubr     ST STi    arithmeticSt     -       x87      -
  D8 F0+i        fdiv      ST STi    arithmeticSt     -       x87      -
  D8 F8+i        fdivr     ST STi    arithmeticSt     -       x87      -
  DC C0+i        fadd      STi ST    arithmeticSti    -       x87      -
  DC C8+i        fmul      STi ST    arithmeticSti    -       x87      -
  DC D0+i        fcom      STi       fcomSt           -       x87      -  ; alias
  DC D8+i        fcomp     STi       fcompSt          -       x87      -  ; alias
  DC E0+i        fsubr     STi ST    arithmeticSti    -       x87      -
  DC E8+i        fsub      STi ST    arithmeticSti    -       x87      -
  DC F0+i        fdivr     STi ST    arithmeticSti    -       x87      -
  DC F8+i        fdiv      STi ST    arithmeticSti    -       x87      -
  DE C0+i        faddp     STi ST    arithmeticPop    -       x87      -
  DE C8+i        fmulp     STi ST    arithmeticPop    -       x87      -
  DE D0+i        fcomp     STi       fcompSt          -       x87      -  ; alias
  DE D9          fcompp    -         fcompp           -       x87      -
  DE E0+i        fsubrp    STi ST    arithmeticPop    -       x87      -
  DE E8+i        fsubp     STi ST    arithmeticPop    -       x87      -
  DE F0+i        fdivrp    STi ST    arithmeticPop    -       x87      -
  DE F8+i        fdivp     STi ST    arithmeticPop    -       x87      -
  DD E0+i        fucom     STi       fucomSt          -       x87      -
  DD E8+i        fucomp    STi       fucompSt         -       x87      -
  DA E9          fucompp   -         fucompp          -       x87      -
  DB E8+i        fucomi    ST STi    fucomi           oszapc  cmov     -
  DB F0+i        fcomi     ST STi    fcomi            oszapc  cmov     -
  DF E8+i        fucomip   ST STi    fucomip          oszapc  cmov     -
  DF F0+i        fcomip    ST STi    fcomip           oszapc  cmov     -
  # loads and stores
  D9 /0 mem      fld       Md        fld<f32>         -       x87      -
  DD /0 mem      fld       Mq        fld<f64>         -       x87      -
  DB /5 mem      fld       Mt        fld80            -       x87      -
  D9 C0+i        fld       STi       fldSt            -       x87      -
  DF /0 mem      fild      Mw        fild<i16>        -       x87      -
  DB /0 mem      fild      Md        fild<i32>        -       x87      -
  DF /5 mem      fild      Mq        fild<i64>        -       x87      -
  DF /4 mem      fbld      Mt        fbld             -       x87      -
  D9 /2 mem      fst       Md        fst<f32>         -       x87      -
  DD /2 mem      fst       Mq        fst<f64>         -       x87      -
  DD D0+i        fst       STi       fstSt            -       x87      -
  D9 /3 mem      fstp      Md        fstp<f32>        -       x87      -
  DD /3 mem      fstp      Mq        fstp<f64>        -       x87      -
  DB /7 mem      fstp      Mt        fstp80           -       x87      -
  DD D8+i        fstp      STi       fstpSt           -       x87      -
  D9 D8+i        fstp      STi       fstpNoUnderflow  -       x87      -  ; alias, an empty ST is no stack underflow
  DF D0+i        fstp      STi       fstpSt           -       x87      -  ; alias
  DF D8+i        fstp      STi       fstpSt           -       x87      -  ; alias
  DF /2 mem      fist      Mw        fist<i16>        -       x87      -
  DB /2 mem      fist      Md        fist<i32>        -       x87      -
  DF /3 mem      fistp     Mw        fistp<i16>       -       x87      -
  DB /3 mem      fistp     Md        fistp<i32>       -       x87      -
  DF /7 mem      fistp     Mq        fistp<i64>       -       x87      -
  DF /1 mem      fisttp    Mw        fisttp<i16>      -       sse3     -
  DB /1 mem      fisttp    Md        fisttp<i32>      -       sse3     -
  DD /1 mem      fisttp    Mq        fisttp<i64>      -       sse3     -
  DF /6 mem      fbstp     Mt        fbstp            -       x87      -
  D9 C8+i        fxch      STi       fxch             -       x87      -
  DD C8+i        fxch      STi       fxch             -       x87      -  ; alias
  DF C8+i        fxch      STi       fxch             -       x87      -  ; alias
  DA C0+i        fcmovb    ST STi    fcmov            -       cmov     -
  DA C8+i        fcmove    ST STi    fcmov            -       cmov     -
  DA D0+i        fcmovbe   ST STi    fcmov            -       cmov     -
  DA D8+i        fcmovu    ST STi    fcmov            -       cmov     -
  DB C0+i        fcmovnb   ST STi    fcmov            -       cmov     -
  DB C8+i        fcmovne   ST STi    fcmov            -       cmov     -
  DB D0+i        fcmovnbe  ST STi    fcmov            -       cmov     -
  DB D8+i        fcmovnu   ST STi    fcmov            -       cmov     -
  # constants
  D9 E8          fld1      -         fldConstant      -       x87      -
  D9 E9          fldl2t    -         fldConstant      -       x87      -
  D9 EA          fldl2e    -         fldConstant      -       x87      -
  D9 EB          fldpi     -         fldConstant      -       x87      -
  D9 EC          fldlg2    -         fldConstant      -       x87      -
  D9 ED          fldln2    -         fldConstant      -       x87      -
  D9 EE          fldz      -         fldConstant      -       x87      -
  # one register and transcendentals
  D9 E0          fchs      -         fchs             -       x87      -
  D9 E1          fabs      -         fabs             -       x87      -
  D9 E4          ftst      -         ftst             -       x87      -
  D9 E5          fxam      -         fxam             -       x87      -
  D9 F0          f2xm1     -         f2xm1            -       x87      -
  D9 F1          fyl2x     -         fyl2x            -       x87      -
  D9 F2          fptan     -         fptan            -       x87      -
  D9 F3          fpatan    -         fpatan           -       x87      -
  D9 F4          fxtract   -         fxtract          -       x87      -
  D9 F5          fprem1    -         fprem1           -       x87      -
  D9 F6          fdecstp   -         fdecstp          -       x87      -
  D9 F7          fincstp   -         fincstp          -       x87      -
  D9 F8          fprem     -         fprem            -       x87      -
  D9 F9          fyl2xp1   -         fyl2xp1          -       x87      -
  D9 FA          fsqrt     -         fsqrt            -       x87      -
  D9 FB          fsincos   -         fsincos          -       x87      -
  D9 FC          frndint   -         frndint          -       x87      -
  D9 FD          fscale    -         fscale           -       x87      -
  D9 FE          fsin      -         fsin             -       x87      -
  D9 FF          fcos      -         fcos             -       x87      -
  # control; the waiting forms are FWAIT (9B) and these
  D9 D0          fnop      -         fnop             -       x87      -
  o16 D9 /4 mem  fldenv    M         fldenv<u16>      -       x87      -
  o32 D9 /4 mem  fldenv    M         fldenv<u32>      -       x87      -
  o64 D9 /4 mem  fldenv    M         fldenv<u32>      -       x87      -
  D9 /5 mem      fldcw     Mw        fldcw            -       x87      -
  o16 D9 /6 mem  fnstenv   M         fnstenv<u16>     -       x87      -
  o32 D9 /6 mem  fnstenv   M         fnstenv<u32>     -       x87      -
  o64 D9 /6 mem  fnstenv   M         fnstenv<u32>     -       x87      -
  D9 /7 mem      fnstcw    Mw        fnstcw           -       x87      -
  o16 DD /4 mem  frstor    M         frstor<u16>      -       x87      -
  o32 DD /4 mem  frstor    M         frstor<u32>      -       x87      -
  o64 DD /4 mem  frstor    M         frstor<u32>      -       x87      -
  o16 DD /6 mem  fnsave    M         fnsave<u16>      -       x87      -
  o32 DD /6 mem  fnsave    M         fnsave<u32>      -       x87      -
  o64 DD /6 mem  fnsave    M         fnsave<u32>      -       x87      -
  DD /7 mem      fnstsw    Mw        fnstsw           -       x87      -
  DF E0          fnstsw    AX        fnstsw           -       x87      -
  DB E2          fnclex    -         fnclex           -       x87      -
  DB E3          fninit    -         fninit           -       x87      -
  DD C0+i        ffree     STi       ffree            -       x87      -
  DF C0+i        ffreep    STi       ffreep           -       x87      -  ; alias
  DB E0          fneni     -         fnopObsolete     -       x87      -  ; 8087 only, later a NOP
  DB E1          fndisi    -         fnopObsolete     -       x87      -  ; 8087 only, later a NOP
  DB E4          fnsetpm   -         fnopObsolete     -       x87      -  ; 287 only, later a NOP
`,
);
