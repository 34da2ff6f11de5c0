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
const INTERRUPTIBILITY_KNOWN = 31;
const OTHER_EVENT = 7;

const PENDING_BS = 1n << 14n;
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

function singleStepFits(v: VmcsView): boolean {
  if (!blocks(v, BY_STI | BY_MOV_SS) && activity(v) !== HLT) return true;
  const steps = flag(v, RFLAGS.TF) && (v.field("guestIa32Debugctl") & BTF) === 0n;
  return ((v.field("guestPendingDebugExceptions") & PENDING_BS) !== 0n) === steps;
}

const isLinked = (v: VmcsView): boolean => v.field("vmcsLinkPointer") !== NO_LINK;
const hasLinkAddress = (v: VmcsView): boolean => isLinked(v) && v.isAddress("vmcsLinkPointer");

/** The first word of the linked VMCS. */
function linkRevisionFits(v: VmcsView): boolean {
  const word = v.words(v.field("vmcsLinkPointer"), 1)?.[0];
  const shadow = v.control("secondary.vmcsShadowing") ? SHADOW : 0;
  return word === (Number(v.msr(VMX_BASIC) & BigInt(REVISION)) | shadow) >>> 0;
}

function pdptes(v: VmcsView): readonly bigint[] {
  const long = v.control("entry.ia32eModeGuest");
  const pae = (v.field("guestCr0") & BigInt(CR0.PG)) !== 0n && (v.field("guestCr4") & BigInt(CR4.PAE)) !== 0n && !long;
  if (!pae) return [];
  if (v.control("secondary.enableEpt")) return [0, 1, 2, 3].map((n) => v.field(`guestPdpte${n}`));
  const words = v.words(v.field("guestCr3") & 0xffff_ffe0n, 8);
  return words === undefined ? [] : [0, 2, 4, 6].map((n) => BigInt(words[n]) | (BigInt(words[n + 1]) << 32n));
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
  guestPendingDebugReservedBits: (v) => (v.field("guestPendingDebugExceptions") & PENDING_ZEROS) === 0n,
  guestPendingSingleStepFits: singleStepFits,
  guestLinkPointerValid: (v) => !isLinked(v) || hasLinkAddress(v),
  guestLinkRevisionFits: (v) => !hasLinkAddress(v) || linkRevisionFits(v),
  guestLinkNotCurrent: (v) => !hasLinkAddress(v) || v.field("vmcsLinkPointer") !== v.cpu.vmptrst(),

  guestPdptesReservedBits: (v) => pdptes(v).every((entry) => (entry & 1n) === 0n || ((entry & PDPTE_ZEROS) === 0n && v.isPhysical(entry))),
};
