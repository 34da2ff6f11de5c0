/**
 * Tells the core which CPU it is: the features whose instructions it decodes, its MSRs, the answers of CPUID, and which
 * bits of control registers there are, in its linear memory.
 */
import { type CpuModel, controls, enabledFeatures, leaves } from "../spec/cpuid.ts";
import { MSRS } from "../spec/msrs.ts";

/** addresses in linear memory that the core names */
export interface ModelPlaces {
  readonly features: number;
  readonly msrs: number;
  readonly cpuid: number;
  readonly controls: number;
}

/** Layout: number of leaves, highest basic and highest extended leaf, then six words for each leaf. assembly/cpu/cpuid.ts reads it. */
const HEADER_WORDS = 3;

export function writeModel(memory: WebAssembly.Memory, places: ModelPlaces, model: CpuModel): void {
  const enabled = enabledFeatures(model).map((on) => (on ? 1 : 0));
  new Uint8Array(memory.buffer, places.features, enabled.length).set(enabled);
  const present = MSRS.map(({ feature }) => (feature === undefined || model.features.includes(feature) ? 1 : 0));
  new Uint8Array(memory.buffer, places.msrs, present.length).set(present);
  const table = leaves(model);
  const highest = (extended: boolean) => table.find((l) => l.leaf === (extended ? 0x8000_0000 : 0))?.eax ?? 0;
  const words = [table.length, highest(false), highest(true), ...table.flatMap((l) => [l.leaf, l.subleaf, l.eax, l.ebx, l.ecx, l.edx])];
  if (words.length !== HEADER_WORDS + 6 * table.length) throw new Error(`CPU model ${model.name}: a leaf has no six words`);
  new Uint32Array(memory.buffer, places.cpuid, words.length).set(words);
  const { cr4, xcr0, gigabytePages } = controls(model);
  new BigUint64Array(memory.buffer, places.controls, 3).set([cr4, xcr0, gigabytePages ? 1n : 0n]);
}
