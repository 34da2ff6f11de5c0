/**
 * Prefixes, opcode and ModRM byte, and the row they choose. SDM Vol. 2 "Instruction Format". The row is the first candidate of its opcode
 * whose conditions hold in the context word:
 *
 *     0-1 mandatory prefix: none 66 F3 F2 · 2 register form · 3-5 reg · 6-8 rm · 9 W · 10 64-bit mode · 11 VEX.L
 *     12-13 operand size: 16 32 64 · 14-15 address size: 16 32 64 · 16 REX.B
 */
import { Exec } from "../backend/exec";
import { CANDIDATES, OPCODES, ROWS } from "../generated/decode-tables";
import { FEATURES } from "../memory-map";
import { lengthSoFar, nextByte } from "./window";

// of the instruction decoded last
export let rex: u32 = 0;
let prefix66: bool = false;
let prefix67: bool = false;
export let lock: bool = false;
/** the last of F3 (1) and F2 (2) */
export let repeat: u32 = 0;
/** segment override, or -1 */
export let segment: i32 = -1;
export let modrm: u32 = 0;
export let hasModrm: bool = false;
export let opcodeByte: u32 = 0;
/** VEX.vvvv; bit 4: it names a register */
export let vvvv: u32 = 0;
/** as prefixes and code size have it: 0 16 bits, 1 32, 2 64 */
export let prefixedSize: u32 = 0;
export let addressSize: u32 = 0;
/** a VEX prefix behind one that it excludes */
export let malformed: bool = false;
/** the row is of a feature that the CPU model lacks */
export let disabled: bool = false;
/** an x87 instruction: its record keeps the eleven bits of FOP, the low three of which name ST(i) */
export let isEscape: bool = false;

/** Reads them; returns the row's number, or -1. */
export function parse(b: Exec): i32 {
  rex = 0;
  prefix66 = false;
  prefix67 = false;
  lock = false;
  repeat = 0;
  segment = -1;
  vvvv = 15;
  malformed = false;
  let byte: u32 = 0;
  for (;;) {
    byte = nextByte(b);
    if (lengthSoFar() > 15) return -1;
    if (byte == 0x66) prefix66 = true;
    else if (byte == 0x67) prefix67 = true;
    else if (byte == 0xf0) lock = true;
    else if (byte == 0xf3) repeat = 1;
    else if (byte == 0xf2) repeat = 2;
    else if ((byte & 0xe7) == 0x26) {
      // 64-bit code ignores ES, CS, SS and DS overrides: an FS or GS before them stays
      if (b.mode != 2) segment = <i32>((byte >> 3) & 3);
    } else if (byte == 0x64 || byte == 0x65) segment = <i32>(byte - 0x60);
    else if (b.mode == 2 && (byte & 0xf0) == 0x40) {
      rex = byte;
      continue;
    } else break;
    rex = 0; // a REX prefix counts only right before the opcode
  }
  let pp: u32 = repeat != 0 ? repeat + 1 : <u32>prefix66;
  let map: u32 = 0;
  let vexL: u32 = 0;
  let isVex = false;
  if (byte == 0xc4 || byte == 0xc5) {
    const second = nextByte(b);
    if (b.mode == 2 || second >= 0xc0) {
      malformed = rex != 0 || prefix66 || repeat != 0 || lock;
      isVex = true;
      let last = second;
      rex = 0x40 | (((second >> 5) & 4) ^ 4);
      map = 1;
      if (byte == 0xc4) {
        rex = 0x40 | ((second >> 5) ^ 7);
        map = second & 31;
        if (map == 0 || map > 3) return -1;
        last = nextByte(b);
        rex |= (last >> 4) & 8;
      }
      if (b.mode != 2) rex &= 8 | 0x40;
      vvvv = ((last >> 3) & 15) ^ 15;
      if (b.mode != 2) vvvv &= 7;
      vexL = (last >> 2) & 1;
      pp = last & 3;
      map += 3;
      byte = nextByte(b);
      if (!isUnusedVvvv(last)) vvvv |= 16;
    } else {
      modrm = second;
      return match(b, 0, byte, pp, true, 0);
    }
  } else if (byte == 0x0f) {
    byte = nextByte(b);
    map = 1;
    if (byte == 0x38 || byte == 0x3a) {
      map = byte == 0x38 ? 2 : 3;
      byte = nextByte(b);
    }
  }
  return match(b, map, byte, pp, false, vexL);
}

/** VEX.vvvv is 1111: the instruction names no second source */
function isUnusedVvvv(last: u32): bool {
  return (last & 0x78) == 0x78;
}

function match(b: Exec, map: u32, opcode: u32, pp: u32, haveModrm: bool, vexL: u32): i32 {
  const entry = load<u32>(OPCODES + ((<usize>((map << 8) | opcode)) << 2));
  let count = entry & 0xff;
  if (count == 0) return -1;
  if ((entry & 0x100) != 0) {
    if (!haveModrm) modrm = nextByte(b);
  } else modrm = opcode & 7;
  const w = (rex >> 3) & 1;
  prefixedSize = w != 0 ? 2 : (b.mode == 0) == prefix66 ? 1 : 0;
  addressSize = b.mode == 2 ? (prefix67 ? 1 : 2) : (b.mode == 0) == prefix67 ? 1 : 0;
  const context =
    pp |
    ((<u32>(modrm >= 0xc0)) << 2) |
    (((modrm >> 3) & 7) << 3) |
    ((modrm & 7) << 6) |
    (w << 9) |
    ((<u32>(b.mode == 2)) << 10) |
    (vexL << 11) |
    (prefixedSize << 12) |
    (addressSize << 14) |
    ((rex & 1) << 16);
  opcodeByte = opcode;
  isEscape = map == 0 && (opcode & 0xf8) == 0xd8;
  hasModrm = (entry & 0x100) != 0;
  let row: i32 = -1;
  for (let c = CANDIDATES + <usize>(entry >> 9) * 12; count > 0; count--, c += 12) {
    if ((context & load<u32>(c)) != load<u32>(c, 4)) continue;
    disabled = load<u8>(FEATURES + <usize>load<u8>(ROWS + ((<usize>load<u16>(c, 8)) << 4), 15)) == 0;
    if (!disabled) return <i32>load<u16>(c, 8);
    // a feature the CPU does not have: its prefixes mean nothing to a row behind it, else it is decoded to its end and refused
    if (row < 0) row = <i32>load<u16>(c, 8);
  }
  return row;
}
