/** Replays on the core what `npm run record` recorded on a real CPU; needs no native run, so it works on any host. */
import { describe, expect, it } from "vitest";
import { isa } from "../src/spec/isa/all.ts";
import { compare } from "./lib/compare.ts";
import { CoreTarget } from "./lib/core.ts";
import { coverage } from "./lib/coverage.ts";
import { fixtureNames, readFixture } from "./lib/fixture.ts";
import { printFinding } from "./lib/print.ts";
import { isBuilt } from "./lib/select.ts";

const rowByBytes = new Map(isa.map((row) => [row.bytes, row]));

describe("recorded cases", () => {
  const core = new CoreTarget();
  const built = isBuilt();
  for (const name of fixtureNames()) {
    const { header, batch, results } = readFixture(name);
    // rows without semantics cannot be replayed: the title counts them, so that they are seen
    const missing = header.rows.filter(([bytes]) => !built(rowByBytes.get(bytes) as (typeof isa)[number])).length;
    it(`${name}: ${header.rows.length - missing} of ${header.rows.length} rows built`, () => {
      const rows = header.rows.flatMap(([bytes, count]) => {
        const row = rowByBytes.get(bytes);
        if (row === undefined) throw new Error(`no row ${bytes} any more: npm run record`);
        return new Array<typeof row>(count).fill(row);
      });
      const different: string[] = [];
      compare(batch, rows, results, core.run(batch), (index, found) => {
        if (built(rows[index])) different.push(printFinding({ row: rows[index], record: batch.record(index), found }));
      });
      expect(different).toEqual([]);
    });
  }
});

describe("coverage", () => {
  it("names every row once", () => {
    const twins = isa.filter((row) => rowByBytes.get(row.bytes) !== row).map((row) => row.bytes);
    expect(twins).toEqual([]);
  });

  it("has cases for every row, or says how it is tested otherwise", () => {
    const bare = coverage().filter((c) => c.cases === 0 && c.excluded === undefined);
    expect(bare.map((c) => `${c.row.bytes} ${c.row.mnemonic}`)).toEqual([]);
  });
});
