/**
 * Runs rows of recorded operations: "control operand… = flags result…" in hexadecimal, two digits a byte. A result is missing where an
 * unmasked exception leaves none.
 */

import { readFileSync } from "node:fs";
import asc from "assemblyscript/asc";

export interface Fixture {
  readonly recorded: string;
  readonly cases: Readonly<Record<string, readonly string[]>>;
}

interface Exports {
  readonly memory: WebAssembly.Memory;
  readonly operandCell: (index: number) => number;
  readonly resultCell: (index: number) => number;
  readonly raised: () => number;
}

export type Core = Exports & Record<string, (control: number) => void>;

const BINARY = "build/float80.test.wasm";
const UNTOUCHED = 0xcc;

export function readFixture(part: string): Fixture {
  return JSON.parse(readFileSync(`test/fixtures/float80/${part}.json`, "utf8")) as Fixture;
}

export async function compile(): Promise<Core> {
  const { error, stderr } = await asc.main(["--config", "test/float80/asconfig.json"], {});
  if (error) throw new Error(stderr.toString());
  const { instance } = await WebAssembly.instantiate(readFileSync(BINARY), { env: { abort: () => undefined } });
  return instance.exports as unknown as Core;
}

/** The row as this implementation would have recorded it. */
export function run(core: Core, op: string, row: string): string {
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
