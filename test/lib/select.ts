/** Which rows a run takes: those that can be compared and whose semantics exist, filtered by a pattern. */
import { readdirSync, readFileSync } from "node:fs";
import { isa } from "../../src/spec/isa/all.ts";
import type { Row } from "../../src/spec/isa/row.ts";
import { semanticsOf } from "../../src/spec/semantics.ts";
import { excluded } from "./excluded.ts";

const SEMANTICS = new URL("../../assembly/semantics/", import.meta.url);
/** decoded as undefined until they are built: the expected result is #UD, which they are compared with */
const UNDEFINED = new Set(["vmx", "smx"]);

function semantics(): ReadonlySet<string> {
  const files = readdirSync(SEMANTICS, { recursive: true, encoding: "utf8" }).filter((f) => f.endsWith(".ts"));
  return new Set(files.flatMap((f) => semanticsOf(f, readFileSync(new URL(f, SEMANTICS), "utf8")).map((s) => s.name)));
}

/** Whether a row's semantics exist, or it is meant to raise #UD. */
export function isBuilt(): (row: Row) => boolean {
  const built = semantics();
  return (row) => built.has(row.semantics) || UNDEFINED.has(row.feature);
}

/**
 * All comparable rows, or those whose mnemonic matches a pattern as a whole, or else those with the pattern anywhere in "bytes mnemonic
 * semantics table:line".
 */
export function selectRows(only: string | undefined): readonly Row[] {
  const built = isBuilt();
  const comparable = isa.filter((row) => excluded(row) === undefined && built(row));
  if (only === undefined) return comparable;
  const whole = new RegExp(`^(?:${only})$`);
  const exact = comparable.filter((row) => whole.test(row.mnemonic));
  if (exact.length > 0) return exact;
  const part = new RegExp(only);
  return comparable.filter((row) => part.test(`${row.bytes} ${row.mnemonic} ${row.semantics} ${row.source}`));
}
