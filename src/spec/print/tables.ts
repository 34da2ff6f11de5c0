/** Prints the decoder's tables: opcodes → candidates → rows. The layout is what assembly/decode/instruction.ts reads. */
import { memoryAccess } from "../access.ts";
import { EXIT_CAUSES } from "../exits.ts";
import { FEATURES } from "../features.ts";
import { isEscape, MAPS, type Row } from "../isa/row.ts";
import type { KindTable } from "../kinds.ts";
import { operandCode } from "../operands.ts";
import { BANNER } from "./state.ts";

/** How the decoder finds an operand. NONE: implied by the instruction. */
export const OPERAND_CODES = {
  NONE: 0,
  E: 1,
  G: 2,
  M: 3,
  I: 4,
  J: 5,
  Z: 6,
  FIXED: 7,
  O: 8,
  S: 9,
  C: 10,
  D: 11,
  V: 12,
  W: 13,
  U: 14,
  P: 15,
  Q: 16,
  N: 17,
  R: 18,
  B: 19,
  ONE: 20,
  STI: 21,
  A: 22,
  SEGMENT: 23,
} as const;

export const ROW_ATTRIBUTES = {
  LOCK: 1,
  END: 2,
  D64: 4,
  F64: 8,
  MANDATORY_66: 16,
  NO_VVVV: 32,
  ALIGN: 64,
  REGISTER: 128,
  CC: 256,
  NONE: 0,
  REP: 512,
  /** which unit the instruction needs, two bits */
  UNIT: 3 << 10,
  X87: 1 << 10,
  MMX: 2 << 10,
  SSE: 3 << 10,
} as const;

const FIXED_REGISTERS: Readonly<Record<string, number>> = { AL: 0, CL: 1, AX: 0, DX: 2, eAX: 0, rAX: 0 };
const SEGMENTS: Readonly<Record<string, number>> = { ES: 0, CS: 1, SS: 2, DS: 3, FS: 4, GS: 5 };
const SIZES: Readonly<Record<string, number>> = { b: 1, w: 2, d: 4, q: 8, z: 32, v: 33 };

function operand(text: string, row: Row): readonly [code: number, size: number] {
  if (text in SEGMENTS) return [OPERAND_CODES.SEGMENT, SEGMENTS[text]];
  if (text in FIXED_REGISTERS) return [OPERAND_CODES.FIXED, FIXED_REGISTERS[text] | (text === "AL" || text === "CL" ? 16 : 0)];
  if (text === "1") return [OPERAND_CODES.ONE, 0];
  if (text === "STi") return [OPERAND_CODES.STI, 0];
  const code = operandCode(text);
  if (code === undefined) throw new Error(`${row.source}: unknown operand ${text}`);
  const method = code.method ?? "";
  return method in OPERAND_CODES ? [OPERAND_CODES[method as keyof typeof OPERAND_CODES], SIZES[code.type] ?? 0] : [OPERAND_CODES.NONE, 0];
}

const methods = (row: Row): string[] => row.operands.map((o) => operandCode(o)?.method ?? "");

/** Instructions that use a unit without naming a register of it. */
const UNITS: Readonly<Record<string, "X87" | "MMX" | "SSE">> = {
  emms: "MMX",
  fxsave: "X87",
  fxrstor: "X87",
  ldmxcsr: "SSE",
  stmxcsr: "SSE",
};

function unitOf(row: Row): "X87" | "MMX" | "SSE" | "NONE" {
  const m = methods(row);
  const uses = (letters: string) => m.some((method) => method !== "" && letters.includes(method));
  return UNITS[row.semantics] ?? (uses("VWU") ? "SSE" : uses("PQN") ? "MMX" : isEscape(row) ? "X87" : "NONE");
}

function attributes(row: Row): number {
  const m = methods(row);
  const has = (name: string) => row.attributes.has(name);
  return (
    (has("lock") ? ROW_ATTRIBUTES.LOCK : 0) |
    (has("end") ? ROW_ATTRIBUTES.END : 0) |
    (has("d64") ? ROW_ATTRIBUTES.D64 : 0) |
    (has("f64") ? ROW_ATTRIBUTES.F64 : 0) |
    (has("align") ? ROW_ATTRIBUTES.ALIGN : 0) |
    (row.prefix === "66" ? ROW_ATTRIBUTES.MANDATORY_66 : 0) |
    (row.map.startsWith("VEX") && !m.includes("B") ? ROW_ATTRIBUTES.NO_VVVV : 0) |
    (m.includes("R") ? ROW_ATTRIBUTES.REGISTER : 0) |
    (row.opcodeBits === 4 ? ROW_ATTRIBUTES.CC : 0) |
    ROW_ATTRIBUTES[unitOf(row)] |
    (has("rep") || has("repz") ? ROW_ATTRIBUTES.REP : 0)
  );
}

const PREFIX: Readonly<Record<Row["prefix"], readonly [mask: number, value: number]>> = {
  any: [0, 0],
  NP: [3, 0],
  NFx: [2, 0],
  "66": [3, 1],
  F3: [3, 2],
  F2: [3, 3],
};

/** Mask and value over the decoder's context word. */
function condition(row: Row): readonly [mask: number, value: number] {
  let [mask, value] = PREFIX[row.prefix];
  const want = (shift: number, bits: number, v: number) => {
    mask |= bits << shift;
    value |= v << shift;
  };
  const m = methods(row);
  const mod = row.modrm?.mod ?? (m.includes("M") ? "mem" : m.includes("U") || m.includes("N") ? "reg" : undefined);
  if (mod !== undefined) want(2, 1, mod === "reg" ? 1 : 0);
  if (row.modrm?.reg !== undefined) want(3, 7, row.modrm.reg);
  if (row.modrm?.rm !== undefined) want(6, 7, row.modrm.rm);
  if (row.w !== undefined) want(9, 1, row.w);
  if (row.attributes.has("i64")) want(10, 1, 0);
  if (row.attributes.has("o64")) want(10, 1, 1);
  if (row.l !== undefined) want(11, 1, row.l);
  if (row.operandSize !== undefined) want(12, 3, [16, 32, 64].indexOf(row.operandSize));
  if (row.addressSize !== undefined) want(14, 3, [16, 32, 64].indexOf(row.addressSize));
  // 90 is NOP or PAUSE only without REX.B: with it, it is XCHG R8, rAX
  if (row.map === "" && row.opcode === 0x90 && row.opcodeBits === 0) want(16, 1, 0);
  return [mask, value];
}

const bitCount = (v: number): number => v.toString(2).replaceAll("0", "").length;

interface Candidate {
  readonly mask: number;
  readonly value: number;
  readonly row: number;
}

/** Candidates of an opcode, the more particular before the more general; two that match the same are an error. */
function candidates(rows: readonly Row[], map: number, opcode: number): { list: Candidate[]; modrm: boolean } {
  const list: Candidate[] = [];
  let modrm = false;
  rows.forEach((row, index) => {
    if (row.map !== MAPS[map] || row.opcode !== (opcode & ~((1 << row.opcodeBits) - 1))) return;
    const [mask, value] = condition(row);
    const twin = list.find((c) => c.mask === mask && c.value === value && rows[c.row].opcodeBits === row.opcodeBits);
    if (twin !== undefined) throw new Error(`${row.source} and ${rows[twin.row].source} have the same encoding: ${row.bytes}`);
    list.push({ mask, value, row: index });
    modrm ||= row.modrm !== undefined;
  });
  list.sort((a, b) => bitCount(b.mask) - bitCount(a.mask) || rows[a.row].opcodeBits - rows[b.row].opcodeBits || a.row - b.row);
  return { list, modrm };
}

/** Number of a row's memory access in the table of all different ones. */
function accessNumber(row: Row, all: number[][]): number {
  const { bytes, flags } = memoryAccess(row);
  const words = [...bytes.map((n) => n | flags), 0];
  const known = all.findIndex((w) => w.join() === words.join());
  return known >= 0 ? known : all.push(words) - 1;
}

export function printDecodeTables(rows: readonly Row[], table: KindTable): string {
  const opcodes: number[] = [];
  const words: number[] = [];
  let count = 0;
  for (let map = 0; map < MAPS.length; map++)
    for (let opcode = 0; opcode < 256; opcode++) {
      const { list, modrm } = candidates(rows, map, opcode);
      opcodes.push((count << 9) | (modrm ? 256 : 0) | list.length);
      for (const c of list) words.push(c.mask, c.value, c.row);
      count += list.length;
    }
  const accesses: number[][] = [];
  const infos = rows.flatMap((row) => {
    const kinds = table.ofRow.get(row) as readonly [number, number, number];
    const ops = [0, 1, 2].map((i) => (row.operands[i] === undefined ? ([0, 0] as const) : operand(row.operands[i], row)));
    const a = attributes(row);
    const bytes = [
      ...kinds.flatMap((k) => [k & 255, k >> 8]),
      ...ops.map((o) => o[0]),
      ...ops.map((o) => o[1]),
      a & 255,
      a >> 8,
      accessNumber(row, accesses),
      FEATURES.indexOf(row.feature),
    ];
    return [0, 4, 8, 12].map((i) => (bytes[i] | (bytes[i + 1] << 8) | (bytes[i + 2] << 16) | (bytes[i + 3] << 24)) >>> 0);
  });
  const data = (name: string, doc: string, values: readonly number[]) =>
    `/** ${doc} */\nexport const ${name}: usize = memory.data<u32>([\n${lines(values)}\n]);\n`;
  return [
    BANNER,
    data("OPCODES", "first candidate << 9 | has ModRM << 8 | candidates, for 256 opcodes of each map", opcodes),
    data("CANDIDATES", "mask, value, row", words),
    data("ROWS", "16 bytes: kinds for operand sizes 16, 32, 64; operand codes; operand sizes; attributes; access; feature", infos),
    data("ACCESSES", "immediates of an address record, for operand sizes 16, 32, 64; 16 bytes each", accesses.flat()),
    `/** cause of VM exits by row, assembly/vmx/intercept.ts; 0: none */\nexport const CAUSES: usize = memory.data<u8>([\n${lines(rows.map(causeOf))}\n]);\n`,
    `export const ROW_COUNT: u32 = ${rows.length};\n`,
  ].join("\n");
}

function causeOf(row: Row): number {
  const attribute = [...row.attributes].find((a) => a.startsWith("exit:"));
  return attribute === undefined ? 0 : 1 + EXIT_CAUSES.indexOf(attribute.slice(5));
}

export function lines(values: readonly number[]): string {
  const out: string[] = [];
  for (let i = 0; i < values.length; i += 12) out.push(`  ${values.slice(i, i + 12).join(", ")},`);
  return out.join("\n");
}
