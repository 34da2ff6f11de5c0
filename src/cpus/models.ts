/** The CPU models by name, as `-cpu` takes them. */
import type { CpuModel } from "../spec/cpuid.ts";
import { max } from "./max.ts";
import { x86_64_v2 } from "./x86-64-v2.ts";

export const MODELS: readonly CpuModel[] = [x86_64_v2, max];

export class CpuModelError extends Error {
  constructor(name: string) {
    super(`there is no CPU model "${name}"; choose from ${MODELS.map((m) => m.name).join(", ")}`);
  }
}

/** A model by name, with features taken away and added: `max,-sse42,-popcnt`. */
export function cpuModel(text: string): CpuModel {
  const [name, ...changes] = text.split(",");
  const base = MODELS.find((m) => m.name === name);
  if (base === undefined) throw new CpuModelError(name);
  const features = new Set(base.features);
  for (const change of changes) {
    const feature = change.slice(1);
    if (change.startsWith("-") && features.has(feature)) features.delete(feature);
    else if (change.startsWith("+") && max.features.includes(feature)) features.add(feature);
    else throw new CpuModelError(text);
  }
  return { ...base, features: [...features] };
}
