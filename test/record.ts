/**
 * npm run record: records cases of every comparable row on this CPU into test/fixtures/native, one file for each table.
 *
 *     npm run record -- [--seed S] [--cases N]      N cases for each row
 */
import { mkdirSync } from "node:fs";
import { parseArgs } from "node:util";
import { isa } from "../src/spec/isa/all.ts";
import { Batch } from "./lib/batch.ts";
import { excluded } from "./lib/excluded.ts";
import { FIXTURES, writeFixture } from "./lib/fixture.ts";
import { Generator } from "./lib/generate.ts";
import { cpuName, hasNative, NativeTarget } from "./lib/native.ts";
import { Random } from "./lib/random.ts";

const { values } = parseArgs({ options: { seed: { type: "string", default: "1" }, cases: { type: "string", default: "16" } } });
if (!hasNative) {
  console.error("recording needs an x86-64 CPU under Linux");
  process.exit(2);
}
mkdirSync(FIXTURES, { recursive: true });
const seed = Number(values.seed);
const count = Number(values.cases);
const native = new NativeTarget();
let total = 0;
for (const table of new Set(isa.map((row) => tableOf(row.source)))) {
  const rows = isa.filter((row) => tableOf(row.source) === table && excluded(row) === undefined);
  const random = new Random(seed);
  const generator = new Generator(random, isa, { legacy: true, sparse: true });
  generator.renew();
  const batch = new Batch();
  for (const row of rows) for (let i = 0; i < count; i++) generator.make(row, batch);
  const header = {
    date: new Date().toISOString().slice(0, 10),
    cpu: cpuName(),
    seed,
    rows: rows.map((row) => [row.bytes, count] as const),
  };
  const bytes = writeFixture(table, header, batch, native.run(batch));
  total += bytes;
  console.log(
    `${table.padEnd(14)} ${`${rows.length}`.padStart(4)} rows ${`${batch.count}`.padStart(6)} cases ${`${bytes}`.padStart(8)} bytes`,
  );
}
native.close();
console.log(`${total} bytes in all`);

function tableOf(source: string): string {
  return source.replace(/^isa\//, "").replace(/:.*$/, "");
}
