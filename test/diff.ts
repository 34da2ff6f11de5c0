/**
 * npm run diff: random cases by the interpreter and by compiled code, which share one set of semantics and must agree in every byte.
 *
 *     npm run diff -- [--seed S] [--cases N] [--only REGEX]
 *
 * Prints the rows that compiled code can run. The exit status is 1 if there was a difference.
 */
import { parseArgs } from "node:util";
import { isa } from "../src/spec/isa/all.ts";
import type { Row } from "../src/spec/isa/row.ts";
import { Batch } from "./lib/batch.ts";
import { caseText } from "./lib/case-text.ts";
import { Generator } from "./lib/generate.ts";
import { lockstep } from "./lib/lockstep.ts";
import { Random } from "./lib/random.ts";
import { selectRows } from "./lib/select.ts";

const BATCH = 2000;

const { values } = parseArgs({
  options: { seed: { type: "string", default: "1" }, cases: { type: "string", default: "10000" }, only: { type: "string" } },
});
const rows = selectRows(values.only);
const random = new Random(Number(values.seed));
const generator = new Generator(random, isa, { legacy: true });
const compiled = new Set<Row>();
let differences = 0;
for (let done = 0; done < Number(values.cases); done += BATCH) {
  random.seed(Number(values.seed), done);
  generator.renew();
  const batch = new Batch(1 << 22);
  const used: Row[] = [];
  for (let i = 0; i < BATCH; i++) {
    const row = rows[(done + i) % rows.length];
    used.push(row);
    generator.make(row, batch);
  }
  const result = lockstep(batch, used);
  for (const row of result.compiled) compiled.add(row);
  for (const index of result.differing) {
    if (differences++ < 5) console.log(`${used[index].mnemonic}: npm run fuzz -- --case ${caseText(used[index], batch.record(index))}`);
  }
}
for (const row of compiled) console.log(`  ${row.bytes.padEnd(20)} ${row.mnemonic} ${row.operands.join(", ")}`);
console.log(`${values.cases} cases, seed ${values.seed}: ${differences} differences; ${compiled.size} of ${rows.length} rows compiled`);
if (differences > 0) process.exitCode = 1;
