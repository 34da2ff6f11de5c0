/**
 * Compares our disassembly of an ELF's code, or of raw bytes, with objdump's:
 *
 *     node .scripts/ts.mjs test/debug/objdump-diff.ts FILE [--section .text] [--raw 16|32|64] [--show N]
 *
 * Exit status 1 if anything differs. test/debug/objdump.ts says what is normalised.
 */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import type { Mode } from "../../src/debug/disassemble.ts";
import { compare, MACHINE, ours, parseLine, type Verdict } from "./objdump.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { section: { type: "string", default: ".text" }, raw: { type: "string" }, show: { type: "string", default: "40" } },
});
const [file] = positionals;
if (file === undefined) {
  console.error("usage: objdump-diff.ts FILE [--section .text] [--raw 16|32|64] [--show N]");
  process.exit(2);
}
const mode = Number(values.raw ?? 64) as Mode;
const what = values.raw === undefined ? ["-d", "-j", values.section] : ["-D", "-b", "binary", "-m", MACHINE[mode]];
const objdump = spawn("objdump", [...what, "-M", "intel,intel64", "--insn-width=16", file], { stdio: ["ignore", "pipe", "inherit"] });

const counts: Record<Verdict, number> = { same: 0, different: 0, vector: 0, split: 0, bad: 0 };
const kinds = new Map<string, number>();
let skip = false;
for await (const text of createInterface({ input: objdump.stdout, crlfDelay: Number.POSITIVE_INFINITY })) {
  const line = parseLine(text);
  if (line === undefined) continue;
  const verdict: Verdict = skip ? "split" : compare(line, mode);
  skip = verdict === "split" && !skip;
  counts[verdict]++;
  if (verdict !== "different") continue;
  const kind = `${line.text.split(" ")[0]} / ${ours(line, mode).split(" ")[0]}`;
  kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  if (counts.different <= Number(values.show)) {
    const hex = Buffer.from(line.bytes).toString("hex");
    console.log(`${line.address.toString(16)} ${hex}\n  objdump ${line.text}\n  ours    ${ours(line, mode)}`);
  }
}
for (const [kind, count] of [...kinds].sort((a, b) => b[1] - a[1]).slice(0, 40)) console.log(`${String(count).padStart(8)}  ${kind}`);
const total = Object.values(counts).reduce((a, b) => a + b, 0);
console.log(
  `${file}: ${total} instructions, ${counts.same} same, ${counts.different} different, ${counts.vector} vector, ${counts.split} split, ${counts.bad} bad`,
);
process.exitCode = counts.different === 0 ? 0 : 1;
