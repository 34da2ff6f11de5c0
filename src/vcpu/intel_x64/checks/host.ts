/** SDM Vol. 3 "Checks on VMX Controls and Host-State Area": registers, segments, address-space size. */
import { CR4, EFER } from "../../../spec/registers.ts";
import type { Predicates, VmcsView } from "./view.ts";

const FIXED = { CR0: [0x486, 0x487], CR4: [0x488, 0x489] } as const;
const RPL_TI = 7n;
const UPPER = 0xffff_ffff_0000_0000n;
const EFER_KNOWN = BigInt(EFER.SCE | EFER.LME | EFER.LMA | EFER.NXE);
const EFER_LONG = BigInt(EFER.LME | EFER.LMA);
const PAT_TYPES: readonly number[] = [0, 1, 4, 5, 6, 7];

/** Bits that FIXED0 has are 1, those that FIXED1 has not are 0; `free` ones are not looked at. */
export function hasFixedBits(v: VmcsView, register: "CR0" | "CR4", value: bigint, free = 0n): boolean {
  const [must, may] = FIXED[register].map((msr) => v.msr(msr));
  return (must & ~free & ~value) === 0n && (value & ~may) === 0n;
}

export function isPat(value: bigint): boolean {
  return Array.from({ length: 8 }, (_, n) => Number((value >> BigInt(8 * n)) & 0xffn)).every((type) => PAT_TYPES.includes(type));
}

export const hasOnlyKnownEferBits = (efer: bigint): boolean => (efer & ~EFER_KNOWN) === 0n;

const wide = (v: VmcsView): boolean => v.control("exit.hostAddressSpaceSize");
const loadsEfer = (v: VmcsView): boolean => v.control("exit.loadHostIa32Efer");
const has = (value: bigint, bit: number): boolean => (value & BigInt(bit)) !== 0n;

const plainSelectors = Object.fromEntries(
  ["Es", "Cs", "Ss", "Ds", "Fs", "Gs", "Tr"].map((segment) => [
    `host${segment}SelectorPlain`,
    (v: VmcsView) => (v.field(`host${segment}Selector`) & RPL_TI) === 0n,
  ]),
);

export const HOST_CHECKS: Predicates = {
  hostCr0FixedBits: (v) => hasFixedBits(v, "CR0", v.field("hostCr0")),
  hostCr4FixedBits: (v) => hasFixedBits(v, "CR4", v.field("hostCr4")),
  hostCr3WithinWidth: (v) => v.isPhysical(v.field("hostCr3")),
  hostSysenterEspCanonical: (v) => v.isCanonical("hostIa32SysenterEsp"),
  hostSysenterEipCanonical: (v) => v.isCanonical("hostIa32SysenterEip"),
  hostPatValid: (v) => !v.control("exit.loadHostIa32Pat") || isPat(v.field("hostIa32Pat")),
  hostEferReservedBitsClear: (v) => !loadsEfer(v) || hasOnlyKnownEferBits(v.field("hostIa32Efer")),
  hostEferMatchesAddressSpace: (v) => !loadsEfer(v) || (v.field("hostIa32Efer") & EFER_LONG) === (wide(v) ? EFER_LONG : 0n),

  ...plainSelectors,
  hostCsSelectorNotNull: (v) => v.field("hostCsSelector") !== 0n,
  hostTrSelectorNotNull: (v) => v.field("hostTrSelector") !== 0n,
  hostSsSelectorNotNull: (v) => wide(v) || v.field("hostSsSelector") !== 0n,
  hostFsBaseCanonical: (v) => v.isCanonical("hostFsBase"),
  hostGsBaseCanonical: (v) => v.isCanonical("hostGsBase"),
  hostGdtrBaseCanonical: (v) => v.isCanonical("hostGdtrBase"),
  hostIdtrBaseCanonical: (v) => v.isCanonical("hostIdtrBase"),
  hostTrBaseCanonical: (v) => v.isCanonical("hostTrBase"),

  hostSizeMatchesLongMode: (v) => wide(v) === has(v.msr(0xc000_0080), EFER.LMA),
  guestLongModeNeedsHostLongMode: (v) => wide(v) || !v.control("entry.ia32eModeGuest"),
  hostPcideNeedsLongMode: (v) => wide(v) || !has(v.field("hostCr4"), CR4.PCIDE),
  hostPaeInLongMode: (v) => !wide(v) || has(v.field("hostCr4"), CR4.PAE),
  hostRipBelow4G: (v) => wide(v) || (v.field("hostRip") & UPPER) === 0n,
  // with the paging that CR4 will select
  hostRipCanonical: (v) => !wide(v) || v.isCanonical("hostRip", has(v.field("hostCr4"), CR4.LA57) ? 57 : 48),
};
