/**
 * The constants of FLD1, FLDL2T, FLDL2E, FLDPI, FLDLG2, FLDLN2 and FLDZ: 66 bits inside, so the last bit follows RC. SDM 1 8.3.8 "Load
 * constant instructions". No exception is raised, not even PE, and C1 stays clear.
 */

import { beginX87, NEAREST, rounding, UP } from "./environment";

/** Numbered as in D9 E8 + n. */
export const ONE: u32 = 0;
export const LOG2_10: u32 = 1;
export const LOG2_E: u32 = 2;
export const PI: u32 = 3;
export const LOG10_2: u32 = 4;
export const LN_2: u32 = 5;
export const NOUGHT: u32 = 6;

/** One row each: significand cut to 64 bits; exponent field; whether it rounds up to nearest; whether anything was cut. */
// biome-ignore format: a row a line
const ROWS: usize = memory.data<u64>([
  0x8000000000000000, 0x3fff, 0, 0,
  0xd49a784bcd1b8afe, 0x4000, 0, 1,
  0xb8aa3b295c17f0bb, 0x3fff, 1, 1,
  0xc90fdaa22168c234, 0x4000, 1, 1,
  0x9a209a84fbcff798, 0x3ffd, 1, 1,
  0xb17217f7d1cf79ab, 0x3ffe, 1, 1,
  0x0000000000000000, 0x0000, 0, 0,
]);

export function fldConstant(destination: usize, constant: u32, fcw: u32): void {
  beginX87(fcw);
  const row = ROWS + 32 * constant;
  const goesUp = rounding === NEAREST ? load<u64>(row, 16) : rounding === UP ? load<u64>(row, 24) : 0;
  store<u64>(destination, load<u64>(row) + goesUp);
  store<u16>(destination, <u16>load<u64>(row, 8), 8);
}
