/** Moves between registers and memory, stack, and conversions. SDM Vol. 2 "Instruction Set Reference". */
import { rows } from "./row.ts";

export const data = rows("isa/data", `
# bytes        mnemonic  operands  semantics     flags    feature  attributes
  88 /r        mov       Eb Gb     mov           -        8086     -
  89 /r        mov       Ev Gv     mov           -        8086     -
  8A /r        mov       Gb Eb     mov           -        8086     -
  8B /r        mov       Gv Ev     mov           -        8086     -
  8D /r mem    lea       Gv M      lea           -        8086     -
  A0           mov       AL Ob     mov           -        8086     -
  A1           mov       rAX Ov    mov           -        8086     -
  A2           mov       Ob AL     mov           -        8086     -
  A3           mov       Ov rAX    mov           -        8086     -
  B0+r         mov       Zb Ib     mov           -        8086     -
  B8+r         mov       Zv Iv     mov           -        8086     -
  C6 /0        mov       Eb Ib     mov           -        8086     -
  C7 /0        mov       Ev Iz     mov           -        8086     -
  0F B6 /r     movzx     Gv Eb     movzx<u8>     -        386      -
  0F B7 /r     movzx     Gv Ew     movzx<u16>    -        386      -
  0F BE /r     movsx     Gv Eb     movsx<u8>     -        386      -
  0F BF /r     movsx     Gv Ew     movsx<u16>    -        386      -
  63 /r        movsxd    Gv Ed     movsx<u32>    -        x64      o64
  0F 40+cc /r  cmov      Gv Ev     cmov          -        cmov     -
  0F 90+cc /r  set       Eb        setcc         -        386      -
  86 /r        xchg      Eb Gb     xchg          -        8086     lock
  87 /r        xchg      Ev Gv     xchg          -        8086     lock
  90+r         xchg      rAX Zv    xchg          -        8086     -
  NP 90        nop       -         nop           -        8086     -
  F3 90        pause     -         nop           -        sse2     -
  0F 1F /0     nop       Ev        nop           -        x64      -
  50+r         push      Zv        push          -        8086     d64
  58+r         pop       Zv        pop           -        8086     d64
  68           push      Iz        push          -        186      d64
  6A           push      Ib        push          -        186      d64
  FF /6        push      Ev        push          -        8086     d64
  8F /0        pop       Ev        pop           -        8086     d64
  o16 98       cbw       -         cbw           -        8086     -
  o32 98       cwde      -         cwde          -        386      -
  o64 98       cdqe      -         cdqe          -        x64      -
  o16 99       cwd       -         cwd           -        8086     -
  o32 99       cdq       -         cdq           -        386      -
  o64 99       cqo       -         cqo           -        x64      -
  C9           leave     -         leave         -        186      d64
`);
