/** Every statement about the VMM's behaviour has a test that carries its id, or a reason in the table. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { idsIn, STATEMENTS } from "./statements.ts";

const root = join(import.meta.dirname, "..");
const claims = new Map<string, string[]>();
for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
  const path = join(entry.parentPath, entry.name);
  if (!entry.name.endsWith(".ts") || /statements(\.spec)?\.ts$/.test(entry.name)) continue;
  for (const id of idsIn(readFileSync(path, "utf8"))) claims.set(id, [...(claims.get(id) ?? []), path.slice(root.length + 1)]);
}
const known = new Map(STATEMENTS.map((statement) => [statement.id, statement]));
const open = STATEMENTS.filter(({ id, untested }) => untested === undefined && !claims.has(id)).map(({ id }) => id);

it("no statement stands twice in the table", () => {
  expect(known.size).toBe(STATEMENTS.length);
});

it("tests name only statements that exist", () => {
  expect([...claims].filter(([id]) => !known.has(id))).toEqual([]);
});

it("a statement that is excused has no test", () => {
  expect(STATEMENTS.filter(({ id, untested }) => untested !== undefined && claims.has(id))).toEqual([]);
});

it("every statement is tested or excused", () => {
  const excused = STATEMENTS.filter(({ untested }) => untested !== undefined).length;
  const differs = STATEMENTS.filter((statement) => statement.differs !== undefined).length;
  const tested = STATEMENTS.length - excused - open.length;
  console.log(`${STATEMENTS.length} statements: ${tested} tested (${differs} decided otherwise), ${excused} excused, ${open.length} open`);
  if (open.length > 0) console.log(`open: ${open.join(" ")}`);
  expect(open).toEqual([]);
});

it("ids are read from titles: one, several, not of skipped tests, not of anything else", () => {
  const source = 'it("DRV-6 load", f); it(`POOL-3 POOL-4: x`, g);\nit.skip("MM-1 not", h);\nconst utf = "UTF-8 is"; it("CHK-C a", i)';
  expect(idsIn(source)).toEqual(["DRV-6", "POOL-3", "POOL-4", "CHK-C"]);
});
