/**
 * Kinds: what a decoded record executes. A kind is a semantic with its type arguments bound; rows that differ only in their encoding share
 * kinds. The low numbers are the engine's own records and the hot switch's cases; behind them come groups of GROUP_SIZE, a switch each.
 */
import { HOT } from "./hot.ts";
import type { Row } from "./isa/row.ts";
import { operandCode } from "./operands.ts";
import { type Binding, call, type Semantic } from "./semantics.ts";

/** Records that no row stands for: block ends, undefined instructions, address computation. */
export const ENGINE_KINDS = ["STALE", "NEXT", "FALL", "REFUSED", "ADDRESS", "INTERCEPT", "STEP"] as const;

export const GROUP_SIZE = 96;
/** kind = group << 7 | case, so that no group is ever wider than the hot switch */
export const GROUP_SHIFT = 7;

export interface Kind extends Binding {
  readonly number: number;
  readonly semantic: Semantic;
  readonly group: number;
}

export interface HotKind {
  readonly number: number;
  readonly cold: Kind;
  readonly classes: readonly [string, string];
  readonly ends: boolean;
}

export interface FusedKind {
  readonly number: number;
  readonly hot: HotKind;
}

export interface KindTable {
  readonly kinds: readonly Kind[];
  readonly hot: readonly HotKind[];
  readonly fused: readonly FusedKind[];
  /** kinds of a row for operand sizes 16, 32, 64 */
  readonly ofRow: ReadonlyMap<Row, readonly [number, number, number]>;
  readonly groups: number;
}

const WIDTHS: Readonly<Record<string, readonly [string, string, string]>> = {
  b: ["u8", "u8", "u8"],
  w: ["u16", "u16", "u16"],
  d: ["u32", "u32", "u32"],
  q: ["u64", "u64", "u64"],
  v: ["u16", "u32", "u64"],
  y: ["u32", "u32", "u64"],
  z: ["u16", "u32", "u32"],
};
const FIXED_WIDTH: Readonly<Record<string, string>> = { AL: "b", AX: "w", eAX: "z", rAX: "v" };
/** methods whose operand has a width of its own that the semantics care for */
const SIZED = new Set(["E", "G", "M", "Z", "R", "O", "X", "Y", "F", "B", "C", "D"]);

/** Operand widths for operand sizes 16, 32 and 64: those of the first operand that is neither immediate nor a fixed count or port. */
export function widthsOf(row: Row): readonly [string, string, string] {
  for (const text of row.operands) {
    const fixed = FIXED_WIDTH[text];
    if (fixed !== undefined) return WIDTHS[fixed];
    const code = operandCode(text);
    if (code?.method !== undefined && SIZED.has(code.method) && WIDTHS[code.type] !== undefined) return WIDTHS[code.type];
  }
  return WIDTHS.v;
}

/** Width of a row's vector registers: those of its first operand in one. */
export function vectorOf(row: Row): string {
  const methods = row.operands.map((o) => operandCode(o)?.method ?? "");
  return /[PQN]/.test(methods.find((m) => /[VWUPQN]/.test(m)) ?? "") ? MMX : "v128";
}
const MMX = "u64";

/** Numbers everything. Rows whose semantic is not in `semantics` are an error that lists them all. */
export function numberKinds(rows: readonly Row[], semantics: ReadonlyMap<string, Semantic>): KindTable {
  const missing = rows.filter((r) => !semantics.has(r.semantics));
  if (missing.length > 0)
    throw new Error(`no semantic for\n${missing.map((r) => `  ${r.source}: ${r.mnemonic} wants ${r.semantics}`).join("\n")}`);
  const byKey = new Map<string, Kind>();
  const kinds: Kind[] = [];
  const ofRow = new Map<Row, readonly [number, number, number]>();
  const kindFor = (semantic: Semantic, binding: Binding): Kind => {
    const key = call(semantic, "B", ["D", "S"], binding);
    const known = byKey.get(key);
    if (known !== undefined) return known;
    const group = 1 + Math.floor(kinds.length / GROUP_SIZE);
    const kind = { number: (group << GROUP_SHIFT) | (kinds.length % GROUP_SIZE), semantic, ...binding, group };
    byKey.set(key, kind);
    kinds.push(kind);
    return kind;
  };
  const ends = new Set<number>();
  for (const row of rows) {
    const semantic = semantics.get(row.semantics) as Semantic;
    const { typeArguments } = row;
    const vector = vectorOf(row);
    const numbers = widthsOf(row).map((width) => kindFor(semantic, { width, vector, typeArguments }).number);
    ofRow.set(row, numbers as unknown as readonly [number, number, number]);
    if (row.attributes.has("end")) for (const n of numbers) ends.add(n);
  }
  let next = ENGINE_KINDS.length;
  const hot = HOT.map((h): HotKind => {
    const semantic = semantics.get(h.semantics);
    if (semantic === undefined) throw new Error(`hot.ts names ${h.semantics}, which is no semantic`);
    const cold = byKey.get(call(semantic, "B", ["D", "S"], { ...h, vector: "v128" }));
    if (cold === undefined) throw new Error(`hot.ts names ${h.semantics}.${h.width}, which no row uses`);
    return { number: next++, cold, classes: [h.classes[0], h.classes[1]], ends: ends.has(cold.number) };
  });
  const fused = hot.filter((h) => ["cmp", "test"].includes(h.cold.semantic.name)).map((h): FusedKind => ({ number: next++, hot: h }));
  if (next > 128) throw new Error(`hot.ts: ${next} cases, 128 at most`);
  return { kinds, hot, fused, ofRow, groups: 1 + Math.floor((kinds.length - 1) / GROUP_SIZE) };
}
