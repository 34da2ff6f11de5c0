/** The CPUID leaves of the CPU model, as src/core/model.ts has laid them out: a header of three words, then six words for each leaf. */
import { CPUID } from "../memory-map";

const ANY: u32 = 0xffffffff;
const X2APIC: u32 = 1 << 21;

/** bits of IA32_MISC_ENABLE that change what CPUID says */
export const MISC_MONITOR: u64 = 1 << 18;
export const MISC_LIMIT_CPUID: u64 = 1 << 22;
export const MISC_XD_DISABLE: u64 = 1 << 34;

/** Address of the answer to a leaf and subleaf: EAX EBX ECX EDX; or 0. */
export function leafAt(leaf: u32, subleaf: u32): usize {
  let at = CPUID + 12;
  for (let n = load<u32>(CPUID); n > 0; n--, at += 24)
    if (load<u32>(at) == leaf && (load<u32>(at, 4) == subleaf || load<u32>(at, 4) == ANY)) return at + 8;
  return 0;
}

/** The highest basic leaf, or the highest extended one. */
export function highestLeaf(extended: bool): u32 {
  return extended ? load<u32>(CPUID, 8) : load<u32>(CPUID, 4);
}

/** EAX of leaf 1, which reset leaves in EDX. */
export function signature(): u32 {
  return load<u32>(leafAt(1, 0));
}

export function hasX2apic(): bool {
  return (load<u32>(leafAt(1, 0), 8) & X2APIC) != 0;
}
