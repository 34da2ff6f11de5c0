/**
 * Records objdump's answers as fixtures, so that the comparison runs where objdump is not installed:
 *
 *     node .scripts/ts.mjs test/debug/record-objdump.ts [FILE]
 *
 * rows.txt: for each instruction row and mode a plain and a random encoding. program.txt: from FILE (busybox by default) the first
 * instructions of each shape. Each line: mode, address, bytes, text; the first line says which objdump.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { disassemble, type Mode } from "../../src/debug/disassemble.ts";
import { isa } from "../../src/spec/isa/all.ts";
import { encode, modesOf, xorshift } from "../spec/encode.ts";
import { FIXTURES, type Line, MACHINE, PREFIXES_ONLY, parseLine } from "./objdump.ts";

const SLOT = 32;
const ARGUMENTS = ["-M", "intel,intel64", "--insn-width=16"];

function objdump(...args: string[]): Line[] {
  const text = execFileSync("objdump", [...args, ...ARGUMENTS], { encoding: "utf8", maxBuffer: 1 << 30 });
  return text
    .split("\n")
    .map(parseLine)
    .filter((line) => line !== undefined);
}

const written = (mode: Mode, { address, bytes, text }: Line) =>
  [mode, address.toString(16), Buffer.from(bytes).toString("hex"), text].join("\t");

/** Encodings stand in slots of their own, so that one that objdump reads too short does not shift the next. */
function recordRows(): string[] {
  mkdirSync("build", { recursive: true });
  const random = xorshift(0x5eed);
  return ([16, 32, 64] as const).flatMap((mode) => {
    const encodings = isa.filter((row) => modesOf(row).includes(mode)).flatMap((row) => [encode(row, mode), encode(row, mode, random)]);
    const image = new Uint8Array(encodings.length * SLOT).fill(0x90);
    for (const [i, bytes] of encodings.entries()) image.set(bytes, i * SLOT);
    writeFileSync("build/encodings.bin", image);
    const lines = objdump("-D", "-b", "binary", "-m", MACHINE[mode], "build/encodings.bin");
    return lines.filter((line) => line.address % BigInt(SLOT) === 0n).map((line) => written(mode, line));
  });
}

/** A shape is the text without the numbers in it: which row, which registers, which addressing form. */
function recordProgram(file: string): string[] {
  const seen = new Map<string, number>();
  return objdump("-d", "-j", ".text", file)
    .filter((line) => {
      const { row } = disassemble(line.bytes, 0, { mode: 64, address: line.address });
      if (row === undefined || PREFIXES_ONLY.test(line.text)) return false;
      const operands = line.text.replace(/0x[0-9a-f]+/g, "N").replace(/\b(r|e)?[abcds][xilphb]+\b|\br\d+[dwb]?\b/g, "R");
      const shape = `${row.source} ${operands.replace(/xmm\d+/g, "X")}`;
      seen.set(shape, (seen.get(shape) ?? 0) + 1);
      return (seen.get(shape) as number) <= 1;
    })
    .map((line) => written(64, line));
}

const version = execFileSync("objdump", ["--version"], { encoding: "utf8" }).split("\n")[0];
const banner = `# ${version}, ${ARGUMENTS.slice(0, 2).join(" ")}`;
const file = process.argv[2] ?? "/bin/busybox";
writeFileSync(`${FIXTURES}rows.txt`, `${banner}\n${recordRows().join("\n")}\n`);
writeFileSync(`${FIXTURES}program.txt`, `${banner}; from Debian's busybox-static\n${recordProgram(file).join("\n")}\n`);
