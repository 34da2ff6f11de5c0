/** Writes WebAssembly instructions into a buffer. The opcodes' names are the specification's ("Instructions" in "Binary Format"). */
import { EMIT_BUFFER, EMIT_BUFFER_END } from "../memory-map";

export const BLOCK: u32 = 0x02;
export const LOOP: u32 = 0x03;
export const IF: u32 = 0x04;
export const ELSE: u32 = 0x05;
export const END: u32 = 0x0b;
export const BR: u32 = 0x0c;
export const BR_IF: u32 = 0x0d;
export const CALL: u32 = 0x10;
export const SELECT: u32 = 0x1b;
export const LOCAL_GET: u32 = 0x20;
export const LOCAL_SET: u32 = 0x21;
export const LOCAL_TEE: u32 = 0x22;
export const I32_LOAD: u32 = 0x28;
export const I64_LOAD: u32 = 0x29;
export const I64_LOAD8_U: u32 = 0x31;
export const I64_LOAD16_U: u32 = 0x33;
export const I64_LOAD32_U: u32 = 0x35;
export const I32_STORE: u32 = 0x36;
export const I64_STORE: u32 = 0x37;
export const I64_STORE8: u32 = 0x3c;
export const I64_STORE16: u32 = 0x3d;
export const I64_STORE32: u32 = 0x3e;
export const I32_CONST: u32 = 0x41;
export const I64_CONST: u32 = 0x42;
export const I64_EQZ: u32 = 0x50;
export const I64_EQ: u32 = 0x51;
export const I64_NE: u32 = 0x52;
export const I64_LT_S: u32 = 0x53;
export const I64_LT_U: u32 = 0x54;
export const I64_LE_S: u32 = 0x57;
export const I64_LE_U: u32 = 0x58;
export const I32_EQZ: u32 = 0x45;
export const I32_ADD: u32 = 0x6a;
export const I64_ADD: u32 = 0x7c;
export const I64_SUB: u32 = 0x7d;
export const I64_MUL: u32 = 0x7e;
export const I64_AND: u32 = 0x83;
export const I64_OR: u32 = 0x84;
export const I64_XOR: u32 = 0x85;
export const I64_SHL: u32 = 0x86;
export const I64_SHR_S: u32 = 0x87;
export const I64_SHR_U: u32 = 0x88;
export const I32_WRAP: u32 = 0xa7;
export const I64_EXTEND_I32_U: u32 = 0xad;
export const I64_EXTEND8_S: u32 = 0xc2;
export const I64_EXTEND16_S: u32 = 0xc3;
export const I64_EXTEND32_S: u32 = 0xc4;
export const I32_AND: u32 = 0x71;
export const I32_OR: u32 = 0x72;
export const I32_NE: u32 = 0x47;
export const I64_GT_U: u32 = 0x56;
export const I64_GE_U: u32 = 0x5a;
export const F32_EQ: u32 = 0x5b;
export const F32_NE: u32 = 0x5c;
export const F32_LT: u32 = 0x5d;
export const F64_EQ: u32 = 0x61;
export const F64_NE: u32 = 0x62;
export const F64_LT: u32 = 0x63;
export const F32_NEAREST: u32 = 0x90;
export const F32_SQRT: u32 = 0x91;
export const F32_ADD: u32 = 0x92;
export const F32_SUB: u32 = 0x93;
export const F32_MUL: u32 = 0x94;
export const F32_DIV: u32 = 0x95;
export const F64_NEAREST: u32 = 0x9e;
export const F64_SQRT: u32 = 0x9f;
export const F64_ADD: u32 = 0xa0;
export const F64_SUB: u32 = 0xa1;
export const F64_MUL: u32 = 0xa2;
export const F64_DIV: u32 = 0xa3;
export const F32_CONVERT_I64_S: u32 = 0xb4;
export const F32_DEMOTE: u32 = 0xb6;
export const F64_CONVERT_I64_S: u32 = 0xb9;
export const F64_PROMOTE: u32 = 0xbb;
export const I32_REINTERPRET_F32: u32 = 0xbc;
export const I64_REINTERPRET_F64: u32 = 0xbd;
export const F32_REINTERPRET_I32: u32 = 0xbe;
export const F64_REINTERPRET_I64: u32 = 0xbf;
export const MISC: u32 = 0xfc;
export const I64_TRUNC_SAT_F32_S: u32 = 4;
export const I64_TRUNC_SAT_F64_S: u32 = 6;
export const SIMD: u32 = 0xfd;
export const TYPE_EMPTY: u32 = 0x40;
export const V128_LOAD: u32 = 0;
export const V128_STORE: u32 = 11;
export const V128_CONST: u32 = 12;
export const I8X16_SHUFFLE: u32 = 13;
export const I8X16_SWIZZLE: u32 = 14;
export const I8X16_SPLAT: u32 = 15;
export const I16X8_SPLAT: u32 = 16;
export const I32X4_SPLAT: u32 = 17;
export const I64X2_SPLAT: u32 = 18;
export const I64X2_EXTRACT_LANE: u32 = 29;
export const I64X2_REPLACE_LANE: u32 = 30;
export const V128_AND: u32 = 78;
export const V128_ANDNOT: u32 = 79;
export const V128_OR: u32 = 80;
export const V128_XOR: u32 = 81;
export const V128_BITSELECT: u32 = 82;
export const V128_ANY_TRUE: u32 = 83;
export const I32X4_LT_U: u32 = 58;
export const I32X4_GE_U: u32 = 64;
export const I64X2_LT_S: u32 = 216;
export const I64X2_GE_S: u32 = 219;
export const F32X4_EQ: u32 = 65;
export const F32X4_NE: u32 = 66;
export const F32X4_GT: u32 = 68;
export const F64X2_EQ: u32 = 71;
export const F64X2_NE: u32 = 72;
export const F64X2_GT: u32 = 74;
export const F32X4_SQRT: u32 = 227;
export const F32X4_ADD: u32 = 228;
export const F32X4_SUB: u32 = 229;
export const F32X4_MUL: u32 = 230;
export const F32X4_DIV: u32 = 231;
export const F64X2_SQRT: u32 = 239;
export const F64X2_ADD: u32 = 240;
export const F64X2_SUB: u32 = 241;
export const F64X2_MUL: u32 = 242;
export const F64X2_DIV: u32 = 243;
// on lanes of 8 bits; those of 16, 32 and 64 are 32, 64 and 96 further
export const BITMASK: u32 = 100;
export const NARROW_16_S: u32 = 101;
export const SHL: u32 = 107;
export const SHR_S: u32 = 108;
export const SHR_U: u32 = 109;
export const ADD: u32 = 110;
export const ADD_SAT_S: u32 = 111;
export const SUB: u32 = 113;
export const SUB_SAT_S: u32 = 114;
export const MUL: u32 = 117;
export const MIN_S: u32 = 118;
export const MAX_S: u32 = 120;
export const AVGR_U: u32 = 123;
// comparisons: those of 16 and 32 bits are 10 and 20 further
export const I8X16_EQ: u32 = 35;
export const I8X16_GT_S: u32 = 39;
export const I64X2_EQ: u32 = 214;
export const I64X2_GT_S: u32 = 217;
let at: usize = EMIT_BUFFER;

export function startCode(): void {
  at = EMIT_BUFFER;
}

export function codeLength(): u32 {
  return <u32>(at - EMIT_BUFFER);
}

/** Room for one more instruction's worth of code. */
export function codeFits(): bool {
  return at + 4096 < EMIT_BUFFER_END;
}

export function byte(v: u32): void {
  store<u8>(at, v);
  at++;
}

/** unsigned LEB128 */
export function index(v: u32): void {
  while (v > 127) {
    byte((v & 127) | 128);
    v >>= 7;
  }
  byte(v);
}

/** signed LEB128 */
export function signed(v: i64): void {
  while (v < -64 || v > 63) {
    byte((<u32>v & 127) | 128);
    v >>= 7;
  }
  byte(<u32>v & 127);
}

export function get(local: u32): void {
  byte(LOCAL_GET);
  index(local);
}

export function set(local: u32): void {
  byte(LOCAL_SET);
  index(local);
}

export function i64Const(v: i64): void {
  byte(I64_CONST);
  signed(v);
}

export function i32Const(v: i32): void {
  byte(I32_CONST);
  signed(v);
}

/** A load or store without alignment hint; the address is on the stack. */
export function access(opcode: u32, offset: u32): void {
  byte(opcode);
  byte(0);
  index(offset);
}

/** The same for 128 bits. */
export function access128(opcode: u32, offset: u32): void {
  simd(opcode);
  byte(0);
  index(offset);
}

export function simd(opcode: u32): void {
  byte(SIMD);
  index(opcode);
}
