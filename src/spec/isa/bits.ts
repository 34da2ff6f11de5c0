/**
 * Bit tests and scans, bit counts, BMI1 and BMI2, byte swaps, CRC32 and random numbers.
 * SDM Vol. 2 "BT", "BSF", "POPCNT", "LZCNT", "TZCNT", "ANDN" and the others under their names.
 */
import { rows } from "./row.ts";

export const bits = rows(
  "isa/bits",
  `
# bytes                 mnemonic  operands  semantics  flags    feature  attributes
  0F A3 /r              bt        Ev Gv     bt         c/osap   386      -
  0F AB /r              bts       Ev Gv     bts        c/osap   386      lock
  0F B3 /r              btr       Ev Gv     btr        c/osap   386      lock
  0F BB /r              btc       Ev Gv     btc        c/osap   386      lock
  0F BA /4              bt        Ev Ib     btImm      c/osap   386      -
  0F BA /5              bts       Ev Ib     btsImm     c/osap   386      lock
  0F BA /6              btr       Ev Ib     btrImm     c/osap   386      lock
  0F BA /7              btc       Ev Ib     btcImm     c/osap   386      lock
  0F BC /r              bsf       Gv Ev     bsf        z/osapc  386      differs  ; source 0: both leave the destination as it is, the SDM calls it undefined
  0F BD /r              bsr       Gv Ev     bsr        z/osapc  386      differs  ; as bsf
  F3 0F B8 /r           popcnt    Gv Ev     popcnt     oszapc   popcnt   -
  F3 0F BC /r           tzcnt     Gv Ev     tzcnt      zc/osap  bmi1     -
  F3 0F BD /r           lzcnt     Gv Ev     lzcnt      zc/osap  lzcnt    -
  0F C8+r               bswap     Zv        bswap      -        486      -  ; with a 16-bit operand undefined: the register becomes 0
  NFx 0F 38 F0 /r mem   movbe     Gv Mv     movbe      -        movbe    -
  NFx 0F 38 F1 /r mem   movbe     Mv Gv     movbe      -        movbe    -
  F2 0F 38 F0 /r        crc32     Gy Eb     crc32<u8>  -        sse42    -
  F2 0F 38 F1 /r        crc32     Gy Ev     crc32v     -        sse42    -
  NFx 0F C7 /6 reg      rdrand    Rv        rdrand     oszapc   rdrand   exit:rdrand
  NFx 0F C7 /7 reg      rdseed    Rv        rdseed     oszapc   rdseed   exit:rdseed
  VEX.L0.NP.0F38 F2 /r  andn      Gy By Ey  andn       oszc/ap  bmi1     -
  VEX.L0.NP.0F38 F3 /1  blsr      By Ey     blsr       oszc/ap  bmi1     -
  VEX.L0.NP.0F38 F3 /2  blsmsk    By Ey     blsmsk     oszc/ap  bmi1     -
  VEX.L0.NP.0F38 F3 /3  blsi      By Ey     blsi       oszc/ap  bmi1     -
  VEX.L0.NP.0F38 F5 /r  bzhi      Gy Ey By  bzhi       oszc/ap  bmi2     -
  VEX.L0.F3.0F38 F5 /r  pext      Gy By Ey  pext       -        bmi2     -
  VEX.L0.F2.0F38 F5 /r  pdep      Gy By Ey  pdep       -        bmi2     -
  VEX.L0.F2.0F38 F6 /r  mulx      Gy By Ey  mulx       -        bmi2     -
  VEX.L0.NP.0F38 F7 /r  bextr     Gy Ey By  bextr      ozc/sap  bmi1     -
  VEX.L0.66.0F38 F7 /r  shlx      Gy Ey By  shlx       -        bmi2     -
  VEX.L0.F3.0F38 F7 /r  sarx      Gy Ey By  sarx       -        bmi2     -
  VEX.L0.F2.0F38 F7 /r  shrx      Gy Ey By  shrx       -        bmi2     -
  VEX.L0.F2.0F3A F0 /r  rorx      Gy Ey Ib  rorx       -        bmi2     -
`,
);
