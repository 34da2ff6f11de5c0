/**
 * CPUID. The guest gets what the CPU says, except that there is no VMX for it, and that the bits which mirror CR4 mirror its own CR4 and not
 * the VMM's.
 */
import { EXIT_REASON } from "../../../spec/exits.ts";
import { CR4 } from "../../../spec/registers.ts";
import type { Guest } from "../guest.ts";
import type { Hooks } from "../hooks.ts";
import type { CpuidResult } from "../intrinsics.ts";
import { STATE_SAVE } from "../state-save.ts";
import { encodingOf } from "../vmx.ts";
import type { ExitTable, Outcome } from "./exit.ts";

const FEATURES = 1;
const STRUCTURED_FEATURES = 7;
const VMX = 1 << 5;
const OSXSAVE = 1 << 27;
const OSPKE = 1 << 4;
const GUEST_CR4 = encodingOf("guestCr4");

const { rax, rbx, rcx, rdx } = STATE_SAVE;

function cpuid(guest: Guest, hooks: Hooks): Outcome {
  const { save } = guest;
  const leaf = save.low(rax);
  const subleaf = save.low(rcx);
  let result = asGuestSees(guest, leaf, subleaf);
  if (!hooks.cpuid.isEmpty) {
    const call = { leaf, subleaf, result: { ...result } };
    result = hooks.cpuid.first(leaf, (handler) => handler(call, guest)) ?? result;
  }
  save.setLow(rax, result.eax);
  save.setLow(rbx, result.ebx);
  save.setLow(rcx, result.ecx);
  save.setLow(rdx, result.edx);
  guest.advance();
  return "resume";
}

function asGuestSees({ cpu }: Guest, leaf: number, subleaf: number): CpuidResult {
  const result = cpu.cpuid(leaf, subleaf);
  if (leaf !== FEATURES && leaf !== STRUCTURED_FEATURES) return result;
  const cr4 = cpu.vmread32(GUEST_CR4);
  const mirror = (word: number, bit: number, enabled: number) => ((cr4 & enabled) !== 0 ? word | bit : word & ~bit) >>> 0;
  if (leaf === FEATURES) return { ...result, ecx: mirror(result.ecx & ~VMX, OSXSAVE, CR4.OSXSAVE) };
  return subleaf === 0 ? { ...result, ecx: mirror(result.ecx, OSPKE, CR4.PKE) } : result;
}

export const CPUID_EXITS: ExitTable = { [EXIT_REASON.CPUID]: cpuid };
