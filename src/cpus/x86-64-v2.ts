/** The x86-64-v2 level of the System V ABI "Micro-Architecture Levels", with the signature of the first CPUs that had it (Nehalem). */
import { type CpuModel, X86_64 } from "../spec/cpuid.ts";

export const x86_64_v2: CpuModel = {
  name: "x86-64-v2",
  vendor: "GenuineIntel",
  family: 6,
  model: 0x1a,
  stepping: 3,
  brand: "minusone x86-64-v2",
  features: [...X86_64, ..."sse3 ssse3 sse41 sse42 cx16 popcnt lahf rdtscp".split(" ")],
};
