/** From timings to slowdowns against native: best and median per kernel, geometric means, the table, and the record of a run. */
import { FLOAT, INTEGER, type Kernel, type Timing } from "./kernels.ts";
import type { System } from "./systems.ts";

/** All rounds of one system. */
export interface Measured {
  readonly system: System;
  readonly timings: readonly Timing[];
}

interface Figures {
  readonly best: number;
  readonly median: number;
}

/** What a run leaves in bench/results.jsonl: microseconds per repetition, slowdown against native (best against best). */
export interface SystemRecord {
  readonly name: string;
  readonly version: string;
  readonly scale: number;
  readonly best: Readonly<Record<string, number>>;
  readonly median: Readonly<Record<string, number>>;
  readonly slowdown?: Readonly<Record<string, number>>;
  readonly geomean?: { readonly all: number; readonly allMedians: number; readonly integer?: number; readonly float?: number };
}

/** Fails if two systems got different results for the same work. Returns how many results were compared. */
export function compareChecksums(all: readonly Measured[]): number {
  const seen = new Map<string, { checksum: string; by: string }>();
  let compared = 0;
  for (const { system, timings } of all)
    for (const { kernel, reps, checksum } of timings) {
      const key = `${kernel} × ${reps}`;
      const other = seen.get(key);
      if (other === undefined) seen.set(key, { checksum, by: system.name });
      else if (other.checksum !== checksum) throw new Error(`${key}: ${system.name} computed ${checksum}, ${other.by} ${other.checksum}`);
      else if (other.by !== system.name) compared++;
    }
  return compared;
}

export function records(all: readonly Measured[], kernels: readonly Kernel[]): readonly SystemRecord[] {
  const figures = all.map((m) => new Map(kernels.map((k) => [k, figuresOf(m.timings.filter((t) => t.kernel === k))])));
  const native = figures[all.findIndex((m) => m.system.name === "native")];
  return all.map(({ system }, i) => {
    const { name, version, scale } = system;
    const column = (f: (k: Kernel) => number) => Object.fromEntries(kernels.map((k) => [k, significant(f(k))]));
    const base = { name, version, scale, best: column((k) => at(i, k).best), median: column((k) => at(i, k).median) };
    if (native === undefined) return base;
    const slowdown = (k: Kernel): number => at(i, k).best / native.get(k)!.best;
    const mean = (list: readonly Kernel[]): number => significant(geometricMean(list.map(slowdown)));
    const complete = (list: readonly Kernel[]): boolean => list.every((k) => kernels.includes(k));
    const geomean = {
      all: mean(kernels),
      allMedians: significant(geometricMean(kernels.map((k) => at(i, k).median / native.get(k)!.median))),
      ...(complete(INTEGER) ? { integer: mean(INTEGER) } : {}),
      ...(complete(FLOAT) ? { float: mean(FLOAT) } : {}),
    };
    return { ...base, slowdown: column(slowdown), geomean };
  });

  function at(i: number, kernel: Kernel): Figures {
    return figures[i].get(kernel)!;
  }
}

/** Slowdown against native, kernel by system; microseconds per repetition where there is no native run. */
export function table(systems: readonly SystemRecord[], kernels: readonly Kernel[]): string {
  const rows = [["kernel", ...systems.map((s) => s.name)]];
  for (const k of kernels) rows.push([k, ...systems.map((s) => (s.slowdown ?? s.best)[k].toFixed(1))]);
  const means = [
    ["geomean integer (12)", "integer"],
    ["geomean FP (2)", "float"],
    [`geomean all (${kernels.length})`, "all"],
    ["the same, medians", "allMedians"],
  ] as const;
  for (const [title, key] of means)
    if (systems.some((s) => s.geomean?.[key] !== undefined)) rows.push([title, ...systems.map((s) => s.geomean?.[key]?.toFixed(1) ?? "-")]);
  const widths = rows[0].map((_, c) => Math.max(...rows.map((r) => r[c].length)));
  return rows.map((r) => r.map((text, c) => (c === 0 ? text.padEnd(widths[c]) : text.padStart(widths[c]))).join("  ")).join("\n");
}

export function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, v) => sum + Math.log(v), 0) / values.length);
}

/** microseconds per repetition */
function figuresOf(timings: readonly Timing[]): Figures {
  const sorted = timings.map((t) => (t.seconds * 1e6) / t.reps).sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return { best: sorted[0], median: (sorted[Math.ceil(middle) - 1] + sorted[Math.floor(middle)]) / 2 };
}

/** Four digits are more than any timing here deserves. */
function significant(value: number): number {
  return Number(value.toPrecision(4));
}
