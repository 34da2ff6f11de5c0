/** Everything that the core implements, with the signature of a Skylake client, the generation of the VMX that goes with it. */
import type { CpuModel } from "../spec/cpuid.ts";
import { x86_64_v2 } from "./x86-64-v2.ts";

const MORE =
  "vmx x2apic tscDeadline tscAdjust archCapabilities ibrs stibp ssbd bhiCtrl mcdtNo pclmulqdq monitor pcid movbe aes xsave rdrand fsgsbase " +
  "bmi1 smep bmi2 erms invpcid rdseed adx smap clflushopt clwb sha umip pku la57 rdpid fsrm mce " +
  "xsaveopt xsavec xgetbv1 xsaves lzcnt prefetchw pdpe1gb";

export const max: CpuModel = {
  ...x86_64_v2,
  name: "max",
  model: 0x5e,
  brand: "minusone max",
  features: [...x86_64_v2.features, ...MORE.split(" ")],
};
