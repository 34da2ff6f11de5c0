/** SDM Vol. 3 "Checks on Guest Segment Registers". The fields of the six segments, LDTR and TR stand one behind the other in a VMCS. */
import { CR0_PE, RFLAGS_VM } from "../generated/constants";
import { State } from "../generated/state";
import * as V from "../generated/vmx";
import { isCanonical } from "../mmu/walk";
import { rule } from "./check";
import { field } from "./vmcs";

const ES: u32 = 0;
const CS: u32 = 1;
const SS: u32 = 2;
const FS: u32 = 4;
const LDTR: u32 = 6;
const TR: u32 = 7;

const TI: u32 = 4;
const UPPER: u64 = 0xffffffff00000000;
const RIGHTS_S: u32 = 1 << 4;
const RIGHTS_P: u32 = 1 << 7;
export const RIGHTS_LONG: u32 = 1 << 13;
const RIGHTS_BIG: u32 = 1 << 14;
const RIGHTS_G: u32 = 1 << 15;
const UNUSABLE: u32 = 1 << 16;
const RESERVED: u32 = 0xfffe0f00;
const VIRTUAL_RIGHTS: u32 = 0xf3;

export function selectorField(n: u32): u32 {
  return V.GUEST_ES_SELECTOR + (n << 3);
}
export function limitField(n: u32): u32 {
  return V.GUEST_ES_LIMIT + (n << 3);
}
export function rightsField(n: u32): u32 {
  return V.GUEST_ES_ACCESS_RIGHTS + (n << 3);
}
export function baseField(n: u32): u32 {
  return V.GUEST_ES_BASE + (n << 3);
}

function selector(s: State, n: u32): u32 {
  return <u32>field(s, selectorField(n));
}
function limit(s: State, n: u32): u32 {
  return <u32>field(s, limitField(n));
}
function rights(s: State, n: u32): u32 {
  return <u32>field(s, rightsField(n));
}
function base(s: State, n: u32): u64 {
  return field(s, baseField(n));
}
function isUsable(s: State, n: u32): bool {
  return (rights(s, n) & UNUSABLE) == 0;
}
function type(s: State, n: u32): u32 {
  return rights(s, n) & 15;
}
function dpl(s: State, n: u32): u32 {
  return (rights(s, n) >> 5) & 3;
}

export function checkSegments(s: State, long: bool, unrestricted: bool): void {
  const virtual = (field(s, V.GUEST_RFLAGS) & RFLAGS_VM) != 0;
  rule(s, V.RULE_GUEST_TR_SELECTOR_GLOBAL, (selector(s, TR) & TI) == 0);
  rule(s, V.RULE_GUEST_LDTR_SELECTOR_GLOBAL, !isUsable(s, LDTR) || (selector(s, LDTR) & TI) == 0);
  rule(s, V.RULE_GUEST_SS_RPL_IS_CS_RPL, virtual || unrestricted || ((selector(s, SS) ^ selector(s, CS)) & 3) == 0);
  checkBases(s, virtual);
  if (virtual) {
    rule(
      s,
      V.RULE_GUEST_SEGMENT_LIMIT_IS_REAL,
      ofAll(s, (s, n) => limit(s, n) == 0xffff),
    );
    rule(
      s,
      V.RULE_GUEST_SEGMENT_RIGHTS_ARE_REAL,
      ofAll(s, (s, n) => rights(s, n) == VIRTUAL_RIGHTS),
    );
  } else checkRights(s, long, unrestricted);
  checkTask(s, long);
  checkLocalTable(s);
}

/** Whether something holds of each of the six segments. */
function ofAll(s: State, holds: (s: State, n: u32) => bool): bool {
  for (let n: u32 = ES; n < LDTR; n++) if (!holds(s, n)) return false;
  return true;
}

/** … of CS, whatever its rights, and of the usable ones of the others. */
function ofUsable(s: State, holds: (s: State, n: u32) => bool): bool {
  for (let n: u32 = ES; n < LDTR; n++) if ((n == CS || isUsable(s, n)) && !holds(s, n)) return false;
  return true;
}

/** … of the usable ones of DS, ES, FS and GS. */
function ofData(s: State, holds: (s: State, n: u32) => bool): bool {
  for (let n: u32 = ES; n < LDTR; n++) if (n != CS && n != SS && isUsable(s, n) && !holds(s, n)) return false;
  return true;
}

function checkBases(s: State, virtual: bool): void {
  rule(s, V.RULE_GUEST_SEGMENT_BASE_IS_REAL, !virtual || ofAll(s, (s, n) => base(s, n) == (<u64>selector(s, n)) << 4));
  rule(s, V.RULE_GUEST_TR_BASE_CANONICAL, isCanonical(base(s, TR)));
  rule(s, V.RULE_GUEST_FS_BASE_CANONICAL, isCanonical(base(s, FS)));
  rule(s, V.RULE_GUEST_GS_BASE_CANONICAL, isCanonical(base(s, FS + 1)));
  rule(s, V.RULE_GUEST_LDTR_BASE_CANONICAL, !isUsable(s, LDTR) || isCanonical(base(s, LDTR)));
  rule(s, V.RULE_GUEST_CS_BASE_BELOW4_G, (base(s, CS) & UPPER) == 0);
  const below = ofUsable(s, (s, n) => n == CS || n >= FS || (base(s, n) & UPPER) == 0);
  rule(s, V.RULE_GUEST_DATA_BASE_BELOW4_G, below);
}

function checkRights(s: State, long: bool, unrestricted: bool): void {
  const code = type(s, CS);
  const real = (field(s, V.GUEST_CR0) & CR0_PE) == 0;
  rule(s, V.RULE_GUEST_CS_TYPE_IS_CODE, (code & 9) == 9 || (unrestricted && code == 3));
  rule(s, V.RULE_GUEST_SS_TYPE_IS_STACK, !isUsable(s, SS) || (type(s, SS) & 11) == 3);
  rule(
    s,
    V.RULE_GUEST_DATA_TYPES_ARE_ACCESSED,
    ofData(s, (s, n) => (type(s, n) & 1) != 0 && (type(s, n) & 10) != 8),
  );
  rule(
    s,
    V.RULE_GUEST_SEGMENTS_ARE_CODE_OR_DATA,
    ofUsable(s, (s, n) => (rights(s, n) & RIGHTS_S) != 0),
  );
  rule(s, V.RULE_GUEST_CS_DPL_FITS_SS, code == 3 ? dpl(s, CS) == 0 : (code & 4) == 0 ? dpl(s, CS) == dpl(s, SS) : dpl(s, CS) <= dpl(s, SS));
  const stackDpl = dpl(s, SS);
  rule(s, V.RULE_GUEST_SS_DPL_FITS, (unrestricted || stackDpl == (selector(s, SS) & 3)) && (stackDpl == 0 || (code != 3 && !real)));
  const fits = ofData(s, (s, n) => type(s, n) > 11 || dpl(s, n) >= (selector(s, n) & 3));
  rule(s, V.RULE_GUEST_DATA_DPLS_FIT, unrestricted || fits);
  rule(
    s,
    V.RULE_GUEST_SEGMENTS_ARE_PRESENT,
    ofUsable(s, (s, n) => (rights(s, n) & RIGHTS_P) != 0),
  );
  rule(
    s,
    V.RULE_GUEST_RIGHTS_RESERVED_BITS_CLEAR,
    ofUsable(s, (s, n) => (rights(s, n) & RESERVED) == 0),
  );
  const both = RIGHTS_LONG | RIGHTS_BIG;
  rule(s, V.RULE_GUEST_CS_DEFAULT_SIZE_IN_LONG_MODE, !long || (rights(s, CS) & both) != both);
  rule(s, V.RULE_GUEST_GRANULARITIES_FIT, ofUsable(s, granularityFits));
}

function granularityFits(s: State, n: u32): bool {
  const bytes = limit(s, n);
  const pages = (rights(s, n) & RIGHTS_G) != 0;
  return ((bytes & 0xfff) == 0xfff || !pages) && (bytes >> 20 == 0 || pages);
}

function checkTask(s: State, long: bool): void {
  rule(s, V.RULE_GUEST_TR_TYPE_IS_BUSY_TSS, type(s, TR) == 11 || (!long && type(s, TR) == 3));
  rule(s, V.RULE_GUEST_TR_IS_SYSTEM, (rights(s, TR) & (RIGHTS_S | RIGHTS_P | UNUSABLE)) == RIGHTS_P);
  rule(s, V.RULE_GUEST_TR_RESERVED_BITS_CLEAR, (rights(s, TR) & RESERVED) == 0);
  rule(s, V.RULE_GUEST_TR_GRANULARITY_FITS, granularityFits(s, TR));
}

function checkLocalTable(s: State): void {
  const usable = isUsable(s, LDTR);
  rule(s, V.RULE_GUEST_LDTR_TYPE_IS_LDT, !usable || type(s, LDTR) == 2);
  rule(s, V.RULE_GUEST_LDTR_IS_SYSTEM, !usable || (rights(s, LDTR) & (RIGHTS_S | RIGHTS_P)) == RIGHTS_P);
  rule(s, V.RULE_GUEST_LDTR_RESERVED_BITS_CLEAR, !usable || (rights(s, LDTR) & RESERVED) == 0);
  rule(s, V.RULE_GUEST_LDTR_GRANULARITY_FITS, !usable || granularityFits(s, LDTR));
}
