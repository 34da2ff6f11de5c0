/**
 * CPUID for the VMM's own use. Leaf 1 also puts the microcode's revision into IA32_BIOS_SIGN_ID, which is the OS's and is put back. SDM Vol. 3
 * "Determining the Signature".
 */
import type { CpuidResult, Intrinsics } from "./intrinsics.ts";

const BIOS_SIGN_ID = 0x8b;
const SIGNATURE = 1;

export function quietCpuid(cpu: Intrinsics, leaf: number, subleaf = 0): CpuidResult {
  if (leaf !== SIGNATURE) return { ...cpu.cpuid(leaf, subleaf) };
  const before = cpu.rdmsr(BIOS_SIGN_ID);
  const result = { ...cpu.cpuid(leaf, subleaf) };
  if (cpu.rdmsr(BIOS_SIGN_ID) !== before) cpu.wrmsr(BIOS_SIGN_ID, before);
  return result;
}
