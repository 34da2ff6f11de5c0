/**
 * What 64-bit mode dropped: BCD arithmetic, PUSHA, BOUND, ARPL, far pointers in the instruction; and the one-byte flag and table
 * instructions of the 8086. SDM Vol. 2 "DAA", "AAM", "PUSHA/PUSHAD", "BOUND", "ARPL", "XLAT/XLATB".
 */
import { rows } from "./row.ts";

export const legacy = rows(
  "isa/legacy",
  `
# bytes      mnemonic  operands  semantics   flags    feature  attributes
  27         daa       -         daa         szapc/o  8086     i64
  2F         das       -         das         szapc/o  8086     i64
  37         aaa       -         aaa         ac/oszp  8086     i64
  3F         aas       -         aas         ac/oszp  8086     i64
  D4         aam       Ib        aam         szp/oac  8086     i64
  D5         aad       Ib        aad         szp/oac  8086     i64
  D6         salc      -         salc        -        8086     i64
  o16 60     pusha     -         pusha<u16>  -        186      i64
  o32 60     pushad    -         pusha<u32>  -        386      i64
  o16 61     popa      -         popa<u16>   -        186      i64
  o32 61     popad     -         popa<u32>   -        386      i64
  62 /r mem  bound     Gv Ma     bound       -        186      i64
  63 /r      arpl      Ew Gw     arpl        z        286      i64
  D7         xlat      BX        xlat        -        8086     -
  9E         sahf      -         sahf        szapc    8086     -
  9F         lahf      -         lahf        -        8086     -
  F5         cmc       -         cmc         c        8086     -
  F8         clc       -         clc         c        8086     -
  F9         stc       -         stc         c        8086     -
  FC         cld       -         cld         -        8086     -
  FD         std       -         std         -        8086     -
`,
);
