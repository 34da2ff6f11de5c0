/** Multiplication and division. SDM Vol. 2 "MUL", "IMUL", "DIV", "IDIV". */
import { rows } from "./row.ts";

export const muldiv = rows(
  "isa/muldiv",
  `
# bytes     mnemonic  operands  semantics  flags    feature  attributes
  F6 /4     mul       Eb        mul        oc/szap  8086     -
  F7 /4     mul       Ev        mul        oc/szap  8086     -
  F6 /5     imul      Eb        imul       oc/szap  8086     -
  F7 /5     imul      Ev        imul       oc/szap  8086     -
  F6 /6     div       Eb        div        /oszapc  8086     -
  F7 /6     div       Ev        div        /oszapc  8086     -
  F6 /7     idiv      Eb        idiv       /oszapc  8086     -
  F7 /7     idiv      Ev        idiv       /oszapc  8086     -
  0F AF /r  imul      Gv Ev     imul2      oc/szap  386      -
  69 /r     imul      Gv Ev Iz  imul3      oc/szap  186      -
  6B /r     imul      Gv Ev Ib  imul3      oc/szap  186      sx
`,
);
