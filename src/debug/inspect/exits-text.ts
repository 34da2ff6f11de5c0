/** VM exits by reason, as the monitor and the command line show them. */
import type { ExitCount } from "../../core/core.ts";

const BAR = 40;

/** A histogram, the most frequent first. */
export function exitsText(counts: readonly ExitCount[]): string {
  if (counts.length === 0) return "there were no VM exits";
  const sorted = [...counts].sort((a, b) => b.count - a.count);
  const total = counts.reduce((sum, { count }) => sum + count, 0);
  const fast = counts.reduce((sum, c) => sum + c.fast, 0);
  const width = Math.max(...sorted.map(({ name }) => name.length));
  const row = (name: string, count: number | string, answered: number | string, bar: string) =>
    `${name.padEnd(width)} ${String(count).padStart(12)} ${String(answered).padStart(12)}  ${bar}`.trimEnd();
  return [
    row("VM exit", "count", "fast", ""),
    ...sorted.map((c) => row(c.name, c.count, c.fast, "#".repeat(Math.ceil((BAR * c.count) / sorted[0].count)))),
    row("all", total, fast, ""),
  ].join("\n");
}
