/** One instruction: prefixes, opcode, row, operands, record. SDM Vol. 2 "Instruction Format". */
import { Exec } from "../backend/exec";
import { KEY_MMX_UD, KEY_MODE, KEY_NON_ROOT, KEY_SSE_UD, KEY_STEP, KEY_VECTOR_NM, KEY_X87_NM } from "../cpu/modes";
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
import { ACCESSES, CAUSES, ROWS } from "../generated/decode-tables";
import { HOT_KIND, KIND_INTERCEPT, KIND_REFUSED } from "../generated/kinds";
import {
  CAUSE_INVEPT,
  CAUSE_INVVPID,
  CAUSE_VMCLEAR,
  CAUSE_VMPTRLD,
  CAUSE_VMPTRST,
  CAUSE_VMREAD,
  CAUSE_VMWRITE,
  CAUSE_VMXON,
} from "../generated/vmx";
import { fuse } from "./fuse";
import { absoluteOperand, memoryOperand, operandSegment, placeMemory } from "./memory-operand";
import { IMM, MEM, OP_SIZE, Op, REG } from "./op";
import {
  addressSize,
  disabled,
  hasModrm,
  isEscape,
  lock,
  malformed,
  modrm,
  opcodeByte,
  parse,
  prefixedSize,
  repeat,
  rex,
  vvvv,
} from "./parse";
import { fetchCrossed, lengthSoFar, nextValue, openWindow, outOfPage, startAt } from "./window";

export { fetchCrossed, openWindow };

/** records written by the last `decodeInstruction` */
export let decodedRecords: u32 = 0;
/** the last instruction ends its block */
export let decodedEnd: bool = false;
/** row of the last instruction, for coverage and traces */
export let decodedRow: u32 = 0;

/** effective operand size of the last instruction: 0 16 bits, 1 32, 2 64 */
let operandSize: u32 = 0;

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

/** Reads SIB, displacement and immediates and fills the record; returns 0, or the exception that refuses the instruction. */
function operands(b: Exec, at: usize, row: i32): u32 {
  const info = ROWS + ((<usize>row) << 4);
  decodedRow = <u32>row;
  const attributes = <u32>load<u16>(info, 12);
  operandSize = prefixedSize;
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
      absoluteOperand(b);
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
  op.scale = <u8>((operandSegment(isMemory || memoryAt >= 0) << 2) | (addressSize << 5));
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
  if (isMemory || memoryAt >= 0)
    decodedRecords = placeMemory(b, at, load<u32>(ACCESSES + ((<usize>load<u8>(info, 14)) << 4) + ((<usize>operandSize) << 2)));
  const main = changetype<Op>(at + <usize>(decodedRecords - 1) * OP_SIZE);
  const hot = load<u16>(HOT_KIND + (((<usize>main.kind) << 3) + (main.dk << 2) + main.sk) * 2);
  // where every instruction is followed by the STEP record, nothing may skip it
  if (hot != 0 && (b.blockKey & KEY_STEP) == 0) main.kind = hot;
  fuse(main);
  const cause = load<u8>(CAUSES + <usize>row);
  const asks = (b.blockKey & KEY_NON_ROOT) != 0 || (isMemory && (b.blockKey & KEY_MODE) != 2 && isOfVmx(cause));
  if (cause != 0 && asks) placeIntercept(at, cause);
  return 0;
}

/** VMX instructions with an operand in memory: where they do not exist, nothing of the operand is looked at, not even a segment's limit. */
function isOfVmx(cause: u32): bool {
  switch (cause) {
    case CAUSE_INVEPT:
    case CAUSE_INVVPID:
    case CAUSE_VMCLEAR:
    case CAUSE_VMPTRLD:
    case CAUSE_VMPTRST:
    case CAUSE_VMREAD:
    case CAUSE_VMWRITE:
    case CAUSE_VMXON:
      return true;
    default:
      return false;
  }
}

/** A record before the instruction that asks whether it exits or, outside of VMX non-root operation, whether it exists. */
function placeIntercept(at: usize, cause: u32): void {
  memory.copy(at + OP_SIZE, at, <usize>decodedRecords * OP_SIZE);
  decodedRecords++;
  const op = changetype<Op>(at);
  op.kind = <u16>KIND_INTERCEPT;
  op.d = <u16>opcodeByte;
  op.imm = <i64>cause;
}

/** What CR0 and CR4 make of an instruction that uses the x87, MMX or SSE. SDM Vol. 3 "x87 FPU, MMX, SSE and Control Register Settings". */
function unavailable(key: u32, unit: u32): u32 {
  if (unit == ATTR_X87) return (key & KEY_X87_NM) != 0 ? VECTOR_NM : 0;
  if (unit == ATTR_MMX && (key & KEY_MMX_UD) != 0) return VECTOR_UD;
  if (unit == ATTR_SSE && (key & KEY_SSE_UD) != 0) return VECTOR_UD;
  return unit != 0 && (key & KEY_VECTOR_NM) != 0 ? VECTOR_NM : 0;
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
