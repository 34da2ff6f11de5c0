/**
 * Finds the instruction row for decoded bytes: rows sorted by mode, opcode map and opcode once, the most specific first.
 * What "specific" means is said in src/spec/isa/row.ts.
 */
import { isa } from "../spec/isa/all.ts";
import { MAPS, type OpcodeMap, type Row } from "../spec/isa/row.ts";
import { type OperandCode, operandCode } from "../spec/operands.ts";

export type Mode = 16 | 32 | 64;

/** A row with what every use of it would work out again. */
export interface Entry {
  readonly row: Row;
  readonly operands: readonly OperandCode[];
  /** the operand size in 64-bit mode is 64 by default, or always */
  readonly d64: boolean;
  readonly f64: boolean;
  readonly sx: boolean;
}

/** What of an instruction decides on its row. */
export interface Selector {
  readonly mode: Mode;
  readonly map: OpcodeMap;
  readonly opcode: number;
  /** the repeat prefix that counts: 0, 0xf2 or 0xf3; for VEX the prefix it implies */
  readonly repeat: number;
  readonly data: boolean;
  readonly w: 0 | 1;
  readonly l: 0 | 1;
  readonly rexB: boolean;
  readonly operandSize: 16 | 32 | 64;
  readonly addressSize: 16 | 32 | 64;
  readonly modrm: number;
}

const MAP_NUMBER = new Map(MAPS.map((map, number) => [map as OpcodeMap, number]));
const MODES: readonly Mode[] = [16, 32, 64];
const index = MODES.map(() => Array.from({ length: MAPS.length * 256 }, (): Entry[] => []));

for (const row of isa) {
  const operands = row.operands.map((text) => {
    const code = operandCode(text);
    if (code === undefined) throw new Error(`${row.source}: unknown operand ${text}`);
    return code;
  });
  const has = (name: string) => row.attributes.has(name);
  const entry: Entry = { row, operands, d64: has("d64"), f64: has("f64"), sx: has("sx") };
  MODES.forEach((mode, m) => {
    if (mode === 64 ? has("i64") : has("o64")) return;
    const first = (MAP_NUMBER.get(row.map) as number) * 256 + row.opcode;
    for (let i = 0; i < 1 << row.opcodeBits; i++) index[m][first + i].push(entry);
  });
}
for (const entries of index.flat()) entries.sort((a, b) => specificity(b.row) - specificity(a.row));

function specificity(row: Row): number {
  const { modrm } = row;
  const prefix = { any: 0, NFx: 1, NP: 2, "66": 2, F3: 2, F2: 2 }[row.prefix];
  const form = modrm === undefined ? 0 : modrm.rm !== undefined ? 3 : modrm.reg !== undefined ? 2 : modrm.mod !== undefined ? 1 : 0;
  return prefix * 8 + form * 2 + (row.opcodeBits === 0 ? 1 : 0);
}

/** All rows at an opcode, the most specific first. */
export function rowsAt(mode: Mode, map: OpcodeMap, opcode: number): readonly Entry[] {
  return index[MODES.indexOf(mode)][(MAP_NUMBER.get(map) as number) * 256 + opcode];
}

export function select(entries: readonly Entry[], s: Selector): Entry | undefined {
  for (const entry of entries) if (matches(entry.row, s)) return entry;
  return undefined;
}

function matches(row: Row, s: Selector): boolean {
  switch (row.prefix) {
    case "NP":
      if (s.repeat !== 0 || s.data) return false;
      break;
    case "NFx":
      if (s.repeat !== 0) return false;
      break;
    case "66":
      if (s.repeat !== 0 || !s.data) return false;
      break;
    case "F3":
      if (s.repeat !== 0xf3) return false;
      break;
    case "F2":
      if (s.repeat !== 0xf2) return false;
      break;
  }
  if (row.w !== undefined && row.w !== s.w) return false;
  if (row.l !== undefined && row.l !== s.l) return false;
  if (row.operandSize !== undefined && row.operandSize !== s.operandSize) return false;
  if (row.addressSize !== undefined && row.addressSize !== s.addressSize) return false;
  const { modrm } = row;
  // a plain opcode inside a `+r` range means register 0: 41 90 is XCHG R8, not NOP
  if (modrm === undefined) return !(s.rexB && row.opcode === 0x90 && row.map === "" && row.opcodeBits === 0);
  if (modrm.mod !== undefined && (modrm.mod === "reg") !== s.modrm >= 0xc0) return false;
  if (modrm.reg !== undefined && modrm.reg !== ((s.modrm >> 3) & 7)) return false;
  return modrm.rm === undefined || modrm.rm === (s.modrm & 7);
}
