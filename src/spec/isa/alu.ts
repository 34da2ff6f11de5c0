/** Binary arithmetic and logic. SDM Vol. 2 "Instruction Set Reference"; opcodes as in its appendix "One-byte Opcode Map". */
import { rows } from "./row.ts";

export const alu = rows(
  "isa/alu",
  `
# bytes           mnemonic  operands  semantics  flags    feature  attributes
  00 /r           add       Eb Gb     add        oszapc   8086     lock
  01 /r           add       Ev Gv     add        oszapc   8086     lock
  02 /r           add       Gb Eb     add        oszapc   8086     -
  03 /r           add       Gv Ev     add        oszapc   8086     -
  04              add       AL Ib     add        oszapc   8086     -
  05              add       rAX Iz    add        oszapc   8086     -
  08 /r           or        Eb Gb     or         oszpc/a  8086     lock
  09 /r           or        Ev Gv     or         oszpc/a  8086     lock
  0A /r           or        Gb Eb     or         oszpc/a  8086     -
  0B /r           or        Gv Ev     or         oszpc/a  8086     -
  0C              or        AL Ib     or         oszpc/a  8086     -
  0D              or        rAX Iz    or         oszpc/a  8086     -
  10 /r           adc       Eb Gb     adc        oszapc   8086     lock
  11 /r           adc       Ev Gv     adc        oszapc   8086     lock
  12 /r           adc       Gb Eb     adc        oszapc   8086     -
  13 /r           adc       Gv Ev     adc        oszapc   8086     -
  14              adc       AL Ib     adc        oszapc   8086     -
  15              adc       rAX Iz    adc        oszapc   8086     -
  18 /r           sbb       Eb Gb     sbb        oszapc   8086     lock
  19 /r           sbb       Ev Gv     sbb        oszapc   8086     lock
  1A /r           sbb       Gb Eb     sbb        oszapc   8086     -
  1B /r           sbb       Gv Ev     sbb        oszapc   8086     -
  1C              sbb       AL Ib     sbb        oszapc   8086     -
  1D              sbb       rAX Iz    sbb        oszapc   8086     -
  20 /r           and       Eb Gb     and        oszpc/a  8086     lock
  21 /r           and       Ev Gv     and        oszpc/a  8086     lock
  22 /r           and       Gb Eb     and        oszpc/a  8086     -
  23 /r           and       Gv Ev     and        oszpc/a  8086     -
  24              and       AL Ib     and        oszpc/a  8086     -
  25              and       rAX Iz    and        oszpc/a  8086     -
  28 /r           sub       Eb Gb     sub        oszapc   8086     lock
  29 /r           sub       Ev Gv     sub        oszapc   8086     lock
  2A /r           sub       Gb Eb     sub        oszapc   8086     -
  2B /r           sub       Gv Ev     sub        oszapc   8086     -
  2C              sub       AL Ib     sub        oszapc   8086     -
  2D              sub       rAX Iz    sub        oszapc   8086     -
  30 /r           xor       Eb Gb     xor        oszpc/a  8086     lock
  31 /r           xor       Ev Gv     xor        oszpc/a  8086     lock
  32 /r           xor       Gb Eb     xor        oszpc/a  8086     -
  33 /r           xor       Gv Ev     xor        oszpc/a  8086     -
  34              xor       AL Ib     xor        oszpc/a  8086     -
  35              xor       rAX Iz    xor        oszpc/a  8086     -
  38 /r           cmp       Eb Gb     cmp        oszapc   8086     -
  39 /r           cmp       Ev Gv     cmp        oszapc   8086     -
  3A /r           cmp       Gb Eb     cmp        oszapc   8086     -
  3B /r           cmp       Gv Ev     cmp        oszapc   8086     -
  3C              cmp       AL Ib     cmp        oszapc   8086     -
  3D              cmp       rAX Iz    cmp        oszapc   8086     -
  40+r            inc       Zv        inc        oszap    8086     i64
  48+r            dec       Zv        dec        oszap    8086     i64
  80 /0           add       Eb Ib     add        oszapc   8086     lock
  80 /1           or        Eb Ib     or         oszpc/a  8086     lock
  80 /2           adc       Eb Ib     adc        oszapc   8086     lock
  80 /3           sbb       Eb Ib     sbb        oszapc   8086     lock
  80 /4           and       Eb Ib     and        oszpc/a  8086     lock
  80 /5           sub       Eb Ib     sub        oszapc   8086     lock
  80 /6           xor       Eb Ib     xor        oszpc/a  8086     lock
  80 /7           cmp       Eb Ib     cmp        oszapc   8086     -
  81 /0           add       Ev Iz     add        oszapc   8086     lock
  81 /1           or        Ev Iz     or         oszpc/a  8086     lock
  81 /2           adc       Ev Iz     adc        oszapc   8086     lock
  81 /3           sbb       Ev Iz     sbb        oszapc   8086     lock
  81 /4           and       Ev Iz     and        oszpc/a  8086     lock
  81 /5           sub       Ev Iz     sub        oszapc   8086     lock
  81 /6           xor       Ev Iz     xor        oszpc/a  8086     lock
  81 /7           cmp       Ev Iz     cmp        oszapc   8086     -
  82 /0           add       Eb Ib     add        oszapc   8086     lock i64
  82 /1           or        Eb Ib     or         oszpc/a  8086     lock i64
  82 /2           adc       Eb Ib     adc        oszapc   8086     lock i64
  82 /3           sbb       Eb Ib     sbb        oszapc   8086     lock i64
  82 /4           and       Eb Ib     and        oszpc/a  8086     lock i64
  82 /5           sub       Eb Ib     sub        oszapc   8086     lock i64
  82 /6           xor       Eb Ib     xor        oszpc/a  8086     lock i64
  82 /7           cmp       Eb Ib     cmp        oszapc   8086     i64
  83 /0           add       Ev Ib     add        oszapc   8086     lock sx
  83 /1           or        Ev Ib     or         oszpc/a  8086     lock sx
  83 /2           adc       Ev Ib     adc        oszapc   8086     lock sx
  83 /3           sbb       Ev Ib     sbb        oszapc   8086     lock sx
  83 /4           and       Ev Ib     and        oszpc/a  8086     lock sx
  83 /5           sub       Ev Ib     sub        oszapc   8086     lock sx
  83 /6           xor       Ev Ib     xor        oszpc/a  8086     lock sx
  83 /7           cmp       Ev Ib     cmp        oszapc   8086     sx
  84 /r           test      Eb Gb     test       oszpc/a  8086     -
  85 /r           test      Ev Gv     test       oszpc/a  8086     -
  A8              test      AL Ib     test       oszpc/a  8086     -
  A9              test      rAX Iz    test       oszpc/a  8086     -
  F6 /0           test      Eb Ib     test       oszpc/a  8086     -
  F6 /1           test      Eb Ib     test       oszpc/a  8086     -
  F7 /0           test      Ev Iz     test       oszpc/a  8086     -
  F7 /1           test      Ev Iz     test       oszpc/a  8086     -
  F6 /2           not       Eb        not        -        8086     lock
  F7 /2           not       Ev        not        -        8086     lock
  F6 /3           neg       Eb        neg        oszapc   8086     lock
  F7 /3           neg       Ev        neg        oszapc   8086     lock
  FE /0           inc       Eb        inc        oszap    8086     lock
  FE /1           dec       Eb        dec        oszap    8086     lock
  FF /0           inc       Ev        inc        oszap    8086     lock
  FF /1           dec       Ev        dec        oszap    8086     lock
  66 0F 38 F6 /r  adcx      Gy Ey     adcx       c        adx      -
  F3 0F 38 F6 /r  adox      Gy Ey     adox       o        adx      -
`,
);
