/**
 * One instruction: prefixes, opcode, row, operands, record. SDM Vol. 2 "Instruction Format". The row is the first candidate of its opcode
 * whose conditions hold in the context word:
 *
 *     0-1 mandatory prefix: none 66 F3 F2 · 2 register form · 3-5 reg · 6-8 rm · 9 W · 10 64-bit mode · 11 VEX.L
 *     12-13 operand size: 16 32 64 · 14-15 address size: 16 32 64 · 16 REX.B
 */
import { Exec } from "../backend/exec";
import { KEY_MMX_UD, KEY_SSE_UD, KEY_TRAP, KEY_VECTOR_NM, KEY_X87_NM } from "../cpu/modes";
import {
  ATTR_ALIGN,
  ATTR_CC,
  ATTR_D64,
  ATTR_END,
  ATTR_F64,
  ATTR_LOCK,
  ATTR_MANDATORY_66,
  ATTR_MMX,
  ATTR_NO_VVVV,
  ATTR_REGISTER,
  ATTR_REP,
  ATTR_SSE,
  ATTR_UNIT,
  ATTR_X87,
  OPERAND_A,
  OPERAND_B,
  OPERAND_C,
  OPERAND_D,
  OPERAND_E,
  OPERAND_FIXED,
  OPERAND_G,
  OPERAND_I,
  OPERAND_J,
  OPERAND_M,
  OPERAND_N,
  OPERAND_NONE,
  OPERAND_O,
  OPERAND_ONE,
  OPERAND_P,
  OPERAND_Q,
  OPERAND_R,
  OPERAND_S,
  OPERAND_SEGMENT,
  OPERAND_STI,
  OPERAND_U,
  OPERAND_V,
  OPERAND_W,
  OPERAND_Z,
  VECTOR_GP,
  VECTOR_NM,
  VECTOR_UD,
} from "../generated/constants";
import { ACCESSES, CANDIDATES, OPCODES, ROWS } from "../generated/decode-tables";
import { HOT_KIND, KIND_ADDRESS, KIND_REFUSED } from "../generated/kinds";
import { FEATURES } from "../memory-map";
import { fuse } from "./fuse";
import { IMM, MEM, OP_SIZE, Op, REG } from "./op";
import { fetchCrossed, lengthSoFar, nextByte, nextValue, openWindow, outOfPage, startAt } from "./window";

export { fetchCrossed, openWindow };

/** records written by the last `decodeInstruction` */
export let decodedRecords: u32 = 0;
/** the last instruction ends its block */
export let decodedEnd: bool = false;
/** row of the last instruction, for coverage and traces */
export let decodedRow: u32 = 0;

// the instruction being decoded
let rex: u32 = 0;
let prefix66: bool = false;
let prefix67: bool = false;
let lock: bool = false;
let repeat: u32 = 0; // the last of F3 (1) and F2 (2)
let segment: i32 = -1;
let modrm: u32 = 0;
let vvvv: u32 = 0;
let operandSize: u32 = 0;
let addressSize: u32 = 0;

// its memory operand
let memBase: i32 = -1;
let memIndex: i32 = -1;
let memScale: u32 = 0;
let memDisp: i64 = 0;
let memRip: bool = false;
let memSegment: u32 = 3;

/**
 * Decodes the instruction at `off` bytes into the window, into records at `at`. Returns its length, or 0 if it runs out of the page and may
 * not. An instruction that is not defined becomes a record that raises #UD.
 */
export function decodeInstruction(b: Exec, at: usize, off: u32, first: bool): u32 {
  startAt(off, first);
  decodedRecords = 1;
  decodedEnd = false;
  memory.fill(at, 0, OP_SIZE);
  const op = changetype<Op>(at);
  op.off = <u16>off;
  const row = parse(b);
  let refused = row < 0 ? VECTOR_UD : lengthSoFar() > 15 ? VECTOR_GP : operands(b, at, row);
  if (outOfPage) return 0;
  if (lengthSoFar() > 15 || leavesSegment(b, off)) refused = VECTOR_GP;
  return refused != 0 ? bad(op, refused) : lengthSoFar();
}

/** Whether the instruction's last byte lies behind the limit of the code segment. */
function leavesSegment(b: Exec, off: u32): bool {
  return b.mode != 2 && b.rip + <u64>off + <u64>lengthSoFar() > <u64>b.csLimit + 1;
}

/** A record that raises the vector. */
function bad(op: Op, vector: u32): u32 {
  const off = op.off;
  memory.fill(changetype<usize>(op), 0, OP_SIZE);
  op.kind = <u16>KIND_REFUSED;
  op.imm = <i64>vector;
  op.off = off;
  op.len = <u8>lengthSoFar();
  decodedRecords = 1;
  decodedEnd = true;
  return lengthSoFar();
}

/** Reads prefixes, opcode and ModRM; returns the row's number, or -1. */
function parse(b: Exec): i32 {
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
  operandSize = w != 0 ? 2 : (b.mode == 0) == prefix66 ? 1 : 0;
  addressSize = b.mode == 2 ? (prefix67 ? 1 : 2) : (b.mode == 0) == prefix67 ? 1 : 0;
  const context =
    pp |
    ((<u32>(modrm >= 0xc0)) << 2) |
    (((modrm >> 3) & 7) << 3) |
    ((modrm & 7) << 6) |
    (w << 9) |
    ((<u32>(b.mode == 2)) << 10) |
    (vexL << 11) |
    (operandSize << 12) |
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

/** a VEX prefix behind one that it excludes */
let malformed: bool = false;
/** the row is of a feature that the CPU model lacks */
let disabled: bool = false;

let opcodeByte: u32 = 0;
let hasModrm: bool = false;
/** an x87 instruction: its record keeps the eleven bits of FOP, the low three of which name ST(i) */
let isEscape: bool = false;

/** Reads SIB, displacement and immediates and fills the record; returns 0, or the exception that refuses the instruction. */
function operands(b: Exec, at: usize, row: i32): u32 {
  const info = ROWS + ((<usize>row) << 4);
  decodedRow = <u32>row;
  const attributes = <u32>load<u16>(info, 12);
  if (b.mode == 2) {
    if ((attributes & ATTR_F64) != 0) operandSize = 2;
    else if ((attributes & ATTR_D64) != 0) operandSize = operandSize == 0 ? 0 : 2;
  }
  if ((attributes & ATTR_MANDATORY_66) != 0 && operandSize == 0) operandSize = 1;
  if ((attributes & ATTR_NO_VVVV) != 0 && (vvvv & 16) != 0) return VECTOR_UD;
  const isMemory = hasModrm && modrm < 0xc0 && (attributes & ATTR_REGISTER) == 0;
  if (isMemory) memoryOperand(b);
  const op = changetype<Op>(at);
  let encodings: u32 = load<u32>(info, 6) & 0xffffff;
  const sizes: u32 = load<u32>(info, 9) & 0xffffff;
  const single = encodings >> 8 == 0;
  let memoryAt = -1;
  for (let i = 0; i < 3 && encodings != 0; i++, encodings >>= 8) {
    const code = encodings & 0xff;
    const size = (sizes >> (i * 8)) & 0xff;
    let kind: u32 = REG;
    let address: u32 = 0;
    if (code == OPERAND_NONE) continue;
    if ((code == OPERAND_E || code == OPERAND_M || code == OPERAND_W || code == OPERAND_Q) && isMemory) kind = MEM;
    else if (code == OPERAND_O) {
      memBase = -1;
      memIndex = -1;
      memScale = 0;
      memRip = false;
      memSegment = segment >= 0 ? <u32>segment : 3;
      memDisp = nextValue(b, 2 << addressSize);
      kind = MEM;
    } else if (code == OPERAND_I || code == OPERAND_J) {
      const value = immediate(b, size);
      // ENTER has two: a word, then a byte
      op.imm = i == 1 && load<u8>(info, 6) == <u8>OPERAND_I ? (op.imm & 0xffff) | (value << 16) : value;
      kind = IMM;
    } else if (code == OPERAND_A) {
      const offset = <u64>nextValue(b, 2 << operandSize) & 0xffffffff;
      op.imm = <i64>(offset | ((<u64>nextValue(b, 2) & 0xffff) << 32));
      kind = IMM;
    } else if (code == OPERAND_ONE) {
      op.imm = 1;
      kind = IMM;
    } else if (code == OPERAND_STI) op.imm = <i64>(modrm & 7);
    else address = registerOperand(b, code, size);
    // there are six segment registers, and CS is not loaded by a move
    if (code == OPERAND_S && (address > 5 || (i == 0 && address == 1))) return VECTOR_UD;
    if (kind == MEM) memoryAt = i;
    if (i == 0) {
      op.d = <u16>address;
      op.form = <u8>((op.form & 0xfc) | (kind == MEM ? MEM : REG));
    }
    if (i == 1 || single) {
      op.s = <u16>address;
      op.form = <u8>((op.form & 0xf3) | (kind << 2));
    }
    if (i == 2 && kind == REG && code != OPERAND_STI) op.imm = <i64>address;
  }
  if (disabled || malformed || (lock && ((attributes & ATTR_LOCK) == 0 || memoryAt != 0))) return VECTOR_UD;
  const refused = unavailable(b.blockKey, attributes & ATTR_UNIT);
  if (refused != 0) return refused;
  op.kind = load<u16>(info + ((<usize>operandSize) << 1));
  op.form |= <u8>((repeat << 4) | (operandSize << 6));
  op.scale = <u8>((memSegmentOf(isMemory || memoryAt >= 0) << 2) | (addressSize << 5));
  if ((attributes & ATTR_ALIGN) != 0) op.scale |= 128;
  if ((attributes & ATTR_CC) != 0) {
    // a jump keeps its condition where others have a destination register
    if (op.sk == IMM) op.d = <u16>(opcodeByte & 15);
    else op.imm = <i64>(opcodeByte & 15);
  }
  if (isEscape) op.imm = <i64>(((opcodeByte & 7) << 8) | modrm);
  // a repeated instruction leaves RIP on itself until it is done
  decodedEnd = (attributes & ATTR_END) != 0 || ((attributes & ATTR_REP) != 0 && repeat != 0);
  op.len = <u8>lengthSoFar();
  if (isMemory || memoryAt >= 0) placeMemory(b, at, load<u32>(ACCESSES + ((<usize>load<u8>(info, 14)) << 4) + ((<usize>operandSize) << 2)));
  const main = changetype<Op>(at + <usize>(decodedRecords - 1) * OP_SIZE);
  const hot = load<u16>(HOT_KIND + (((<usize>main.kind) << 3) + (main.dk << 2) + main.sk) * 2);
  // where every instruction is followed by the STEP record, nothing may skip it
  if (hot != 0 && (b.blockKey & KEY_TRAP) == 0) main.kind = hot;
  fuse(main);
  return 0;
}

/** What CR0 and CR4 make of an instruction that uses the x87, MMX or SSE. SDM Vol. 3 "x87 FPU, MMX, SSE and Control Register Settings". */
function unavailable(key: u32, unit: u32): u32 {
  if (unit == ATTR_X87) return (key & KEY_X87_NM) != 0 ? VECTOR_NM : 0;
  if (unit == ATTR_MMX && (key & KEY_MMX_UD) != 0) return VECTOR_UD;
  if (unit == ATTR_SSE && (key & KEY_SSE_UD) != 0) return VECTOR_UD;
  return unit != 0 && (key & KEY_VECTOR_NM) != 0 ? VECTOR_NM : 0;
}

function memSegmentOf(hasMemory: bool): u32 {
  return hasMemory ? memSegment : segment >= 0 ? <u32>segment : 3;
}

function immediate(b: Exec, size: u32): i64 {
  // z: 16 or 32 bits · v: 16, 32 or 64 · else bytes
  if (size == SIZE_Z) return nextValue(b, operandSize == 0 ? 2 : 4);
  if (size == SIZE_V) return nextValue(b, (<u32>2) << operandSize);
  return nextValue(b, size);
}

const SIZE_Z: u32 = 32;
const SIZE_V: u32 = 33;

/** Linear address of a register operand, or its number where it is not a general, MMX or XMM register. */
function registerOperand(b: Exec, code: u32, size: u32): u32 {
  const reg = (modrm >> 3) & 7;
  const rm = modrm & 7;
  switch (code) {
    case OPERAND_E:
    case OPERAND_R:
      return gprAddress(b, rm | ((rex & 1) << 3), size);
    case OPERAND_G:
      return gprAddress(b, reg | ((rex & 4) << 1), size);
    case OPERAND_Z:
      return gprAddress(b, (opcodeByte & 7) | ((rex & 1) << 3), size);
    case OPERAND_B:
      return gprAddress(b, vvvv & 15, size);
    case OPERAND_FIXED:
      return gprAddress(b, size & 15, size >> 4);
    case OPERAND_V:
      return xmmAddress(b, reg | ((rex & 4) << 1));
    case OPERAND_W:
    case OPERAND_U:
      return xmmAddress(b, rm | ((rex & 1) << 3));
    case OPERAND_P:
      return mmAddress(b, reg);
    case OPERAND_Q:
    case OPERAND_N:
      return mmAddress(b, rm);
    case OPERAND_S:
      return reg;
    case OPERAND_SEGMENT:
      return size;
    case OPERAND_C:
    case OPERAND_D:
      return reg | ((rex & 4) << 1);
    default:
      return 0;
  }
}

function gprAddress(b: Exec, n: u32, size: u32): u32 {
  const base = <u32>changetype<usize>(b);
  if (size == 1 && rex == 0 && n >= 4 && n < 8) return base + ((n - 4) << 3) + 1;
  return base + (n << 3);
}

function xmmAddress(b: Exec, n: u32): u32 {
  return <u32>(changetype<usize>(b) + offsetof<Exec>("xmm0")) + (n << 4);
}

function mmAddress(b: Exec, n: u32): u32 {
  return <u32>(changetype<usize>(b) + offsetof<Exec>("fpr0")) + (n << 4);
}

/** SDM Vol. 2 "ModR/M and SIB Bytes". */
function memoryOperand(b: Exec): void {
  memIndex = -1;
  memScale = 0;
  memRip = false;
  memDisp = 0;
  const mod = modrm >> 6;
  const rm = modrm & 7;
  if (addressSize == 0) memory16(b, mod, rm);
  else {
    memBase = <i32>(rm | ((rex & 1) << 3));
    if (rm == 4) {
      const sib = nextByte(b);
      memScale = sib >> 6;
      memIndex = <i32>(((sib >> 3) & 7) | ((rex & 2) << 2));
      if (memIndex == 4) memIndex = -1;
      memBase = <i32>((sib & 7) | ((rex & 1) << 3));
    }
    if (mod == 0 && (memBase & 7) == 5) {
      memRip = rm == 5 && b.mode == 2;
      memBase = -1;
      memDisp = nextValue(b, 4);
    } else if (mod != 0) memDisp = nextValue(b, mod == 1 ? 1 : 4);
  }
  memSegment = segment >= 0 ? <u32>segment : memBase == 4 || memBase == 5 ? 2 : 3;
}

/** SDM Vol. 2 "16-Bit Addressing Forms with the ModR/M Byte". */
function memory16(b: Exec, mod: u32, rm: u32): void {
  memBase = rm == 0 || rm == 1 || rm == 7 ? 3 : rm == 2 || rm == 3 || rm == 6 ? 5 : rm == 4 ? 6 : 7;
  memIndex = rm < 4 ? ((rm & 1) == 0 ? 6 : 7) : -1;
  if (mod == 0 && rm == 6) {
    memBase = -1;
    memDisp = nextValue(b, 2);
  } else if (mod != 0) memDisp = nextValue(b, mod);
}

/** Writes the memory operand into the record, behind an address record where the address is not flat and 64 bits wide. */
function placeMemory(b: Exec, at: usize, access: u32): void {
  const zero = <u16>(changetype<usize>(b) + offsetof<Exec>("zero"));
  const op = changetype<Op>(at);
  const flat = b.mode == 2 && addressSize == 2 && segment < 4;
  if (!flat) {
    memory.copy(at + OP_SIZE, at, OP_SIZE);
    const main = changetype<Op>(at + OP_SIZE);
    main.base = <u16>(changetype<usize>(b) + offsetof<Exec>("ea"));
    main.index = zero;
    main.scale &= 0xfc;
    main.disp = 0;
    decodedRecords = 2;
    op.kind = <u16>KIND_ADDRESS;
    op.imm = <i64>access;
  }
  op.base = memRip
    ? <u16>(changetype<usize>(b) + offsetof<Exec>("blockRip"))
    : memBase < 0
      ? zero
      : <u16>(changetype<usize>(b) + ((<usize>memBase) << 3));
  op.index = memIndex < 0 ? zero : <u16>(changetype<usize>(b) + ((<usize>memIndex) << 3));
  op.scale = <u8>((op.scale & 0xfc) | memScale);
  op.disp = memRip ? memDisp + <i64>op.off + <i64>lengthSoFar() : memDisp;
}
