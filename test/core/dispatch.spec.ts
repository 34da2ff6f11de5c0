/**
 * The interpreter lives from dense switches that become one `br_table` each: read back from the built core's text, because neither
 * AssemblyScript nor Binaryen promises it.
 */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";

const wat = readFileSync("build/core.wat", "utf8");
const FOLDER = "assembly/generated";
const switches = readdirSync(FOLDER).filter((name) => /^(interpret|group\d+|emit)\.ts$/.test(name));

/** the longest jump table of each function, in targets without the default */
const tables = new Map<string, number>();
let current = "";
for (const line of wat.split("\n")) {
  const start = /^ \(func \$(\S+)/.exec(line);
  if (start !== null) current = start[1];
  if (line.includes("br_table")) tables.set(current, Math.max(tables.get(current) ?? 0, line.split("$case").length - 2));
}

function cases(name: string): number {
  const text = readFileSync(`${FOLDER}/${name}`, "utf8");
  return Math.max(...[...text.matchAll(/function (\w+)[\s\S]*?\n}\n/g)].map(([body]) => body.split(/\bcase \d+:/).length - 1));
}

/** of all functions of a generated file */
function longestTable(name: string): number {
  const prefix = `${FOLDER}/${name.slice(0, -3)}/`;
  return Math.max(0, ...[...tables].filter(([f]) => f.startsWith(prefix)).map(([, length]) => length));
}

describe("dispatch", () => {
  test.each(switches)("%s is one br_table", (name) => {
    // Binaryen trims targets at either end that lead to the same code as the default or as each other
    expect(longestTable(name)).toBeGreaterThan(0.9 * cases(name));
  });

  test("the hot switch has at most 128 cases", () => {
    expect(cases("interpret.ts")).toBeLessThanOrEqual(128);
  });
});
