/** Puts the bytes of an instruction together: prefixes, REX or VEX, opcode, ModRM, SIB, displacement, immediates. SDM Vol. 2 "Instruction Format". */
import type { Making, SegmentName, Size } from "./making.ts";

const SEGMENT_PREFIX: Readonly<Record<SegmentName, number>> = { es: 0x26, cs: 0x2e, ss: 0x36, ds: 0x3e, fs: 0x64, gs: 0x65 };
const MANDATORY: Readonly<Record<string, number>> = { "66": 0x66, F3: 0xf3, F2: 0xf2 };
const VEX_PP: Readonly<Record<string, number>> = { NP: 0, "66": 1, F3: 2, F2: 3 };

/** The operand size that is encoded without a 66 prefix and without REX.W. */
export const defaultOperandSize = (mode: Size): Size => (mode === 16 ? 16 : 32);
const alternative = (mode: Size): Size => (mode === 64 ? 32 : mode === 32 ? 16 : 32);

/** The instruction at RIP `rip` (its low 32 bits). */
export function encode(m: Making, rip: number): number[] {
  const { row } = m;
  const prefixes = [...m.prefixes];
  if (m.segment !== undefined) prefixes.push(SEGMENT_PREFIX[m.segment]);
  if (m.addressSize !== m.mode) prefixes.push(0x67);
  if (m.lock) prefixes.push(0xf0);
  if (m.rep !== 0) prefixes.push(m.rep);
  const vex = row.map.startsWith("VEX");
  if (!vex) {
    if (row.prefix in MANDATORY) prefixes.push(MANDATORY[row.prefix]);
    if (needs66(m) && !prefixes.includes(0x66)) prefixes.push(0x66);
  }
  shuffle(m, prefixes);
  const bytes = prefixes;
  const rex = 0x40 | (m.rexW << 3) | m.rexBits;
  if (!vex && (rex !== 0x40 || m.rex)) bytes.push(rex);
  if (vex) bytes.push(...vexBytes(m));
  else if (row.map !== "") bytes.push(0x0f, ...(row.map === "0F38" ? [0x38] : row.map === "0F3A" ? [0x3a] : []));
  bytes.push(row.opcode | m.opcodeLow);
  let relativeAt = -1;
  if (row.modrm !== undefined) {
    bytes.push((m.mod << 6) | (m.reg << 3) | m.rm);
    if (m.mod !== 3 && m.rm === 4 && m.addressSize !== 16) bytes.push(m.sib);
    relativeAt = bytes.length;
    append(bytes, m.displacement, m.displacementBytes);
  }
  bytes.push(...m.immediates);
  const length = bytes.length + m.branchBytes;
  if (m.ripRelative) write(bytes, relativeAt, m.displacement - (rip + length), 4);
  if (m.branchBytes !== 0) append(bytes, m.branchTarget - (rip + length), m.branchBytes);
  return bytes;
}

/** Whether the operand size that was chosen needs an operand-size prefix. */
export function needs66(m: Making): boolean {
  if (m.row.prefix === "66") return false;
  if (m.operandSize === 64) return false;
  const d64 = m.mode === 64 && (m.row.attributes.has("d64") || m.row.attributes.has("f64"));
  if (d64) return m.operandSize === 16;
  return m.operandSize !== defaultOperandSize(m.mode);
}

/** 64-bit mode's operand sizes and the like: which sizes a prefix can select. */
export function operandSizes(mode: Size): Size[] {
  return mode === 64 ? [16, 32, 64] : [defaultOperandSize(mode), alternative(mode)];
}

function vexBytes(m: Making): number[] {
  const { row } = m;
  const map = { "VEX.0F": 1, "VEX.0F38": 2, "VEX.0F3A": 3 }[row.map as "VEX.0F"];
  const inverted = ~m.rexBits & 7;
  const tail = ((~m.vvvv & 15) << 3) | ((row.l ?? (m.random.oneIn(2) ? 0 : 1)) << 2) | VEX_PP[row.prefix];
  // two bytes are enough if only R is needed
  if (map === 1 && m.rexW === 0 && (m.rexBits & 3) === 0 && m.random.oneIn(2)) return [0xc5, ((inverted >> 2) << 7) | tail];
  return [0xc4, (inverted << 5) | map, (m.rexW << 7) | tail];
}

function append(bytes: number[], value: number, count: number): void {
  for (let i = 0; i < count; i++) bytes.push((value >> (8 * i)) & 0xff);
}

function write(bytes: number[], at: number, value: number, count: number): void {
  for (let i = 0; i < count; i++) bytes[at + i] = (value >> (8 * i)) & 0xff;
}

function shuffle(m: Making, list: number[]): void {
  for (let i = list.length - 1; i > 0; i--) {
    const j = m.random.below(i + 1);
    [list[i], list[j]] = [list[j], list[i]];
  }
}
