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
type Part = "Base" | "Limit" | "AccessRights";

/** The field of each segment that something does not hold of. */
function ofEach(segments: readonly Segment[], part: Part, holds: OfSegment) {
  return (v: VmcsView): readonly string[] => segments.filter((s) => !holds(v, s)).map((s) => `guest${s}${part}`);
}
const inVirtual8086 = (part: Part, holds: OfSegment) => ofEach(ALL, part, (v, s) => !virtual8086(v) || holds(v, s));
/** Outside of it: of CS, and of the others that are usable. */
const ofUsable = (holds: OfSegment) =>
  ofEach(ALL, "AccessRights", (v, s) => virtual8086(v) || (s !== "Cs" && !usable(v, s)) || holds(v, s));
const ofUsableData = (holds: OfSegment) => ofEach(DATA, "AccessRights", (v, s) => virtual8086(v) || !usable(v, s) || holds(v, s));
const ofUsableLdtr = (holds: (v: VmcsView) => boolean) => (v: VmcsView) => !usable(v, "Ldtr") || holds(v);
const outsideOfIt = (holds: (v: VmcsView) => boolean) => (v: VmcsView) => virtual8086(v) || holds(v);

const oddLimitHasBytes: OfSegment = (v, s) => (v.limit(s) & 0xfff) === 0xfff || (v.rights(s) & G) === 0;
const bigLimitHasPages: OfSegment = (v, s) => v.limit(s) >>> 20 === 0 || (v.rights(s) & G) !== 0;
const isNonconforming = (v: VmcsView): boolean => [9, 11].includes(type(v, "Cs"));
const isConforming = (v: VmcsView): boolean => [13, 15].includes(type(v, "Cs"));

export const GUEST_SEGMENT_CHECKS: Predicates = {
  guestTrSelectorGlobal: (v) => (v.selector("Tr") & TI) === 0,
  guestLdtrSelectorGlobal: ofUsableLdtr((v) => (v.selector("Ldtr") & TI) === 0),
  guestSsRplIsCsRpl: (v) => virtual8086(v) || unrestricted(v) || ((v.selector("Ss") ^ v.selector("Cs")) & RPL) === 0,
  guestSegmentBaseIsReal: inVirtual8086("Base", (v, s) => v.base(s) === BigInt(v.selector(s)) << 4n),
  guestTrBaseCanonical: (v) => isCanonicalBase(v, "Tr"),
  guestFsBaseCanonical: (v) => isCanonicalBase(v, "Fs"),
  guestGsBaseCanonical: (v) => isCanonicalBase(v, "Gs"),
  guestLdtrBaseCanonical: ofUsableLdtr((v) => isCanonicalBase(v, "Ldtr")),
  guestCsBaseBelow4G: (v) => (v.base("Cs") & UPPER) === 0n,
  guestDataBaseBelow4G: ofEach(["Es", "Ss", "Ds"], "Base", (v, s) => !usable(v, s) || (v.base(s) & UPPER) === 0n),
  guestSegmentLimitIsReal: inVirtual8086("Limit", (v, s) => v.limit(s) === VIRTUAL_LIMIT),
  guestSegmentRightsAreReal: inVirtual8086("AccessRights", (v, s) => v.rights(s) === VIRTUAL_RIGHTS),

  guestCsTypeIsCode: (v) => virtual8086(v) || (type(v, "Cs") & 9) === 9 || (unrestricted(v) && type(v, "Cs") === 3),
  guestSsTypeIsStack: (v) => virtual8086(v) || !usable(v, "Ss") || [3, 7].includes(type(v, "Ss")),
  guestDataTypesAreAccessed: ofUsableData((v, s) => (type(v, s) & 1) !== 0 && ((type(v, s) & 8) === 0 || (type(v, s) & 2) !== 0)),
  guestSegmentsAreCodeOrData: ofUsable((v, s) => (v.rights(s) & S) !== 0),
  guestDataCsDplIs0: outsideOfIt((v) => type(v, "Cs") !== 3 || dpl(v, "Cs") === 0),
  guestCsDplIsThatOfSs: outsideOfIt((v) => !isNonconforming(v) || dpl(v, "Cs") === dpl(v, "Ss")),
  guestConformingCsDplAtMostThatOfSs: outsideOfIt((v) => !isConforming(v) || dpl(v, "Cs") <= dpl(v, "Ss")),
  guestSsDplIsRpl: outsideOfIt((v) => unrestricted(v) || dpl(v, "Ss") === (v.selector("Ss") & RPL)),
  guestSsDplIs0: outsideOfIt((v) => dpl(v, "Ss") === 0 || (type(v, "Cs") !== 3 && !inRealMode(v))),
  guestDataDplsFit: ofUsableData((v, s) => unrestricted(v) || type(v, s) > 11 || dpl(v, s) >= (v.selector(s) & RPL)),
  guestSegmentsArePresent: ofUsable((v, s) => (v.rights(s) & P) !== 0),
  guestRightsReservedBitsClear: ofUsable((v, s) => (v.rights(s) & RESERVED) === 0),
  guestCsDefaultSizeInLongMode: (v) => virtual8086(v) || !long(v) || (v.rights("Cs") & (L | DB)) !== (L | DB),
  guestOddLimitsHaveBytes: ofUsable(oddLimitHasBytes),
  guestBigLimitsHavePages: ofUsable(bigLimitHasPages),

  guestTrTypeIsBusyTss: (v) => type(v, "Tr") === BUSY_TSS || (!long(v) && type(v, "Tr") === BUSY_TSS16),
  guestTrIsSystem: (v) => (v.rights("Tr") & S) === 0,
  guestTrIsPresent: (v) => (v.rights("Tr") & P) !== 0,
  guestTrIsUsable: (v) => usable(v, "Tr"),
  guestTrReservedBitsClear: (v) => (v.rights("Tr") & RESERVED) === 0,
  guestTrOddLimitHasBytes: (v) => oddLimitHasBytes(v, "Tr"),
  guestTrBigLimitHasPages: (v) => bigLimitHasPages(v, "Tr"),
  guestLdtrTypeIsLdt: ofUsableLdtr((v) => type(v, "Ldtr") === LDT),
  guestLdtrIsSystem: ofUsableLdtr((v) => (v.rights("Ldtr") & S) === 0),
  guestLdtrIsPresent: ofUsableLdtr((v) => (v.rights("Ldtr") & P) !== 0),
  guestLdtrReservedBitsClear: ofUsableLdtr((v) => (v.rights("Ldtr") & RESERVED) === 0),
  guestLdtrOddLimitHasBytes: ofUsableLdtr((v) => oddLimitHasBytes(v, "Ldtr")),
  guestLdtrBigLimitHasPages: ofUsableLdtr((v) => bigLimitHasPages(v, "Ldtr")),
};
