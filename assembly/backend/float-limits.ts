/**
 * What floats.ts asks of bits, as numbers that both back ends use. Floats are compared without their sign: shifted left by one, so that zero
 * is 0 and the largest denormal just below the smallest normal number.
 *
 *     0   denormals   normal numbers        infinity   NaNs
 *     0   2 … 2^24-2  2^24 … 0xfefffffe     0xff000000 …          of a single; of a double with 53 for 24
 */

// MXCSR: RC rounds to nearest, PM masks, PE is set
export const MXCSR_INEXACT: u32 = 0x7020;
export const MXCSR_NOTHING_TO_SIGNAL: u32 = 0x1020;

/** less one, denormals are below this, and zero is not */
export const DENORMALS_32: u32 = 0x00ffffff;
export const DENORMALS_64: u64 = 0x001fffffffffffff;

/** The smallest normal number but one: a tiny result may have been rounded up to the smallest. */
export const NORMAL_32: u32 = 0x01000002;
export const NORMAL_64: u64 = 0x0020000000000002;
/** less NORMAL, normal numbers are below this, and zero and denormals are not */
export const NORMALS_32: u32 = 0xfdfffffe;
export const NORMALS_64: u64 = 0xffbffffffffffffe;

export const INFINITY_32: u32 = 0xff000000;
export const INFINITY_64: u64 = 0xffe0000000000000;

/** flipped on both sides where 64-bit lanes are to be compared as unsigned, which wasm cannot */
export const TOP_BIT: u64 = 0x8000000000000000;
