// The software floating point against recorded results of a real CPU: every rounding, precision control, mask, FTZ and DAZ occurs in the fixtures.

import { readFileSync } from "node:fs";
import asc from "assemblyscript/asc";
import { beforeAll, describe, expect, test } from "vitest";

/** A row is "control operand… = flags result…" in hexadecimal, two digits a byte. A result is missing where an unmasked exception leaves none. */
interface Fixture {
  readonly recorded: string;
  readonly cases: Readonly<Record<string, readonly string[]>>;
}

interface Exports {
  readonly memory: WebAssembly.Memory;
  readonly operandCell: (index: number) => number;
  readonly resultCell: (index: number) => number;
  readonly raised: () => number;
}

const BINARY = "build/float80.test.wasm";
const UNTOUCHED = 0xcc;

let core: Exports & Record<string, (control: number) => void>;

beforeAll(async () => {
  const { error, stderr } = await asc.main(["--config", "test/float80/asconfig.json"], {});
  if (error) throw new Error(stderr.toString());
  const { instance } = await WebAssembly.instantiate(readFileSync(BINARY), { env: { abort: () => expect.fail("abort") } });
  core = instance.exports as unknown as typeof core;
}, 60_000);

for (const part of ["sse", "x87"]) {
  const { recorded, cases } = JSON.parse(readFileSync(`test/fixtures/float80/${part}.json`, "utf8")) as Fixture;
  describe(`${part}, ${recorded}`, () => {
    for (const [op, rows] of Object.entries(cases)) test(op, () => expect(rows.map((row) => run(op, row))).toEqual(rows));
  });
}

/** The row as this implementation would have recorded it. */
function run(op: string, row: string): string {
  const [input = "", output = ""] = row.split(" =");
  const [control = "", ...operands] = input.split(" ");
  const [, , ...results] = output.split(" ");
  const memory = new Uint8Array(core.memory.buffer);
  for (const [i, operand] of operands.entries()) memory.set(bytes(operand), core.operandCell(i));
  memory.fill(UNTOUCHED, core.resultCell(0), core.resultCell(2));
  core[`${op}Row`]?.(Number.parseInt(control, 16));
  const actual = results.map((result, i) => ` ${hex(memory.subarray(core.resultCell(i)).subarray(0, result.length / 2))}`);
  return `${input} = ${core.raised().toString(16)}${actual.join("")}`;
}

function bytes(digits: string): Buffer {
  return Buffer.from(digits, "hex").reverse();
}

function hex(cell: Uint8Array): string {
  return Buffer.from(cell).reverse().toString("hex");
}
