/** SDM Vol. 3 "Checks on Guest Non-Register State", "Checks on Guest Page-Directory-Pointer-Table Entries". */
import { EVENT, VECTOR } from "../../../spec/events.ts";
import { CR0, CR4, RFLAGS } from "../../../spec/registers.ts";
import { injected } from "./exit-entry-controls.ts";
import type { Predicates, VmcsView } from "./view.ts";

const VMX_BASIC = 0x480;
const VMX_MISC = 0x485;
const REVISION = 0x7fff_ffff;
const SHADOW = 0x8000_0000;
const NO_LINK = 0xffff_ffff_ffff_ffffn;

const ACTIVE = 0;
const HLT = 1;
const SHUTDOWN = 2;
const WAIT_FOR_SIPI = 3;
const BY_STI = 1;
const BY_MOV_SS = 2;
const BY_SMI = 4;
const BY_NMI = 8;
const ENCLAVE_INTERRUPTION = 16;
const INTERRUPTIBILITY_KNOWN = 31;
const OTHER_EVENT = 7;

const PENDING_BS = 1n << 14n;
const PENDING_RTM = 1n << 16n;
const PENDING_ZEROS = 0xffff_ffff_fffe_aff0n;
const BTF = 2n;
/** bits of a present PDPTE that are 0 whatever the width of addresses */
const PDPTE_ZEROS = 0x1e6n;

const activity = (v: VmcsView): number => v.low("guestActivityState");
const blocks = (v: VmcsView, by: number): boolean => (v.low("guestInterruptibilityState") & by) !== 0;
const flag = (v: VmcsView, bit: number): boolean => (v.field("guestRflags") & BigInt(bit)) !== 0n;

/** What may be injected into a guest that does not run. */
function allowsInjection(v: VmcsView): boolean {
  const event = injected(v);
  if (event === undefined) return true;
  const isException = (vector: number) => event.type === EVENT.EXCEPTION && event.vector === vector;
  switch (activity(v)) {
    case HLT:
      return [EVENT.EXTERNAL, EVENT.NMI, OTHER_EVENT].includes(event.type) || isException(VECTOR.DB) || isException(VECTOR.MC);
    case SHUTDOWN:
      return event.type === EVENT.NMI || isException(VECTOR.MC);
    case WAIT_FOR_SIPI:
      return false;
    default:
      return true;
  }
}

/** Active always is; the other states as IA32_VMX_MISC bits 6-8 say. */
function isSupported(v: VmcsView): boolean {
  const state = activity(v);
  return state === ACTIVE || (state <= WAIT_FOR_SIPI && ((v.msr(VMX_MISC) >> BigInt(5 + state)) & 1n) !== 0n);
}

const isHeld = (v: VmcsView): boolean => blocks(v, BY_STI | BY_MOV_SS) || activity(v) === HLT;
const steps = (v: VmcsView): boolean => flag(v, RFLAGS.TF) && (v.field("guestIa32Debugctl") & BTF) === 0n;
const hasStepped = (v: VmcsView): boolean => (v.field("guestPendingDebugExceptions") & PENDING_BS) !== 0n;

const STRUCTURED_FEATURES = 7;
const hasSgx = (v: VmcsView): boolean => (v.cpu.cpuid(STRUCTURED_FEATURES).ebx & (1 << 2)) !== 0;
const hasRtm = (v: VmcsView): boolean => (v.cpu.cpuid(STRUCTURED_FEATURES).ebx & (1 << 11)) !== 0;

const isLinked = (v: VmcsView): boolean => v.field("vmcsLinkPointer") !== NO_LINK;
const hasLinkAddress = (v: VmcsView): boolean => isLinked(v) && v.isAddress("vmcsLinkPointer");

/** The first word of the linked VMCS. */
function linkRevisionFits(v: VmcsView): boolean {
  const word = v.words(v.field("vmcsLinkPointer"), 1)?.[0];
  const shadow = v.control("secondary.vmcsShadowing") ? SHADOW : 0;
  return word === (Number(v.msr(VMX_BASIC) & BigInt(REVISION)) | shadow) >>> 0;
}

const PDPTES = [0, 1, 2, 3];
const usesEpt = (v: VmcsView): boolean => v.control("secondary.enableEpt");

function usesPae(v: VmcsView): boolean {
  const has = (field: string, bit: number) => (v.field(field) & BigInt(bit)) !== 0n;
  return has("guestCr0", CR0.PG) && has("guestCr4", CR4.PAE) && !v.control("entry.ia32eModeGuest");
}

const isPdpte = (v: VmcsView, entry: bigint): boolean => (entry & 1n) === 0n || ((entry & PDPTE_ZEROS) === 0n && v.isPhysical(entry));

/** of the table that CR3 refers to, as far as there is memory */
function pdptesInMemory(v: VmcsView): readonly bigint[] {
  const words = v.words(v.field("guestCr3") & 0xffff_ffe0n, 2 * PDPTES.length);
  return words === undefined ? [] : PDPTES.map((n) => BigInt(words[2 * n]) | (BigInt(words[2 * n + 1]) << 32n));
}

export const GUEST_STATE_CHECKS: Predicates = {
  guestActivitySupported: isSupported,
  guestHltNeedsRing0: (v) => activity(v) !== HLT || ((v.rights("Ss") >>> 5) & 3) === 0,
  guestActiveWhileBlocked: (v) => activity(v) === ACTIVE || !blocks(v, BY_STI | BY_MOV_SS),
  guestActivityFitsInjection: allowsInjection,
  guestInterruptibilityReservedBits: (v) => (v.low("guestInterruptibilityState") & ~INTERRUPTIBILITY_KNOWN) === 0,
  guestNotBlockedTwice: (v) => !blocks(v, BY_STI) || !blocks(v, BY_MOV_SS),
  guestStiBlockingNeedsIf: (v) => !blocks(v, BY_STI) || flag(v, RFLAGS.IF),
  guestNotBlockedForInterrupt: (v) => injected(v)?.type !== EVENT.EXTERNAL || !blocks(v, BY_STI | BY_MOV_SS),
  guestNotBlockedForNmi: (v) => injected(v)?.type !== EVENT.NMI || !blocks(v, BY_MOV_SS),
  guestNotInSmm: (v) => !blocks(v, BY_SMI),
  guestVirtualNmiNotBlocked: (v) => !v.control("pin.virtualNmis") || injected(v)?.type !== EVENT.NMI || !blocks(v, BY_NMI),
  guestEnclaveInterruptionSupported: (v) => hasSgx(v) || !blocks(v, ENCLAVE_INTERRUPTION),
  guestPendingDebugReservedBits: (v) => (v.field("guestPendingDebugExceptions") & PENDING_ZEROS) === 0n,
  guestPendingSingleStepSet: (v) => !isHeld(v) || !steps(v) || hasStepped(v),
  guestPendingSingleStepClear: (v) => !isHeld(v) || steps(v) || !hasStepped(v),
  guestPendingRtmSupported: (v) => hasRtm(v) || (v.field("guestPendingDebugExceptions") & PENDING_RTM) === 0n,
  guestLinkPointerValid: (v) => !isLinked(v) || hasLinkAddress(v),
  guestLinkRevisionFits: (v) => !hasLinkAddress(v) || linkRevisionFits(v),
  guestLinkNotCurrent: (v) => !hasLinkAddress(v) || v.field("vmcsLinkPointer") !== v.cpu.vmptrst(),

  guestPdptesReservedBits: (v) => !usesPae(v) || usesEpt(v) || pdptesInMemory(v).every((entry) => isPdpte(v, entry)),
  guestPdpteFieldsReservedBits: (v) =>
    usesPae(v) && usesEpt(v) ? PDPTES.map((n) => `guestPdpte${n}`).filter((name) => !isPdpte(v, v.field(name))) : true,
};
