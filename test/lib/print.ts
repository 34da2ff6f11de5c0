/** A difference for people: the instruction, a command that reproduces it, and what each side made of every part that differs. */
import { disassemble } from "../../src/debug/disassemble.ts";
import { caseText, codeOf } from "./case-text.ts";
import { hex, parts, vectorName } from "./compare.ts";
import { AT, CS32, CS64 } from "./layout.ts";
import type { Finding } from "./shrink.ts";

const FLAG_NAMES: readonly (readonly [number, string])[] = [
  [1, "cf"],
  [4, "pf"],
  [16, "af"],
  [64, "zf"],
  [128, "sf"],
  [0x100, "tf"],
  [0x400, "df"],
  [0x800, "of"],
  [0x4000, "nt"],
  [0x4_0000, "ac"],
  [0x20_0000, "id"],
];

export const flagNames = (flags: number): string =>
  FLAG_NAMES.filter(([bit]) => (flags & bit) !== 0)
    .map(([, name]) => name)
    .join(" ") || "-";

export function printFinding({ row, record, found }: Finding): string {
  const v = new DataView(record.buffer, record.byteOffset, record.byteLength);
  const cs = v.getUint16(AT.cs, true);
  const mode = cs === CS64 ? 64 : cs === CS32 ? 32 : 16;
  const code = codeOf(record);
  const { length, text } = disassemble(code, 0, { mode, address: BigInt(v.getUint32(AT.rip, true)) });
  const bytes = [...code.subarray(0, length)].map((b) => b.toString(16).padStart(2, "0")).join(" ");
  const lines = [`${text}   (${mode}-bit: ${bytes}; row ${row.bytes} of ${row.source})`];
  const show = (name: string, value: string): string =>
    name === "rflags" ? flagNames(Number.parseInt(value, 16)) : name === "vector" ? vectorName(Number.parseInt(value, 16)) : value;
  const cells = [["", "before", "this CPU", "minusone"]];
  const shown = new Set(found.map((d) => d.name));
  // the code is the last window, and shown already
  const codeAt = code.byteOffset - record.byteOffset;
  for (const part of parts(v)) {
    const d = found.find(({ name }) => name === part.name);
    if (d !== undefined) {
      const before = /vector|error code|cr2/.test(d.name) ? "" : show(d.name, d.before);
      cells.push([d.name, before, show(d.name, d.native), show(d.name, d.ours)]);
    } else if (part.at < codeAt && interesting(part.name, hex(v, part.at, part.bytes)) && !shown.has(part.name)) {
      cells.push([part.name, show(part.name, hex(v, part.at, part.bytes)), "", ""]);
    }
  }
  const width = [0, 1, 2].map((i) => Math.max(...cells.map((c) => c[i].length)));
  for (const c of cells) lines.push(`  ${c.map((text, i) => text.padEnd(width[i] ?? 0)).join("  ")}`.trimEnd());
  lines.push(`  npm run fuzz -- --case ${caseText(row, record)}`);
  return lines.join("\n");
}

/** Parts that are not as a case without wishes has them. */
function interesting(name: string, value: string): boolean {
  if (/^(vector|error code|cr2|[cdefgs]s)$/.test(name)) return false;
  if (name === "rip" || name === "rflags") return name === "rip" || value !== "00000202";
  if (name === "fcw") return value !== "037f";
  if (name === "mxcsr") return value !== "00001f80";
  if (name === "ftw") return value !== "ff";
  if (name.startsWith("memory")) return !/^(cc)*$/.test(value) && !/^0*$/.test(value);
  return !/^0*$/.test(value);
}
