/**
 * Comparison of our disassembly with objdump's, instruction by instruction, at the addresses objdump found.
 *
 * What is normalised, and nothing else:
 * - symbols and remarks: `<main+0x12>` and everything from ` # ` or ` ; ` on; a branch target with a symbol has no 0x, we add it;
 * - objdump joins FWAIT with the x87 instruction behind it (`fstcw`), we show the two (`fwait`, `fnstcw`); joined before comparing;
 * - a REX prefix before another prefix is shown by objdump as an instruction of its own; such lines are counted as `split` and skipped
 *   together with the instruction behind;
 * - runs of blanks.
 * VEX, EVEX and XOP encodings without a row are counted as `vector` and not compared; `bad` is what objdump calls `(bad)`, or `.byte` at the
 * end, and we `(bad)` too.
 */
import { disassemble, type Mode } from "../../src/debug/disassemble.ts";

export interface Line {
  readonly address: bigint;
  readonly bytes: Uint8Array;
  readonly text: string;
}

export type Verdict = "same" | "different" | "vector" | "split" | "bad";

export const FIXTURES = new URL("../fixtures/objdump/", import.meta.url).pathname;
/** objdump's names for the modes */
export const MACHINE: Readonly<Record<Mode, string>> = { 16: "i8086", 32: "i386", 64: "i386:x86-64" };

const LINE = /^\s*([0-9a-f]+):\t((?:[0-9a-f]{2} )+)\s*(?:\t(.*))?$/;
export const PREFIXES_ONLY = /^(?:(?:rex(?:\.[WRXB]+)?|data(?:16|32)|addr(?:16|32)|lock|repn?z|[c-gs]s) ?)+$/;

/** One line of `objdump -d -M intel,intel64 --insn-width=16`; undefined if it is no instruction. */
export function parseLine(line: string): Line | undefined {
  const match = LINE.exec(line);
  if (match === null || match[3] === undefined) return undefined;
  const bytes = Uint8Array.from(match[2].trim().split(" "), (b) => Number.parseInt(b, 16));
  return { address: BigInt(`0x${match[1]}`), bytes, text: normalise(match[3]) };
}

export function normalise(text: string): string {
  const plain = text.replace(/\s+[#;] .*$/, "");
  return plain
    .replace(/(\s)([0-9a-f]+) <[^>]*(?:>[^>]*)*>$/, "$10x$2")
    .replace(/ <.*>$/, "")
    .trimEnd()
    .replace(/ +/g, " ");
}

export function ours(line: Line, mode: Mode): string {
  const { bytes, address } = line;
  const first = disassemble(bytes, 0, { mode, address });
  if (first.text !== "fwait" || bytes.length === 1)
    return first.length === bytes.length || first.row === undefined ? first.text : `${first.text} (${first.length} bytes)`;
  const second = disassemble(bytes, first.length, { mode, address });
  return second.length + first.length === bytes.length ? second.text.replace(/^fn(?=[sci])/, "f") : second.text;
}

export function compare(line: Line, mode: Mode): Verdict {
  if (PREFIXES_ONLY.test(line.text)) return "split";
  const text = ours(line, mode).replace(/ +/g, " ");
  if (text === line.text) return "same";
  if (/\(bad\)|^\.byte /.test(line.text) && text === "(bad)") return "bad";
  return text === "(bad)" && isVector(line.bytes, mode) ? "vector" : "different";
}

function isVector(bytes: Uint8Array, mode: Mode): boolean {
  let at = 0;
  while ([0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf2, 0xf3].includes(bytes[at])) at++;
  if (bytes[at] === 0x8f) return (bytes[at + 1] & 0x38) !== 0;
  return [0xc4, 0xc5, 0x62].includes(bytes[at]) && (mode === 64 || bytes[at + 1] >= 0xc0);
}
