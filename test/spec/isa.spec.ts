/** The instruction tables: well-formed, complete, unambiguous, and each row what objdump takes its bytes for. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { disassemble } from "../../src/debug/disassemble.ts";
import { isa } from "../../src/spec/isa/all.ts";
import type { Row } from "../../src/spec/isa/row.ts";
import { operandCode } from "../../src/spec/operands.ts";
import { FIXTURES } from "../debug/objdump.ts";
import { encode, modesOf } from "./encode.ts";

/** Bytes by name and inclusive ranges: "04 24-27". */
function opcodes(text: string): Set<number> {
  const ranges = text
    .trim()
    .split(/\s+/)
    .map((part) => part.split("-").map((hex) => Number.parseInt(hex, 16)));
  return new Set(ranges.flatMap(([first, last = first]) => Array.from({ length: last - first + 1 }, (_, i) => first + i)));
}

/** SDM Vol. 2 "One-byte Opcode Map" and "Two-byte Opcode Map": prefixes and escapes, and what is left blank. */
const PREFIXES = opcodes("0F 26 2E 36 3E 64-67 F0 F2 F3");
const INVALID_64 = opcodes("06 07 0E 16 17 1E 1F 27 2F 37 3F 40-4F 60-62 82 9A C4 C5 CE D4-D6 EA");
const UNDEFINED_0F = opcodes("04 0A 0C 0E 0F 24-27 36 38-3F 7A 7B A6 A7");
const ONLY_64_0F = opcodes("05 07");

const covered = (rows: readonly Row[], map: string) =>
  new Set(rows.filter((r) => r.map === map).flatMap((r) => Array.from({ length: 1 << r.opcodeBits }, (_, i) => r.opcode + i)));
const all = Array.from({ length: 256 }, (_, i) => i);
const hex = (numbers: Iterable<number>) => [...numbers].map((n) => n.toString(16)).join(" ");

describe("instruction rows", () => {
  test("know their operands", () => {
    for (const row of isa) for (const text of row.operands) expect(operandCode(text), `${row.source} ${text}`).toBeDefined();
  });

  test("have at most one memory operand that LOCK could mean, the first", () => {
    for (const row of isa.filter((r) => r.attributes.has("lock"))) expect(row.operands[0], row.source).toMatch(/^[EM]/);
  });

  test("never have the same encoding twice", () => {
    const seen = new Map<string, string>();
    for (const row of isa) {
      const { map, opcode, opcodeBits, prefix, w, l, operandSize, addressSize, modrm, attributes } = row;
      const valid = attributes.has("i64") ? "i64" : attributes.has("o64") ? "o64" : "";
      const key = JSON.stringify([map, opcode, opcodeBits, prefix, w, l, operandSize, addressSize, modrm, valid]);
      expect(seen.get(key), row.source).toBeUndefined();
      seen.set(key, row.source);
    }
  });

  test.each([16, 32, 64] as const)("cover the one-byte map in %i-bit code", (mode) => {
    const invalid = mode === 64 ? INVALID_64 : new Set<number>();
    const rows = isa.filter((r) => !r.attributes.has(mode === 64 ? "i64" : "o64"));
    const have = covered(rows, "");
    expect(hex(all.filter((n) => !PREFIXES.has(n) && !invalid.has(n) && !have.has(n)))).toBe("");
    expect(hex([...have].filter((n) => PREFIXES.has(n) || invalid.has(n)))).toBe("");
  });

  test.each([32, 64] as const)("cover the 0F map in %i-bit code", (mode) => {
    const rows = isa.filter((r) => !r.attributes.has(mode === 64 ? "i64" : "o64"));
    const have = covered(rows, "0F");
    const missing = mode === 64 ? UNDEFINED_0F : new Set([...UNDEFINED_0F, ...ONLY_64_0F]);
    expect(hex(all.filter((n) => !have.has(n)))).toBe(hex([...missing].sort((a, b) => a - b)));
  });

  test("decode back to themselves", () => {
    for (const row of isa)
      for (const mode of modesOf(row)) {
        const bytes = encode(row, mode);
        const { row: found, length } = disassemble(bytes, 0, { mode, address: 0n });
        expect(`${found?.source} ${length}`, Buffer.from(bytes).toString("hex")).toBe(`${row.source} ${bytes.length}`);
      }
  });

  test("are what objdump takes their bytes for", () => {
    const recorded = new Set(
      readFileSync(`${FIXTURES}rows.txt`, "utf8")
        .split("\n")
        .map((line) => line.split("\t"))
        .map(([mode, , bytes]) => `${mode} ${bytes}`),
    );
    for (const row of isa)
      for (const mode of modesOf(row)) {
        const key = `${mode} ${Buffer.from(encode(row, mode)).toString("hex")}`;
        // objdump shows fewer bytes where it knows no instruction
        const known = Array.from({ length: 15 }, (_, cut) => key.slice(0, key.length - 2 * cut)).some((k) => recorded.has(k));
        expect(known, `${row.source}, ${key}: record anew with node .scripts/ts.mjs test/debug/record-objdump.ts`).toBe(true);
      }
  });
});
