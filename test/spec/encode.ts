/**
 * Makes bytes from an instruction row: the shortest plain form, or a random one with prefixes, registers, addressing form and
 * immediates drawn from a generator. Used to check the rows against objdump.
 */
import type { Row } from "../../src/spec/isa/row.ts";
import { operandCode } from "../../src/spec/operands.ts";

type Mode = 16 | 32 | 64;
/** a number from 0 to below n */
export type Random = (n: number) => number;

/** The generator of test data: small, seedable (Marsaglia xorshift32). */
export function xorshift(seed: number): Random {
  let state = seed | 1;
  return (n) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % n;
  };
}

/** Modes in which the row exists, leaving out REX.W rows outside 64-bit mode. */
export function modesOf(row: Row): Mode[] {
  const only64 =
    row.attributes.has("o64") || row.operandSize === 64 || row.addressSize === 64 || (row.w === 1 && !row.map.startsWith("VEX"));
  return only64 ? [64] : row.attributes.has("i64") || row.addressSize === 16 ? [16, 32] : [16, 32, 64];
}

/** No prefixes beyond the needed ones, register 1 where there is a choice, no displacement, immediates 0. */
const PLAIN: Random = (n) => (n === 8 ? 1 : 0);

/** One encoding of the row; with a generator, prefixes that change nothing but sizes are thrown in. */
export function encode(row: Row, mode: Mode, random: Random = PLAIN): Uint8Array {
  const out: number[] = [];
  const plainData = mode === 16 ? 32 : 16;
  const extra = random !== PLAIN && random(4) === 0;
  const data = row.operandSize === plainData || (row.prefix === "any" && row.operandSize === undefined && extra && random(2) === 1);
  const address = row.addressSize !== undefined ? row.addressSize !== mode : extra && random(4) === 1;
  const addressSize = mode === 64 ? (address ? 32 : 64) : (mode === 32) !== address ? 32 : 16;
  const vex = row.map.startsWith("VEX");
  const w =
    row.w ?? (row.operandSize === 64 && !row.attributes.has("d64") ? 1 : row.operandSize !== undefined || mode !== 64 ? 0 : random(2));
  if (extra && random(3) === 0) out.push([0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65][random(6)]);
  if (address) out.push(0x67);
  if (data && !vex) out.push(0x66);
  const prefix = { any: 0, NP: 0, NFx: 0, "66": 0x66, F3: 0xf3, F2: 0xf2 }[row.prefix];
  if (prefix !== 0 && !vex) out.push(prefix);
  const rexBits = mode === 64 && random !== PLAIN ? random(8) : 0;
  if (vex) pushVex(out, row, w, rexBits, mode, random);
  else {
    const rex = rexBits | (mode === 64 ? w << 3 : 0);
    if (rex !== 0) out.push(0x40 | rex);
    for (let i = 0; i < row.map.length; i += 2) out.push(Number.parseInt(row.map.slice(i, i + 2), 16));
    out.push(row.opcode | random(1 << row.opcodeBits));
  }
  if (row.modrm !== undefined) pushModRm(out, row, addressSize, random);
  for (const text of row.operands) {
    const code = operandCode(text);
    if (code === undefined) throw new Error(`${row.source}: unknown operand ${text}`);
    const long = mode === 64 && (w === 1 || row.attributes.has("f64") || (row.attributes.has("d64") && !data));
    const size = long ? 2 : (mode === 16) !== data ? 0 : 1;
    const bytes = code.method === "O" ? addressSize / 8 : "IJA".includes(code.method ?? "-") ? code.bytes[size] : 0;
    for (let i = 0; i < bytes; i++) out.push(random(256));
  }
  return Uint8Array.from(out);
}

function pushVex(out: number[], row: Row, w: number, rexBits: number, mode: Mode, random: Random): void {
  const pp = ["NP", "66", "F3", "F2"].indexOf(row.prefix);
  const mmmmm = ["VEX.0F", "VEX.0F38", "VEX.0F3A"].indexOf(row.map) + 1;
  const usesVvvv = row.operands.some((o) => /^[BH]/.test(o));
  const vvvv = usesVvvv ? random(mode === 64 ? 16 : 8) : 0;
  out.push(0xc4, ((~rexBits << 5) & 0xe0) | mmmmm, (w << 7) | ((~vvvv & 15) << 3) | ((row.l ?? 0) << 2) | pp, row.opcode);
}

function pushModRm(out: number[], row: Row, addressSize: number, random: Random): void {
  const { mod: form, reg: fixedReg, rm: fixedRm } = row.modrm ?? {};
  const register = form === "reg" || (form === undefined && random(2) === 0 && random !== PLAIN);
  const mod = register ? 3 : random(3);
  const reg = fixedReg ?? random(/^S/.test(row.operands.join("")) ? 6 : 8);
  const rm = fixedRm ?? random(8);
  out.push((mod << 6) | (reg << 3) | rm);
  if (register) return;
  let base = rm;
  if (addressSize === 16) {
    const bytes = mod === 1 ? 1 : mod === 2 || rm === 6 ? 2 : 0;
    for (let i = 0; i < bytes; i++) out.push(random(256));
    return;
  }
  if (rm === 4) {
    const sib = random(256);
    out.push(sib);
    base = sib & 7;
  }
  const bytes = mod === 1 ? 1 : mod === 2 || base === 5 ? 4 : 0;
  for (let i = 0; i < bytes; i++) out.push(random(256));
}
