/**
 * The software floating point against recorded results of a real CPU: every rounding, precision control, mask, FTZ and DAZ occurs in the
 * fixtures.
 */

import { beforeAll, describe, expect, test } from "vitest";
import { type Core, compile, readFixture, run } from "./harness.ts";

let core: Core;

beforeAll(async () => {
  core = await compile();
}, 60_000);

for (const part of ["sse", "x87", "correctly-rounded"]) {
  const { recorded, cases } = readFixture(part);
  describe(`${part}, ${recorded}`, () => {
    for (const [op, rows] of Object.entries(cases)) test(op, () => expect(rows.map((row) => run(core, op, row))).toEqual(rows));
  });
}

const { recorded, cases } = readFixture("transcendental");
describe(`transcendental, within one unit in the last place and but for C1, ${recorded}`, () => {
  for (const [op, rows] of Object.entries(cases)) {
    test(op, () => expect(rows.filter((row) => !isNear(run(core, op, row), row))).toEqual([]));
  }
});

function isNear(actual: string, recorded: string): boolean {
  const [flags = "", ...results] = actual.split(" = ")[1]?.split(" ") ?? [];
  const [recordedFlags = "", ...recordedResults] = recorded.split(" = ")[1]?.split(" ") ?? [];
  return (
    withoutC1(flags) === withoutC1(recordedFlags) && results.every((result, i) => isNextTo(order(result), order(recordedResults[i] ?? "")))
  );
}

function isNextTo(a: bigint, b: bigint): boolean {
  return a - b >= -1n && a - b <= 1n;
}

/** An 80-bit number's place among its neighbours: exponent and fraction without the integer bit. */
function order(digits: string): bigint {
  const top = BigInt(`0x${digits.slice(0, 4)}`);
  const magnitude = ((top & 0x7fffn) << 63n) + BigInt.asUintN(63, BigInt(`0x${digits.slice(4)}`));
  return top >> 15n ? -magnitude : magnitude;
}

function withoutC1(flags: string): number {
  return Number.parseInt(flags, 16) & ~0x200;
}
