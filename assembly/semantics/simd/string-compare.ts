/**
 * Packed comparison of strings. SDM Vol. 1 "Packed String Comparison Instructions", Vol. 2 "Imm8 Control Byte Operation for PCMPESTRI /
 * PCMPESTRM / PCMPISTRI / PCMPISTRM".
 *
 *     immediate   0-1 elements: u8 u16 i8 i16 · 2-3 aggregation: equal any, ranges, equal each, equal ordered
 *                 4-5 polarity: as it is, negated, as it is, negated within the second string · 6 last index, or mask as elements
 */
import { Exec } from "../../backend/exec";
import { Op } from "../../decode/op";
import { RFLAGS_CF, RFLAGS_OF, RFLAGS_SF, RFLAGS_ZF } from "../../generated/constants";

const RAX: u32 = 0;
const RDX: u32 = 2;

const FIRST: usize = memory.data(16, 16);
const SECOND: usize = memory.data(16, 16);

export function pcmpestri<S, U>(b: Exec, op: Op): void {
  index(b, op, compareExplicit<S, U>(b, op));
}

export function pcmpestrm<S, U>(b: Exec, op: Op): void {
  mask(b, op, compareExplicit<S, U>(b, op));
}

export function pcmpistri<S>(b: Exec, op: Op): void {
  index(b, op, compareImplicit<S>(b, op));
}

export function pcmpistrm<S>(b: Exec, op: Op): void {
  mask(b, op, compareImplicit<S>(b, op));
}

/** elements of a register with this immediate */
function elements(imm: u32): u32 {
  return (imm & 1) != 0 ? 8 : 16;
}

/** Lengths are absolute values, cut to the elements there are. */
function compareExplicit<S, U>(b: Exec, op: Op): u32 {
  load2<S>(b, op);
  const n = elements(<u32>op.imm);
  return compare(b, <u32>op.imm, lengthOf<U>(b.gpr<U>(RAX), n), lengthOf<U>(b.gpr<U>(RDX), n));
}

function lengthOf<U>(v: u64, most: u32): u32 {
  const signed = sizeof<U>() == 4 ? <i64>(<i32>v) : <i64>v;
  // the smallest number has no absolute value, and is large enough unsigned
  const magnitude = <u64>(signed < 0 ? 0 - signed : signed);
  return <u32>min<u64>(magnitude, <u64>most);
}

function compareImplicit<S>(b: Exec, op: Op): u32 {
  load2<S>(b, op);
  return compare(b, <u32>op.imm, lengthToZero(FIRST, <u32>op.imm), lengthToZero(SECOND, <u32>op.imm));
}

function lengthToZero(at: usize, imm: u32): u32 {
  const n = elements(imm);
  let length: u32 = 0;
  while (length < n && element(at, length, imm) != 0) length++;
  return length;
}

function load2<S>(b: Exec, op: Op): void {
  v128.store(SECOND, b.srcX<v128, S>(op));
  v128.store(FIRST, v128.load(<usize>op.d));
}

function element(at: usize, i: u32, imm: u32): i32 {
  switch (imm & 3) {
    case 0:
      return load<u8>(at + i);
    case 1:
      return load<u16>(at + 2 * i);
    case 2:
      return load<i8>(at + i);
    default:
      return load<i16>(at + 2 * i);
  }
}

/** The result bits, a bit for each element of the second string; sets the flags. */
function compare(b: Exec, imm: u32, firstLength: u32, secondLength: u32): u32 {
  const n = elements(imm);
  const all: u32 = (1 << n) - 1;
  let bits: u32 = 0;
  for (let i: u32 = 0; i < n; i++) bits |= (<u32>holds(imm, i, firstLength, secondLength)) << i;
  if ((imm & 0x10) != 0) bits ^= (imm & 0x20) != 0 ? (1 << secondLength) - 1 : all;
  b.flagsAll(
    (bits != 0 ? RFLAGS_CF : 0) |
      (secondLength < n ? RFLAGS_ZF : 0) |
      (firstLength < n ? RFLAGS_SF : 0) |
      ((bits & 1) != 0 ? RFLAGS_OF : 0),
  );
  return bits;
}

/** What the aggregation says of element i of the second string. SDM Vol. 1 table "Comparison Result for Each Element Pair". */
function holds(imm: u32, i: u32, firstLength: u32, secondLength: u32): bool {
  const n = elements(imm);
  switch ((imm >> 2) & 3) {
    case 0: {
      if (i >= secondLength) return false;
      const c = element(SECOND, i, imm);
      for (let j: u32 = 0; j < firstLength; j++) if (element(FIRST, j, imm) == c) return true;
      return false;
    }
    case 1: {
      if (i >= secondLength) return false;
      const c = element(SECOND, i, imm);
      for (let j: u32 = 0; j + 1 < firstLength; j += 2) if (element(FIRST, j, imm) <= c && c <= element(FIRST, j + 1, imm)) return true;
      return false;
    }
    case 2:
      // two that have both ended are equal
      if (i >= firstLength || i >= secondLength) return i >= firstLength && i >= secondLength;
      return element(FIRST, i, imm) == element(SECOND, i, imm);
    default:
      // the first string, as far as it reaches in the register, from i on; behind the end of the second nothing matches
      for (let j: u32 = 0; j < firstLength && i + j < n; j++)
        if (i + j >= secondLength || element(FIRST, j, imm) != element(SECOND, i + j, imm)) return false;
      return true;
  }
}

/** Number of the first or last bit, or how many elements there are if there is none, to ECX. */
function index(b: Exec, op: Op, bits: u32): void {
  const none = elements(<u32>op.imm);
  const found = (op.imm & 0x40) != 0 ? 31 - clz<u32>(bits) : ctz<u32>(bits);
  b.rcx = <u64>(bits == 0 ? none : found);
}

/** The bits, or ones and zeros in the elements they stand for, to XMM0. */
function mask(b: Exec, op: Op, bits: u32): void {
  const xmm0 = changetype<usize>(b) + offsetof<Exec>("xmm0");
  if ((op.imm & 0x40) == 0) v128.store(xmm0, b.lowX(<u64>bits));
  else if (elements(<u32>op.imm) == 8) {
    const bit = i16x8(1, 2, 4, 8, 16, 32, 64, 128);
    v128.store(xmm0, v128.eq<u16>(v128.and(v128.splat<u16>(<u16>bits), bit), bit));
  } else {
    const bit = i8x16(1, 2, 4, 8, 16, 32, 64, -128, 1, 2, 4, 8, 16, 32, 64, -128);
    const bytes = v128.shuffle<u64>(v128.splat<u8>(<u8>bits), v128.splat<u8>(<u8>(bits >> 8)), 0, 2);
    v128.store(xmm0, v128.eq<u8>(v128.and(bytes, bit), bit));
  }
}
