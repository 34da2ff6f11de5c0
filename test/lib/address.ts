/**
 * Turns the linear address of a memory operand into ModRM, SIB and displacement: picks one of the forms that the address size has, and gives
 * base and index registers the values that make it come out. SDM Vol. 2 "ModR/M and SIB Bytes".
 */
import { AREAS } from "../../src/spec/access.ts";
import { type Making, type SegmentName, shiftLeft, subtract, type Wide, wide } from "./making.ts";

const BX = 3;
const BP = 5;
const SI = 6;
const DI = 7;
/** 16-bit forms by rm: base, index */
const FORMS16: readonly (readonly number[])[] = [[BX, SI], [BX, DI], [BP, SI], [BP, DI], [SI], [DI], [BP], [BX]];
const OVERRIDE: readonly SegmentName[] = ["fs", "gs"];

/** Chooses the form for an operand at a linear address. False if the address cannot be reached. */
export function address(m: Making, linear: Wide, implicit: SegmentName = "ds"): boolean {
  const { random: r } = m;
  if (r.oneIn(m.mode === 64 ? 6 : 8)) override(m, linear, m.mode === 64 ? r.pick(OVERRIDE) : r.pick(["fs", "gs", "es", "cs", "ss", "ds"]));
  return m.addressSize === 16 ? form16(m, linear, implicit) : form32(m, linear, implicit);
}

/** Uses a segment prefix; FS and GS get a base from which the address is in reach. */
export function override(m: Making, linear: Wide, segment: SegmentName): void {
  const { random: r, draft } = m;
  m.segment = segment;
  if (segment !== "fs" && segment !== "gs") return;
  const base = segment === "fs" ? draft.fsBase : draft.gsBase;
  let b: Wide = { low: 0, high: 0 };
  if (m.addressSize === 16 || r.oneIn(3)) b = subtract(linear, wide(r.below(0x1_0000)));
  else if (m.mode !== 64) b = { low: r.bits(), high: 0 };
  else if (m.addressSize === 32) b = subtract(linear, { low: r.bits(), high: 0 });
  else {
    // QUIRK: AMD wants the offset to be canonical too, before the base is added (seen on Zen 4); the SDM asks it of the sum only
    const offset = { low: r.bits(), high: r.oneIn(2) ? r.below(0x8000) : -1 - r.below(0x8000) };
    b = subtract(linear, offset);
  }
  if (m.mode !== 64) b = { low: b.low, high: 0 };
  // WRFSBASE takes canonical addresses only
  if (!canonical(b) || (m.addressSize === 64 && !canonical(subtract(linear, b)))) b = { low: 0, high: 0 };
  base[0] = b.low;
  base[1] = b.high;
}

const canonical = ({ high }: Wide): boolean => (high << 16) >> 16 === high;

/** The offset in the segment that the form will really use, given its default segment. */
function offset(m: Making, linear: Wide, segment: SegmentName): Wide {
  return subtract(linear, m.base(m.segment ?? segment));
}

/** 32- and 64-bit forms. */
function form32(m: Making, linear: Wide, implicit: SegmentName): boolean {
  const { random: r } = m;
  // all segments that a base register may imply are the same in 64-bit mode; else settle it by the base
  let target = offset(m, linear, implicit);
  const long = m.addressSize === 64;
  const near = !long || target.high === target.low >> 31;
  if (!long && m.mode === 64 && target.high !== 0) return false;
  if (near && m.mode === 64 && target.high === 0 && target.low >= 0 && r.oneIn(8)) {
    m.mod = 0;
    m.rm = 5;
    m.displacement = target.low;
    m.displacementBytes = 4;
    m.ripRelative = true;
    return true;
  }
  if (near && r.oneIn(12)) return absolute(m, target);
  const base = r.oneIn(10) ? -1 : m.free();
  const index = r.oneIn(base < 0 ? 1 : 3) ? freeIndex(m, base) : -1;
  if (base < 0 && index < 0) return near && absolute(m, target);
  const stack = (base === 4 || base === 5) && m.mode !== 64;
  if (stack) target = offset(m, linear, "ss");
  const scale = r.below(4);
  let displacementBytes = base < 0 ? 4 : r.pick([0, 1, 1, 4]);
  if (displacementBytes === 0 && (base & 7) === 5) displacementBytes = 1;
  let displacement =
    displacementBytes === 0 ? 0 : displacementBytes === 1 ? r.bits() >> 24 : r.oneIn(2) ? r.between(-5000, 5000) : r.bits();
  let rest = subtract(target, wide(displacement));
  if (base < 0) {
    // index alone: the displacement takes what the scale cannot
    displacement = (displacement & -8) | (target.low & 7);
    rest = subtract(target, wide(displacement));
    if (!long) rest = { low: rest.low, high: 0 };
    m.fixed[index] = 1;
    m.draft.set(index, scale === 0 ? rest.low : (rest.low >>> scale) | (rest.high << (32 - scale)), rest.high >> scale);
  } else if (index >= 0) {
    m.fixed[index] = 1;
    const i: Wide = { low: r.oneIn(2) ? r.between(-64, 64) : r.bits(), high: 0 };
    const value = { low: i.low, high: long ? (r.oneIn(4) ? r.bits() : i.low >> 31) : 0 };
    m.draft.set(index, value.low, value.high);
    rest = subtract(rest, shiftLeft(value, scale));
  }
  if (base >= 0) {
    m.fixed[base] = 1;
    m.draft.set(base, rest.low, rest.high);
  }
  // upper halves do not matter to 32-bit addresses; outside 64-bit mode they are kept clear
  if (!long) for (const x of [base, index]) if (x >= 0) m.draft.high[x] = m.mode === 64 && r.oneIn(2) ? r.bits() : 0;
  encode(m, base, index, scale, displacement, displacementBytes);
  return true;
}

function encode(m: Making, base: number, index: number, scale: number, displacement: number, displacementBytes: number): void {
  m.displacement = displacement;
  m.displacementBytes = displacementBytes;
  m.mod = base < 0 ? 0 : displacementBytes === 0 ? 0 : displacementBytes === 1 ? 1 : 2;
  const plain = index < 0 && (base & 7) !== 4;
  if (plain && !m.random.oneIn(16)) {
    m.rm = base & 7;
    m.rexBits |= base >> 3;
    return;
  }
  m.rm = 4;
  m.sib = (scale << 6) | ((index < 0 ? 4 : index & 7) << 3) | (base < 0 ? 5 : base & 7);
  m.rexBits |= (base < 0 ? 0 : base >> 3) | (index < 0 ? 0 : (index >> 3) << 1);
}

/** [disp32]: in 64-bit mode through a SIB byte, and sign-extended. */
function absolute(m: Making, target: Wide): boolean {
  m.mod = 0;
  m.displacement = target.low;
  m.displacementBytes = 4;
  if (m.mode !== 64 && m.random.oneIn(2)) m.rm = 5;
  else {
    m.rm = 4;
    m.sib = (m.random.below(4) << 6) | 0x25;
  }
  return true;
}

function freeIndex(m: Making, base: number): number {
  const index = m.free(base);
  return index === 4 ? -1 : index;
}

function form16(m: Making, linear: Wide, implicit: SegmentName): boolean {
  const { random: r } = m;
  const rm = r.below(8);
  const direct = rm === 6 && r.oneIn(2);
  const registers = direct ? [] : FORMS16[rm];
  const segment = registers[0] === BP ? "ss" : implicit;
  const target = offset(m, linear, segment);
  if (target.low >>> 0 > 0xffff || wrapsInPieces(m, target.low, m.segment ?? segment)) return false;
  if (registers.some((x) => m.fixed[x] !== 0)) return false;
  let displacementBytes = direct ? 2 : r.pick([0, 1, 2]);
  if (rm === 6 && displacementBytes === 0) displacementBytes = 1;
  const displacement = displacementBytes === 0 ? 0 : displacementBytes === 1 ? r.bits() >> 24 : r.below(0x1_0000);
  let rest = target.low - displacement;
  m.mod = direct ? 0 : displacementBytes;
  m.rm = rm;
  m.displacementBytes = displacementBytes;
  m.displacement = direct ? target.low : displacement;
  registers.forEach((x, i) => {
    const value = i === registers.length - 1 ? rest & 0xffff : r.below(0x1_0000);
    rest -= value;
    m.fixed[x] = 1;
    // bits 31-16 are ignored
    m.draft.set(x, value | (r.oneIn(2) ? 0 : r.bits() << 16), 0);
  });
  return true;
}

/**
 * QUIRK: AMD moves the x87 and SSE state piece by piece, and where the segment reaches beyond 64 KiB the offset of each piece wraps with
 * 16-bit addresses (seen on Zen 4). The SDM leaves it open; we go on behind 64 KiB, as for all other operands.
 */
function wrapsInPieces(m: Making, offset: number, segment: SegmentName): boolean {
  const area = AREAS[m.row.semantics];
  const isFlat = segment === "fs" || segment === "gs" || m.base(segment).low === 0;
  return area !== undefined && isFlat && offset + Math.max(...area) > 0x1_0000;
}
