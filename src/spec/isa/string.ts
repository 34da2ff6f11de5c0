/**
 * String instructions. SDM Vol. 2 "REP/REPE/REPZ/REPNE/REPNZ", "MOVS", "CMPS", "SCAS", "LODS", "STOS", "INS", "OUTS".
 * The X operand is DS:rSI (segment may be overridden), the Y operand ES:rDI.
 */
import { rows } from "./row.ts";

export const string = rows(
  "isa/string",
  `
# bytes    mnemonic  operands  semantics  flags   feature  attributes
  A4       movs      Yb Xb     movs       -       8086     rep
  A5       movs      Yv Xv     movs       -       8086     rep
  A6       cmps      Xb Yb     cmps       oszapc  8086     repz
  A7       cmps      Xv Yv     cmps       oszapc  8086     repz
  AA       stos      Yb AL     stos       -       8086     rep
  AB       stos      Yv rAX    stos       -       8086     rep
  AC       lods      AL Xb     lods       -       8086     rep
  AD       lods      rAX Xv    lods       -       8086     rep
  AE       scas      AL Yb     scas       oszapc  8086     repz
  AF       scas      rAX Yv    scas       oszapc  8086     repz
  6C       ins       Yb DX     ins        -       186      rep end exit:ins
  6D       ins       Yz DX     ins        -       186      rep end exit:ins
  6E       outs      DX Xb     outs       -       186      rep end exit:outs
  6F       outs      DX Xz     outs       -       186      rep end exit:outs
`,
);
