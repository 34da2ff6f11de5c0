/** Shifts and rotates. SDM Vol. 2 "SAL/SAR/SHL/SHR", "RCL/RCR/ROL/ROR", "SHLD", "SHRD". A count of 0 leaves the flags alone. */
import { rows } from "./row.ts";

export const shift = rows(
  "isa/shift",
  `
# bytes     mnemonic  operands  semantics  flags    feature  attributes
  C0 /0     rol       Eb Ib     rol        c/o      186      -
  C1 /0     rol       Ev Ib     rol        c/o      186      -
  D0 /0     rol       Eb 1      rol        oc       8086     -
  D1 /0     rol       Ev 1      rol        oc       8086     -
  D2 /0     rol       Eb CL     rol        c/o      8086     -
  D3 /0     rol       Ev CL     rol        c/o      8086     -
  C0 /1     ror       Eb Ib     ror        c/o      186      -
  C1 /1     ror       Ev Ib     ror        c/o      186      -
  D0 /1     ror       Eb 1      ror        oc       8086     -
  D1 /1     ror       Ev 1      ror        oc       8086     -
  D2 /1     ror       Eb CL     ror        c/o      8086     -
  D3 /1     ror       Ev CL     ror        c/o      8086     -
  C0 /2     rcl       Eb Ib     rcl        c/o      186      -
  C1 /2     rcl       Ev Ib     rcl        c/o      186      -
  D0 /2     rcl       Eb 1      rcl        oc       8086     -
  D1 /2     rcl       Ev 1      rcl        oc       8086     -
  D2 /2     rcl       Eb CL     rcl        c/o      8086     -
  D3 /2     rcl       Ev CL     rcl        c/o      8086     -
  C0 /3     rcr       Eb Ib     rcr        c/o      186      -
  C1 /3     rcr       Ev Ib     rcr        c/o      186      -
  D0 /3     rcr       Eb 1      rcr        oc       8086     -
  D1 /3     rcr       Ev 1      rcr        oc       8086     -
  D2 /3     rcr       Eb CL     rcr        c/o      8086     -
  D3 /3     rcr       Ev CL     rcr        c/o      8086     -
  C0 /4     shl       Eb Ib     shl        szpc/oa  186      -
  C1 /4     shl       Ev Ib     shl        szpc/oa  186      -
  D0 /4     shl       Eb 1      shl        oszpc/a  8086     -
  D1 /4     shl       Ev 1      shl        oszpc/a  8086     -
  D2 /4     shl       Eb CL     shl        szpc/oa  8086     -
  D3 /4     shl       Ev CL     shl        szpc/oa  8086     -
  C0 /5     shr       Eb Ib     shr        szpc/oa  186      -
  C1 /5     shr       Ev Ib     shr        szpc/oa  186      -
  D0 /5     shr       Eb 1      shr        oszpc/a  8086     -
  D1 /5     shr       Ev 1      shr        oszpc/a  8086     -
  D2 /5     shr       Eb CL     shr        szpc/oa  8086     -
  D3 /5     shr       Ev CL     shr        szpc/oa  8086     -
  C0 /6     shl       Eb Ib     shl        szpc/oa  186      -
  C1 /6     shl       Ev Ib     shl        szpc/oa  186      -
  D0 /6     shl       Eb 1      shl        oszpc/a  8086     -
  D1 /6     shl       Ev 1      shl        oszpc/a  8086     -
  D2 /6     shl       Eb CL     shl        szpc/oa  8086     -
  D3 /6     shl       Ev CL     shl        szpc/oa  8086     -
  C0 /7     sar       Eb Ib     sar        szpc/oa  186      -
  C1 /7     sar       Ev Ib     sar        szpc/oa  186      -
  D0 /7     sar       Eb 1      sar        oszpc/a  8086     -
  D1 /7     sar       Ev 1      sar        oszpc/a  8086     -
  D2 /7     sar       Eb CL     sar        szpc/oa  8086     -
  D3 /7     sar       Ev CL     sar        szpc/oa  8086     -
  0F A4 /r  shld      Ev Gv Ib  shld       szpc/oa  386      -
  0F A5 /r  shld      Ev Gv CL  shld       szpc/oa  386      -
  0F AC /r  shrd      Ev Gv Ib  shrd       szpc/oa  386      -
  0F AD /r  shrd      Ev Gv CL  shrd       szpc/oa  386      -
`,
);
