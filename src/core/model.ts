/**
 * Tells the core which CPU it is: the features whose instructions it decodes, the answers of CPUID, and which
 * bits of control registers there are, in its linear memory.
 */
import { type CpuModel, controls, enabledFeatures, leaves } from "../spec/cpuid.ts";

/** Layout: number of leaves, highest basic and highest extended leaf, then six words for each leaf. assembly/semantics/cpuid.ts reads it. */
const HEADER_WORDS = 3;

export function writeModel(memory: WebAssembly.Memory, featuresAt: number, cpuidAt: number, modelAt: number, model: CpuModel): void {
  const enabled = enabledFeatures(model).map((on) => (on ? 1 : 0));
  new Uint8Array(memory.buffer, featuresAt, enabled.length).set(enabled);
  const table = leaves(model);
  const highest = (extended: boolean) => table.find((l) => l.leaf === (extended ? 0x8000_0000 : 0))?.eax ?? 0;
  const words = [table.length, highest(false), highest(true), ...table.flatMap((l) => [l.leaf, l.subleaf, l.eax, l.ebx, l.ecx, l.edx])];
  if (words.length !== HEADER_WORDS + 6 * table.length) throw new Error(`CPU model ${model.name}: a leaf has no six words`);
  new Uint32Array(memory.buffer, cpuidAt, words.length).set(words);
  const { cr4, xcr0, gigabytePages } = controls(model);
  new BigUint64Array(memory.buffer, modelAt, 3).set([cr4, xcr0, gigabytePages ? 1n : 0n]);
}
