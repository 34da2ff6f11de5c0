/**
 * The memory operand: from ModRM, SIB and displacement to the base, index and displacement of a record. SDM Vol. 2 "ModR/M and SIB Bytes".
 */
import { Exec } from "../backend/exec";
import { KIND_ADDRESS } from "../generated/kinds";
import { OP_SIZE, Op } from "./op";
import { addressSize, modrm, rex, segment } from "./parse";
import { lengthSoFar, nextByte, nextValue } from "./window";

let memBase: i32 = -1;
let memIndex: i32 = -1;
let memScale: u32 = 0;
let memDisp: i64 = 0;
let memRip: bool = false;
let memSegment: u32 = 3;

/** Reads what follows a ModRM byte that names memory. */
export function memoryOperand(b: Exec): void {
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

/** A MOV with an address in the place of its ModRM byte. */
export function absoluteOperand(b: Exec): void {
  memBase = -1;
  memIndex = -1;
  memScale = 0;
  memRip = false;
  memSegment = segment >= 0 ? <u32>segment : 3;
  memDisp = nextValue(b, 2 << addressSize);
}

/** Number of the operand's segment; of an instruction without memory operand, the one its override names. */
export function operandSegment(hasMemory: bool): u32 {
  return hasMemory ? memSegment : segment >= 0 ? <u32>segment : 3;
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

/** Writes the operand into the record, behind an address record where the address is not flat and 64 bits wide. Returns how many there are. */
export function placeMemory(b: Exec, at: usize, access: u32): u32 {
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
  return flat ? 1 : 2;
}
