/** Which rows have recorded cases, how those ended, and why the others have none. */
import { isa } from "../../src/spec/isa/all.ts";
import type { Row } from "../../src/spec/isa/row.ts";
import { vectorName } from "./compare.ts";
import { type Exclusion, excluded, isTestedOtherwise } from "./excluded.ts";
import { fixtureNames, readFixture } from "./fixture.ts";
import { AT, CS32, CS64 } from "./layout.ts";

export interface Coverage {
  readonly row: Row;
  readonly cases: number;
  /** how many cases ended with each vector */
  readonly outcomes: ReadonlyMap<string, number>;
  /** code sizes that the cases ran in */
  readonly modes: ReadonlySet<number>;
  readonly excluded: Exclusion | undefined;
}

export function coverage(): Coverage[] {
  const recorded = new Map<string, { cases: number; outcomes: Map<string, number>; modes: Set<number> }>();
  for (const name of fixtureNames()) {
    const { header, batch, results } = readFixture(name);
    const cases = batch.bytes;
    const before = new DataView(cases.buffer, cases.byteOffset, cases.byteLength);
    const after = new DataView(results.buffer, results.byteOffset, results.byteLength);
    let index = 0;
    for (const [bytes, count] of header.rows) {
      const entry = { cases: count, outcomes: new Map<string, number>(), modes: new Set<number>() };
      recorded.set(bytes, entry);
      for (let i = 0; i < count; i++, index++) {
        const at = batch.offsets[index];
        const outcome = vectorName(after.getUint32(at + AT.vector, true));
        entry.outcomes.set(outcome, (entry.outcomes.get(outcome) ?? 0) + 1);
        const cs = before.getUint16(at + AT.cs, true);
        entry.modes.add(cs === CS64 ? 64 : cs === CS32 ? 32 : 16);
      }
    }
  }
  return isa.map((row) => {
    const entry = recorded.get(row.bytes);
    return {
      row,
      cases: entry?.cases ?? 0,
      outcomes: entry?.outcomes ?? new Map(),
      modes: entry?.modes ?? new Set(),
      excluded: excluded(row),
    };
  });
}

export function printCoverage(list: readonly Coverage[]): string {
  const lines = list.map(({ row, cases, outcomes, modes, excluded }) => {
    const ended = [...outcomes].map(([name, n]) => `${name} ${n}`).join(", ");
    const what = cases > 0 ? `${[...modes].sort().join("/")}-bit: ${ended}` : why(excluded);
    return `${row.bytes.padEnd(26)} ${row.mnemonic.padEnd(14)} ${row.operands.join(" ").padEnd(10)} ${`${cases}`.padStart(4)}  ${what}`;
  });
  const covered = list.filter((c) => c.cases > 0).length;
  const elsewhere = list.filter((c) => c.cases === 0 && c.excluded !== undefined && isTestedOtherwise(c.excluded)).length;
  const untested = list.filter((c) => c.cases === 0 && c.excluded !== undefined).length - elsewhere;
  const bare = list.length - covered - elsewhere - untested;
  lines.push(
    `${list.length} rows: ${covered} recorded, ${elsewhere} tested otherwise, ${untested} listed but without a test, ${bare} not covered`,
  );
  return lines.join("\n");
}

function why(exclusion: Exclusion | undefined): string {
  if (exclusion === undefined) return "NOT COVERED";
  return isTestedOtherwise(exclusion) ? `${exclusion.reason}; see test/${exclusion.test}` : `${exclusion.reason}; NO TEST YET`;
}
