/** One set of semantics, two back ends: what the interpreter does and what the code written by Emit does must agree in every byte. */
import { describe, expect, it } from "vitest";
import { isa } from "../../src/spec/isa/all.ts";
import type { Row } from "../../src/spec/isa/row.ts";
import { Batch } from "../lib/batch.ts";
import { fixtureNames, readFixture } from "../lib/fixture.ts";
import { type Lockstep, lockstep } from "../lib/lockstep.ts";

/** cases taken of each row: a module is made for every one */
const CASES = 6;

/** tables with rows that can be compiled, and how many of them at least are, so that none is lost unnoticed */
const COMPILED: Readonly<Record<string, number>> = { alu: 55, data: 18, shift: 20, control: 4 };

function run(name: string): Lockstep {
  const fixture = readFixture(name);
  const batch = new Batch();
  const rows: Row[] = [];
  let index = 0;
  for (const [bytes, count] of fixture.header.rows) {
    const row = isa.find((r) => r.bytes === bytes && r.source.includes(name)) as Row;
    for (let i = 0; i < Math.min(count, CASES); i++) {
      batch.append(fixture.batch.record(index + i));
      rows.push(row);
    }
    index += count;
  }
  return lockstep(batch, rows);
}

describe("compiled code", () => {
  for (const name of fixtureNames())
    it(`agrees with the interpreter over isa/${name}`, () => {
      const result = run(name);
      expect(result.differing).toEqual([]);
      expect(result.compiled.size).toBeGreaterThanOrEqual(COMPILED[name] ?? 0);
    });
});
