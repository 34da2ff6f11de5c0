/** SDM Vol. 3 "Checks on Guest Control Registers, Debug Registers, and MSRs", "… Descriptor-Table Registers", "… RIP, RFLAGS, and SSP". */

import { EVENT } from "../../../spec/events.ts";
import { CR0, CR4, EFER, RFLAGS } from "../../../spec/registers.ts";
import { injected } from "./exit-entry-controls.ts";
import { hasFixedBits, hasOnlyKnownEferBits, isPat } from "./host.ts";
import type { Predicates, VmcsView } from "./view.ts";

const UPPER = 0xffff_ffff_0000_0000n;
/** LBR and BTF; the CPU has no other bit of IA32_DEBUGCTL */
const DEBUGCTL_KNOWN = 3n;
/** bits of RFLAGS that are always 0 */
const RFLAGS_ZEROS = 0xffff_ffff_ffc0_8028n;
const RIGHTS_L = 1 << 13;

const has = (value: bigint, bit: number): boolean => (value & BigInt(bit >>> 0)) !== 0n;
const long = (v: VmcsView): boolean => v.control("entry.ia32eModeGuest");
const cr0 = (v: VmcsView, bit: number): boolean => has(v.field("guestCr0"), bit);
const cr4 = (v: VmcsView, bit: number): boolean => has(v.field("guestCr4"), bit);
const loadsEfer = (v: VmcsView): boolean => v.control("entry.loadGuestIa32Efer");
const efer = (v: VmcsView, bit: number): boolean => has(v.field("guestIa32Efer"), bit);
const freeCr0 = (v: VmcsView): bigint => (v.control("secondary.unrestrictedGuest") ? BigInt((CR0.PE | CR0.PG) >>> 0) : 0n);
const below4G = (v: VmcsView, name: string): boolean => (v.field(name) & UPPER) === 0n;

const isIn64BitCode = (v: VmcsView): boolean => long(v) && (v.rights("Cs") & RIGHTS_L) !== 0;
const isVirtual = (v: VmcsView): boolean => has(v.field("guestRflags"), RFLAGS.VM);

export const GUEST_REGISTER_CHECKS: Predicates = {
  guestCr0FixedBits: (v) => hasFixedBits(v, "CR0", v.field("guestCr0"), freeCr0(v)),
  guestPagingNeedsProtection: (v) => !cr0(v, CR0.PG) || cr0(v, CR0.PE),
  guestCr4FixedBits: (v) => hasFixedBits(v, "CR4", v.field("guestCr4")),
  guestDebugctlReservedBitsClear: (v) => !v.control("entry.loadDebugControls") || (v.field("guestIa32Debugctl") & ~DEBUGCTL_KNOWN) === 0n,
  guestPagingInLongMode: (v) => !long(v) || cr0(v, CR0.PG),
  guestPaeInLongMode: (v) => !long(v) || cr4(v, CR4.PAE),
  guestPcideNeedsLongMode: (v) => long(v) || !cr4(v, CR4.PCIDE),
  guestCr3WithinWidth: (v) => v.isPhysical(v.field("guestCr3")),
  guestDr7UpperHalfClear: (v) => !v.control("entry.loadDebugControls") || below4G(v, "guestDr7"),
  guestSysenterEspCanonical: (v) => v.isCanonical("guestIa32SysenterEsp"),
  guestSysenterEipCanonical: (v) => v.isCanonical("guestIa32SysenterEip"),
  guestPatValid: (v) => !v.control("entry.loadGuestIa32Pat") || isPat(v.field("guestIa32Pat")),
  guestEferReservedBitsClear: (v) => !loadsEfer(v) || hasOnlyKnownEferBits(v.field("guestIa32Efer")),
  guestLmaMatchesControl: (v) => !loadsEfer(v) || efer(v, EFER.LMA) === long(v),
  guestLmeMatchesLma: (v) => !loadsEfer(v) || !cr0(v, CR0.PG) || efer(v, EFER.LMA) === efer(v, EFER.LME),

  guestGdtrBaseCanonical: (v) => v.isCanonical("guestGdtrBase"),
  guestIdtrBaseCanonical: (v) => v.isCanonical("guestIdtrBase"),
  guestGdtrLimitFits: (v) => v.low("guestGdtrLimit") >>> 16 === 0,
  guestIdtrLimitFits: (v) => v.low("guestIdtrLimit") >>> 16 === 0,

  guestRipBelow4G: (v) => isIn64BitCode(v) || below4G(v, "guestRip"),
  // one bit fewer than canonical addresses have: RIP may be the one behind the last instruction of the lower half
  guestRipUpperBitsIdentical: (v) => !isIn64BitCode(v) || v.hasIdenticalUpperBits("guestRip"),
  guestRflagsReservedBits: (v) => (v.field("guestRflags") & RFLAGS_ZEROS) === 0n && has(v.field("guestRflags"), RFLAGS.FIXED),
  guestRflagsVmOutsideLongMode: (v) => !isVirtual(v) || !long(v),
  guestRflagsVmNeedsProtection: (v) => !isVirtual(v) || cr0(v, CR0.PE),
  guestRflagsIfForInterrupt: (v) => injected(v)?.type !== EVENT.EXTERNAL || has(v.field("guestRflags"), RFLAGS.IF),
};
