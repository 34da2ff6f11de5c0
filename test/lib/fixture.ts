/**
 * Recorded cases: one file for each table of rows, made by `npm run record` and replayed on any host. A line of JSON says when and on which
 * CPU; behind it, compressed, are the cases as they stand in a batch and the results as the bytes in which they differ from the cases.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { brotliCompressSync, brotliDecompressSync, constants } from "node:zlib";
import { type Batch, parseBatch } from "./batch.ts";

export interface FixtureHeader {
  readonly date: string;
  readonly cpu: string;
  readonly seed: number;
  /** the rows by their bytes, with the number of their cases, in the order of the cases */
  readonly rows: readonly (readonly [string, number])[];
  /** length of the cases; the results are as long */
  readonly bytes: number;
}

export interface Fixture {
  readonly header: FixtureHeader;
  readonly batch: Batch;
  readonly results: Uint8Array;
}

export const FIXTURES = new URL("../fixtures/native/", import.meta.url);
const NEWLINE = 10;

export function fixtureNames(): string[] {
  return readdirSync(FIXTURES)
    .filter((name) => name.endsWith(".bin"))
    .map((name) => name.slice(0, -".bin".length))
    .sort();
}

export function writeFixture(name: string, header: Omit<FixtureHeader, "bytes">, batch: Batch, results: Uint8Array): number {
  const cases = batch.bytes;
  const both = new Uint8Array(2 * cases.length);
  both.set(cases);
  for (let i = 0; i < cases.length; i++) both[cases.length + i] = cases[i] ^ results[i];
  const packed = brotliCompressSync(both, {
    params: { [constants.BROTLI_PARAM_LGWIN]: 24, [constants.BROTLI_PARAM_SIZE_HINT]: both.length },
  });
  const line = Buffer.from(`${JSON.stringify({ ...header, bytes: cases.length })}\n`);
  writeFileSync(new URL(`${name}.bin`, FIXTURES), Buffer.concat([line, packed]));
  return line.length + packed.length;
}

export function readFixture(name: string): Fixture {
  const file = readFileSync(new URL(`${name}.bin`, FIXTURES));
  const end = file.indexOf(NEWLINE);
  const header = JSON.parse(file.toString("utf8", 0, end)) as FixtureHeader;
  const both = new Uint8Array(brotliDecompressSync(file.subarray(end + 1)));
  const cases = both.slice(0, header.bytes);
  const results = both.slice(header.bytes);
  for (let i = 0; i < cases.length; i++) results[i] ^= cases[i];
  return { header, batch: parseBatch(cases), results };
}
