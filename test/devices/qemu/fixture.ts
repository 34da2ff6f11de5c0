/**
 * Recorded accesses as text, one a line: nanoseconds since the one before, kind, port, value, all but the time in hexadecimal.
 *
 *     # QEMU emulator version …, recorded 2026-11-22, seed 1
 *     5662190 o 43 34
 *     17 i 40 ff
 */
import { readFileSync, writeFileSync } from "node:fs";

export interface Recorded {
  /** nanoseconds since power-on */
  readonly at: number;
  readonly kind: "out" | "in" | "in32" | "out16";
  readonly port: number;
  readonly value: number;
}

const KINDS = { out: "o", in: "i", in32: "I", out16: "O" } as const;
const FIXTURES = new URL("../../fixtures/devices/", import.meta.url);

export function writeRecorded(name: string, header: string, accesses: readonly Recorded[]): void {
  const lines = accesses.map(
    ({ at, kind, port, value }, i) => `${at - (accesses[i - 1]?.at ?? 0)} ${KINDS[kind]} ${port.toString(16)} ${value.toString(16)}`,
  );
  writeFileSync(new URL(`${name}.txt`, FIXTURES), `# ${header}\n${lines.join("\n")}\n`);
}

export function readRecorded(name: string): readonly Recorded[] {
  const kinds = new Map(Object.entries(KINDS).map(([kind, letter]) => [letter as string, kind as Recorded["kind"]]));
  let at = 0;
  return readFileSync(new URL(`${name}.txt`, FIXTURES), "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => {
      const [after, letter, port, value] = line.split(" ");
      at += Number(after);
      return { at, kind: kinds.get(letter)!, port: Number.parseInt(port, 16), value: Number.parseInt(value, 16) };
    });
}
