/** Irrational constants to 128 bits for the transcendental functions, computed with mpmath 1.3.0 at 600 bits and rounded to nearest. */

import { NORMAL, Unpacked } from "./unpacked";

export const LN2: u32 = 0;
export const TWO_OVER_LN2: u32 = 1;
export const PI: u32 = 2;
export const HALF_PI: u32 = 3;
/** atan(k / 8) is at ARCTANGENT + k, for k from 1 to 8. */
export const ARCTANGENT: u32 = 3;

// biome-ignore format: a row a line
const ROWS: usize = memory.data<u64>([
  0xb17217f7d1cf79ab, 0xc9e3b39803f2f6af, -1, // ln 2
  0xb8aa3b295c17f0bb, 0xbe87fed0691d3e89,  1, // 2 / ln 2
  0xc90fdaa22168c234, 0xc4c6628b80dc1cd1,  1, // π
  0xc90fdaa22168c234, 0xc4c6628b80dc1cd1,  0, // π / 2
  0xfeadd4d5617b6e32, 0xc897989f3e888ef8, -4, // atan 1/8
  0xfadbafc96406eb15, 0x6dc79ef5f7a217e6, -3, // atan 2/8
  0xb7b0ca0f26f78473, 0x8aa32122dcfe4483, -2, // atan 3/8
  0xed63382b0dda7b45, 0x6fe445ecbc3a8d03, -2, // atan 4/8
  0x8f005d5ef7f59f9b, 0x5c835e1665c43748, -1, // atan 5/8
  0xa4bc7d1934f70924, 0x19a87f2a457dac9f, -1, // atan 6/8
  0xb8053e2bc2319e73, 0xcb2da55210a4443d, -1, // atan 7/8
  0xc90fdaa22168c234, 0xc4c6628b80dc1cd1, -1, // atan 8/8
]);

export function setReal(u: Unpacked, row: u32): void {
  const at = ROWS + 24 * row;
  u.kind = NORMAL;
  u.sign = 0;
  u.hi = load<u64>(at);
  u.lo = load<u64>(at, 8);
  u.exp = <i32>load<u64>(at, 16);
}
