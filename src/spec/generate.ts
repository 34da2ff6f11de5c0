/**
 * Prints assembly/generated from the tables of this folder and the signatures of assembly/semantics. Deterministic: the same tables give the
 * same text. Usage: node generate.js [folder of the core's sources]
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isa } from "./isa/all.ts";
import type { Row } from "./isa/row.ts";
import { ENGINE_KINDS, type Kind, type KindTable, numberKinds } from "./kinds.ts";
import { printCold, printEmit, printGroup, printInterpreter, printKinds } from "./print/dispatch.ts";
import { printMsrs } from "./print/msrs.ts";
import { printConstants, printState } from "./print/state.ts";
import { printDecodeTables } from "./print/tables.ts";
import { printVmx } from "./print/vmx.ts";
import { type Semantic, semanticsOf } from "./semantics.ts";

/** Rows of these features exist in the tables before the core executes them: they are decoded to their end, as a CPU without them does, and raise #UD. */
const NOT_IMPLEMENTED = new Set(["smx"]);

function readSemantics(assembly: string): Map<string, Semantic> {
  const found = new Map<string, Semantic>();
  const files = readdirSync(join(assembly, "semantics"), { recursive: true, encoding: "utf8" })
    .filter((f) => f.endsWith(".ts"))
    .sort();
  for (const file of files)
    for (const s of semanticsOf(`semantics/${file.slice(0, -3)}`, readFileSync(join(assembly, "semantics", file), "utf8"))) {
      const twin = found.get(s.name);
      if (twin !== undefined) throw new Error(`${s.name} is in ${twin.module} and in ${s.module}`);
      found.set(s.name, s);
    }
  return found;
}

/** Writes a file only if it changes, so that nothing is rebuilt for nothing. */
function write(path: string, text: string): void {
  if (!existsSync(path) || readFileSync(path, "utf8") !== text) writeFileSync(path, text);
}

/** Names of all kinds by number, for the profile. */
function kindNames(table: KindTable): Record<number, string> {
  const names: Record<number, string> = Object.fromEntries(ENGINE_KINDS.map((name, i) => [i, name]));
  const nameOf = (k: Kind) => `${k.semantic.name}${k.typeArguments.length > 0 ? `<${k.typeArguments.join()}>` : ""}.${k.width}`;
  for (const k of table.kinds) names[k.number] = nameOf(k);
  for (const h of table.hot) names[h.number] = `${nameOf(h.cold)} ${h.classes.join("")} (hot)`;
  for (const f of table.fused) names[f.number] = `${nameOf(f.hot.cold)} ${f.hot.classes.join("")} + jcc (fused)`;
  return names;
}

export function generate(assembly: string): void {
  const semantics = readSemantics(assembly);
  let rows: readonly Row[] = isa.map((r) => (NOT_IMPLEMENTED.has(r.feature) ? { ...r, semantics: "ud", typeArguments: [] } : r));
  if (process.env.MINUSONE_PENDING !== undefined) {
    const pending = rows.filter((r) => !semantics.has(r.semantics));
    console.error(`${pending.length} rows have no semantic yet: ${[...new Set(pending.map((r) => r.semantics))].join(" ")}`);
    rows = rows.filter((r) => semantics.has(r.semantics));
  }
  const table = numberKinds(rows, semantics);
  const out = join(assembly, "generated");
  mkdirSync(out, { recursive: true });
  const files: Record<string, string> = {
    "state.ts": printState(),
    "constants.ts": printConstants(),
    "decode-tables.ts": printDecodeTables(rows, table),
    "kinds.ts": printKinds(table),
    "msrs.ts": printMsrs(),
    "vmx.ts": printVmx(),
    "interpret.ts": printInterpreter(table),
    "cold.ts": printCold(table),
    "emit.ts": printEmit(table),
  };
  for (let g = 1; g <= table.groups; g++) files[`group${g}.ts`] = printGroup(table, g);
  for (const name of readdirSync(out)) if (!(name in files)) rmSync(join(out, name));
  for (const [name, text] of Object.entries(files)) write(join(out, name), text);
  mkdirSync("build", { recursive: true });
  write("build/kinds.json", JSON.stringify(kindNames(table), null, 1));
}

generate(process.argv[2] ?? "assembly");
