/** Moves between registers and memory, stack, and conversions. SDM Vol. 2 "Instruction Set Reference". */
import { rows } from "./row.ts";

export const data = rows(
  "isa/data",
  `
# bytes            mnemonic    operands  semantics   flags   feature  attributes
  88 /r            mov         Eb Gb     mov         -       8086     -
  89 /r            mov         Ev Gv     mov         -       8086     -
  8A /r            mov         Gb Eb     mov         -       8086     -
  8B /r            mov         Gv Ev     mov         -       8086     -
  8D /r mem        lea         Gv M      lea         -       8086     -
  A0               mov         AL Ob     mov         -       8086     -
  A1               mov         rAX Ov    mov         -       8086     -
  A2               mov         Ob AL     mov         -       8086     -
  A3               mov         Ov rAX    mov         -       8086     -
  B0+r             mov         Zb Ib     mov         -       8086     -
  B8+r             mov         Zv Iv     mov         -       8086     -
  C6 /0            mov         Eb Ib     mov         -       8086     -
  C7 /0            mov         Ev Iz     mov         -       8086     -
  0F B6 /r         movzx       Gv Eb     movzx<u8>   -       386      -
  0F B7 /r         movzx       Gv Ew     movzx<u16>  -       386      -
  0F BE /r         movsx       Gv Eb     movsx<u8>   -       386      -
  0F BF /r         movsx       Gv Ew     movsx<u16>  -       386      -
  o16 63 /r        movsxd      Gv Ew     movsx<u16>  -       x64      o64 differs  ; AMD reads a doubleword
  o32 63 /r        movsxd      Gv Ed     movsx<u32>  -       x64      o64
  o64 63 /r        movsxd      Gv Ed     movsx<u32>  -       x64      o64
  0F 40+cc /r      cmov        Gv Ev     cmov        -       cmov     -
  0F 90+cc /r      set         Eb        setcc       -       386      -
  86 /r            xchg        Eb Gb     xchg        -       8086     lock
  87 /r            xchg        Ev Gv     xchg        -       8086     lock
  90+r             xchg        Zv rAX    xchg        -       8086     -
  NP 90            nop         -         nop         -       8086     -
  F2 90            nop         -         nop         -       8086     -
  F3 90            pause       -         nop         -       sse2     exit:pause
  0F 18 /0 reg     nop         Ev        nop         -       686      -
  0F 18 /1 reg     nop         Ev        nop         -       686      -
  0F 18 /2 reg     nop         Ev        nop         -       686      -
  0F 18 /3 reg     nop         Ev        nop         -       686      -
  0F 18 /4         nop         Ev        nop         -       686      -
  0F 18 /5         nop         Ev        nop         -       686      -
  0F 18 /6         nop         Ev        nop         -       686      -
  0F 18 /7         nop         Ev        nop         -       686      -
  0F 19 /r         nop         Ev        nop         -       686      -
  0F 1A /r         nop         Ev        nop         -       686      -
  0F 1B /r         nop         Ev        nop         -       686      -
  0F 1C /r         nop         Ev        nop         -       686      -
  0F 1D /r         nop         Ev        nop         -       686      -
  0F 1E /r         nop         Ev        nop         -       686      -
  F3 0F 1E FA      endbr64     -         nop         -       686      -
  F3 0F 1E FB      endbr32     -         nop         -       686      -
  0F 1F /r         nop         Ev        nop         -       686      -
  50+r             push        Zv        push        -       8086     d64
  58+r             pop         Zv        pop         -       8086     d64
  68               push        Iz        push        -       186      d64
  6A               push        Ib        push        -       186      d64 sx
  FF /6            push        Ev        push        -       8086     d64
  8F /0            pop         Ev        pop         -       8086     d64
  o16 98           cbw         -         cbw         -       8086     -
  o32 98           cwde        -         cwde        -       386      -
  o64 98           cdqe        -         cdqe        -       x64      -
  o16 99           cwd         -         cwd         -       8086     -
  o32 99           cdq         -         cdq         -       386      -
  o64 99           cqo         -         cqo         -       x64      -
  C8               enter       Iw Ib     enter       -       186      d64
  C9               leave       -         leave       -       186      d64
  06               push        ES        pushSeg     -       8086     i64
  0E               push        CS        pushSeg     -       8086     i64
  16               push        SS        pushSeg     -       8086     i64
  1E               push        DS        pushSeg     -       8086     i64
  0F A0            push        FS        pushSeg     -       386      d64
  0F A8            push        GS        pushSeg     -       386      d64
  07               pop         ES        popSeg      -       8086     i64 end
  17               pop         SS        popSeg      -       8086     i64 end
  1F               pop         DS        popSeg      -       8086     i64 end
  0F A1            pop         FS        popSeg      -       386      d64 end
  0F A9            pop         GS        popSeg      -       386      d64 end
  8C /r mem        mov         Mw Sw     movFromSeg  -       8086     -
  8C /r reg        mov         Rv Sw     movFromSeg  -       8086     -
  8E /r            mov         Sw Ew     movToSeg    -       8086     end
  C4 /r mem        les         Gz Mp     les         -       8086     i64 end
  C5 /r mem        lds         Gz Mp     lds         -       8086     i64 end
  0F B2 /r mem     lss         Gv Mp     lss         -       386      end
  0F B4 /r mem     lfs         Gv Mp     lfs         -       386      end
  0F B5 /r mem     lgs         Gv Mp     lgs         -       386      end
  0F B0 /r         cmpxchg     Eb Gb     cmpxchg     oszapc  486      lock
  0F B1 /r         cmpxchg     Ev Gv     cmpxchg     oszapc  486      lock
  0F C0 /r         xadd        Eb Gb     xadd        oszapc  486      lock
  0F C1 /r         xadd        Ev Gv     xadd        oszapc  486      lock
  W0 0F C7 /1 mem  cmpxchg8b   Mq        cmpxchg8b   z       cx8      lock
  W1 0F C7 /1 mem  cmpxchg16b  Mdq       cmpxchg16b  z       cx16     lock align
`,
);
