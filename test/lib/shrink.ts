/**
 * Makes a case that shows a difference as plain as possible: tries many simplifications of it in one batch, keeps those with which the
 * difference stays, and repeats until nothing helps.
 */
import { disassemble } from "../../src/debug/disassemble.ts";
import type { Row } from "../../src/spec/isa/row.ts";
import { Batch } from "./batch.ts";
import { codeOf } from "./case-text.ts";
import { compare, type Difference } from "./compare.ts";
import type { Target } from "./driver.ts";
import { AT, CS32, CS64, FILL, FX, FX_BYTES, HAS_FX } from "./layout.ts";

const ROUNDS = 8;
type Change = (record: Uint8Array) => Uint8Array;

export interface Finding {
  readonly row: Row;
  readonly record: Uint8Array;
  readonly found: readonly Difference[];
}

/** The simplest case found; the one given if the simpler one needs other cases in front of it. */
export function shrink(finding: Finding, native: Target, ours: Target): Finding {
  const best = simplify(finding, native, ours);
  const found = alone(best.row, best.record, native, ours);
  return found.length > 0 ? { ...best, found } : finding;
}

function simplify(finding: Finding, native: Target, ours: Target): Finding {
  let best = finding;
  for (let round = 0; round < ROUNDS; round++) {
    const useful = changes(best).filter((change) => changed(best.record, change(best.record)));
    const single = differing(
      best,
      useful.map((change) => change(best.record)),
      native,
      ours,
    );
    const kept = useful.filter((_, i) => single[i] !== undefined);
    if (kept.length === 0) return best;
    // the changes that work alone, one more each time; the longest sequence that still differs wins
    const together: Uint8Array[] = [];
    for (const change of kept) together.push(change(together.at(-1) ?? best.record));
    const outcomes = differing(best, together, native, ours);
    let longest = -1;
    outcomes.forEach((found, i) => {
      if (found !== undefined) longest = i;
    });
    if (longest < 0) return best;
    best = { row: best.row, record: together[longest], found: outcomes[longest] as Difference[] };
  }
  return best;
}

/** The case without the others of its batch, on clean memory: its differences there, none if it takes another case to show them. */
export function alone(row: Row, record: Uint8Array, native: Target, ours: Target): readonly Difference[] {
  const batch = new Batch();
  batch.append(record);
  let own: readonly Difference[] = [];
  compare(batch, [row], native.run(batch), ours.run(batch), (_, found) => {
    own = found;
  });
  return own;
}

const changed = (a: Uint8Array, b: Uint8Array): boolean => a.length !== b.length || a.some((x, i) => x !== b[i]);

/** The differences of each record, undefined where there are none; unlike ones count as none. */
function differing(finding: Finding, records: readonly Uint8Array[], native: Target, ours: Target): (readonly Difference[] | undefined)[] {
  const batch = new Batch();
  for (const record of records) batch.append(record);
  const outcome = new Array<readonly Difference[] | undefined>(records.length).fill(undefined);
  const names = new Set(finding.found.map((d) => kindOf(d.name)));
  const rows = records.map(() => finding.row);
  compare(batch, rows, native.run(batch), ours.run(batch), (index, found) => {
    if (found.every((d) => names.has(kindOf(d.name)))) outcome[index] = found;
  });
  return outcome;
}

const kindOf = (name: string): string => name.replace(/^memory.*/, "memory").replace(/^(xmm|st|r)\d+$/, "$1");

/** The row that the disassembler finds for the code of a case. */
function rowOf(record: Uint8Array): Row | undefined {
  const cs = new DataView(record.buffer, record.byteOffset).getUint16(AT.cs, true);
  return disassemble(codeOf(record), 0, { mode: cs === CS64 ? 64 : cs === CS32 ? 32 : 16, address: 0n }).row;
}

function changes({ row, record }: Finding): Change[] {
  const list: Change[] = [];
  const view = new DataView(record.buffer, record.byteOffset, record.byteLength);
  const zero =
    (at: number, bytes: number, value = 0): Change =>
    (r) => {
      const copy = r.slice();
      copy.fill(value, at, at + bytes);
      return copy;
    };
  // instruction prefixes, one at a time: int3 takes their place at the end
  const code = codeOf(record);
  const codeAt = code.byteOffset - record.byteOffset;
  for (let i = 0; i < code.length && isPrefix(code[i]); i++) {
    list.push((r) => {
      const copy = r.slice();
      copy.copyWithin(codeAt + i, codeAt + i + 1, codeAt + code.length);
      copy[codeAt + code.length - 1] = FILL;
      return rowOf(copy) === row ? copy : r;
    });
  }
  for (let i = 0; i < 16; i++) {
    list.push(zero(AT.gregs + 8 * i, 8), zero(AT.gregs + 8 * i + 4, 4), zero(AT.gregs + 8 * i + 2, 6), zero(AT.gregs + 8 * i + 1, 7));
  }
  list.push((r) => {
    const copy = r.slice();
    new DataView(copy.buffer).setUint32(AT.rflags, 0x202, true);
    return copy;
  });
  list.push(zero(AT.fsBase, 8), zero(AT.gsBase, 8));
  let at: number = AT.fx;
  if ((view.getUint32(AT.flags, true) & HAS_FX) !== 0) {
    for (let i = FX.st; i < FX_BYTES; i += 8) list.push(zero(AT.fx + i, 8), zero(AT.fx + i, 4), zero(AT.fx + i + 4, 4));
    list.push((r) => {
      const copy = r.slice();
      const v = new DataView(copy.buffer);
      v.setUint16(AT.fx + FX.fcw, 0x37f, true);
      return copy;
    });
    list.push((r) => {
      const copy = r.slice();
      new DataView(copy.buffer).setUint32(AT.fx + FX.mxcsr, 0x1f80, true);
      return copy;
    });
    list.push((r) => {
      const copy = r.slice();
      const v = new DataView(copy.buffer);
      v.setUint16(AT.fx + FX.fsw, v.getUint16(AT.fx + FX.fsw, true) & 0x3800, true);
      return copy;
    });
    list.push(zero(AT.fx + FX.fsw, 2), zero(AT.fx + FX.ftw, 1, 0xff));
    at += FX_BYTES;
  }
  for (; at < codeAt; at += 8) list.push(zero(at, Math.min(8, codeAt - at)), zero(at, Math.min(4, codeAt - at)));
  return list;
}

const PREFIXES = new Set([0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3]);
const isPrefix = (byte: number): boolean => PREFIXES.has(byte) || (byte & 0xf0) === 0x40;
