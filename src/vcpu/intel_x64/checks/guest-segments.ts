/** SDM Vol. 3 "Checks on Guest Segment Registers". */
import { CR0, RFLAGS } from "../../../spec/registers.ts";
import type { Predicates, Segment, VmcsView } from "./view.ts";

const ALL: readonly Segment[] = ["Es", "Cs", "Ss", "Ds", "Fs", "Gs"];
const DATA: readonly Segment[] = ["Es", "Ds", "Fs", "Gs"];

const TI = 4;
const RPL = 3;
const UPPER = 0xffff_ffff_0000_0000n;
const S = 1 << 4;
const P = 1 << 7;
const L = 1 << 13;
const DB = 1 << 14;
const G = 1 << 15;
const UNUSABLE = 1 << 16;
const RESERVED = 0xfffe_0f00;
const VIRTUAL_LIMIT = 0xffff;
const VIRTUAL_RIGHTS = 0xf3;
const BUSY_TSS = 11;
const BUSY_TSS16 = 3;
const LDT = 2;

const virtual8086 = (v: VmcsView): boolean => (v.field("guestRflags") & BigInt(RFLAGS.VM)) !== 0n;
const unrestricted = (v: VmcsView): boolean => v.control("secondary.unrestrictedGuest");
const long = (v: VmcsView): boolean => v.control("entry.ia32eModeGuest");
const inRealMode = (v: VmcsView): boolean => (v.field("guestCr0") & BigInt(CR0.PE)) === 0n;

const usable = (v: VmcsView, s: Segment): boolean => (v.rights(s) & UNUSABLE) === 0;
const type = (v: VmcsView, s: Segment): number => v.rights(s) & 15;
const dpl = (v: VmcsView, s: Segment): number => (v.rights(s) >>> 5) & 3;
const isCanonicalBase = (v: VmcsView, s: Segment): boolean => v.isCanonical(`guest${s}Base`);

type OfSegment = (v: VmcsView, s: Segment) => boolean;
/** Of all six in virtual-8086 mode. */
const inVirtual8086 = (holds: OfSegment) => (v: VmcsView) => !virtual8086(v) || ALL.every((s) => holds(v, s));
/** Outside of it: of CS, and of the others that are usable. */
const ofUsable = (holds: OfSegment) => (v: VmcsView) => virtual8086(v) || ALL.every((s) => (s !== "Cs" && !usable(v, s)) || holds(v, s));
const ofUsableData = (holds: OfSegment) => (v: VmcsView) => virtual8086(v) || DATA.every((s) => !usable(v, s) || holds(v, s));
const ofUsableLdtr = (holds: (v: VmcsView) => boolean) => (v: VmcsView) => !usable(v, "Ldtr") || holds(v);

function granularityFits(v: VmcsView, s: Segment): boolean {
  const limit = v.limit(s);
  const pages = (v.rights(s) & G) !== 0;
  return pages ? (limit & 0xfff) === 0xfff : limit >>> 20 === 0;
}

/** What the DPL of CS may be beside that of SS. */
function csDplFits(v: VmcsView): boolean {
  const code = type(v, "Cs");
  if (code === 3) return dpl(v, "Cs") === 0;
  const isConforming = (code & 4) !== 0;
  return isConforming ? dpl(v, "Cs") <= dpl(v, "Ss") : dpl(v, "Cs") === dpl(v, "Ss");
}

function ssDplFits(v: VmcsView): boolean {
  const own = dpl(v, "Ss");
  const isRpl = unrestricted(v) || own === (v.selector("Ss") & RPL);
  return isRpl && (own === 0 || (type(v, "Cs") !== 3 && !inRealMode(v)));
}

export const GUEST_SEGMENT_CHECKS: Predicates = {
  guestTrSelectorGlobal: (v) => (v.selector("Tr") & TI) === 0,
  guestLdtrSelectorGlobal: ofUsableLdtr((v) => (v.selector("Ldtr") & TI) === 0),
  guestSsRplIsCsRpl: (v) => virtual8086(v) || unrestricted(v) || ((v.selector("Ss") ^ v.selector("Cs")) & RPL) === 0,
  guestSegmentBaseIsReal: inVirtual8086((v, s) => v.base(s) === BigInt(v.selector(s)) << 4n),
  guestTrBaseCanonical: (v) => isCanonicalBase(v, "Tr"),
  guestFsBaseCanonical: (v) => isCanonicalBase(v, "Fs"),
  guestGsBaseCanonical: (v) => isCanonicalBase(v, "Gs"),
  guestLdtrBaseCanonical: ofUsableLdtr((v) => isCanonicalBase(v, "Ldtr")),
  guestCsBaseBelow4G: (v) => (v.base("Cs") & UPPER) === 0n,
  guestDataBaseBelow4G: (v) => (["Es", "Ss", "Ds"] as const).every((s) => !usable(v, s) || (v.base(s) & UPPER) === 0n),
  guestSegmentLimitIsReal: inVirtual8086((v, s) => v.limit(s) === VIRTUAL_LIMIT),
  guestSegmentRightsAreReal: inVirtual8086((v, s) => v.rights(s) === VIRTUAL_RIGHTS),

  guestCsTypeIsCode: (v) => virtual8086(v) || (type(v, "Cs") & 9) === 9 || (unrestricted(v) && type(v, "Cs") === 3),
  guestSsTypeIsStack: (v) => virtual8086(v) || !usable(v, "Ss") || [3, 7].includes(type(v, "Ss")),
  guestDataTypesAreAccessed: ofUsableData((v, s) => (type(v, s) & 1) !== 0 && ((type(v, s) & 8) === 0 || (type(v, s) & 2) !== 0)),
  guestSegmentsAreCodeOrData: ofUsable((v, s) => (v.rights(s) & S) !== 0),
  guestCsDplFitsSs: (v) => virtual8086(v) || csDplFits(v),
  guestSsDplFits: (v) => virtual8086(v) || ssDplFits(v),
  guestDataDplsFit: (v) => unrestricted(v) || ofUsableData((v, s) => type(v, s) > 11 || dpl(v, s) >= (v.selector(s) & RPL))(v),
  guestSegmentsArePresent: ofUsable((v, s) => (v.rights(s) & P) !== 0),
  guestRightsReservedBitsClear: ofUsable((v, s) => (v.rights(s) & RESERVED) === 0),
  guestCsDefaultSizeInLongMode: (v) => virtual8086(v) || !long(v) || (v.rights("Cs") & (L | DB)) !== (L | DB),
  guestGranularitiesFit: ofUsable(granularityFits),

  guestTrTypeIsBusyTss: (v) => type(v, "Tr") === BUSY_TSS || (!long(v) && type(v, "Tr") === BUSY_TSS16),
  guestTrIsSystem: (v) => (v.rights("Tr") & (S | P | UNUSABLE)) === P,
  guestTrReservedBitsClear: (v) => (v.rights("Tr") & RESERVED) === 0,
  guestTrGranularityFits: (v) => granularityFits(v, "Tr"),
  guestLdtrTypeIsLdt: ofUsableLdtr((v) => type(v, "Ldtr") === LDT),
  guestLdtrIsSystem: ofUsableLdtr((v) => (v.rights("Ldtr") & (S | P)) === P),
  guestLdtrReservedBitsClear: ofUsableLdtr((v) => (v.rights("Ldtr") & RESERVED) === 0),
  guestLdtrGranularityFits: ofUsableLdtr((v) => granularityFits(v, "Ldtr")),
};
