/** SDM Vol. 3 "Checks on Guest Segment Registers". The fields of the six segments, LDTR and TR stand one behind the other in a VMCS. */
import { CR0_PE, RFLAGS_VM } from "../generated/constants";
import { State } from "../generated/state";
import * as V from "../generated/vmx";
import { isCanonicalBase } from "../mmu/walk";
import { fieldRule, rule } from "./check";
import { field } from "./vmcs";

const ES: u32 = 0;
const CS: u32 = 1;
const SS: u32 = 2;
const FS: u32 = 4;
const GS: u32 = 5;
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
function rpl(s: State, n: u32): u32 {
  return selector(s, n) & 3;
}
function dpl(s: State, n: u32): u32 {
  return (rights(s, n) >> 5) & 3;
}

export function checkSegments(s: State, long: bool, unrestricted: bool): void {
  const virtual = (field(s, V.GUEST_RFLAGS) & RFLAGS_VM) != 0;
  rule(s, V.RULE_GUEST_TR_SELECTOR_GLOBAL, (selector(s, TR) & TI) == 0);
  rule(s, V.RULE_GUEST_LDTR_SELECTOR_GLOBAL, !isUsable(s, LDTR) || (selector(s, LDTR) & TI) == 0);
  rule(s, V.RULE_GUEST_SS_RPL_IS_CS_RPL, virtual || unrestricted || rpl(s, SS) == rpl(s, CS));
  checkBases(s, virtual);
  if (virtual) checkVirtual(s);
  else checkRights(s, long, unrestricted);
  checkTask(s, long);
  checkLocalTable(s);
}

function checkBases(s: State, virtual: bool): void {
  if (virtual)
    for (let n: u32 = ES; n < LDTR; n++)
      fieldRule(s, V.RULE_GUEST_SEGMENT_BASE_IS_REAL, baseField(n), base(s, n) == (<u64>selector(s, n)) << 4);
  rule(s, V.RULE_GUEST_TR_BASE_CANONICAL, isCanonicalBase(base(s, TR)));
  rule(s, V.RULE_GUEST_FS_BASE_CANONICAL, isCanonicalBase(base(s, FS)));
  rule(s, V.RULE_GUEST_GS_BASE_CANONICAL, isCanonicalBase(base(s, GS)));
  rule(s, V.RULE_GUEST_LDTR_BASE_CANONICAL, !isUsable(s, LDTR) || isCanonicalBase(base(s, LDTR)));
  rule(s, V.RULE_GUEST_CS_BASE_BELOW4_G, (base(s, CS) & UPPER) == 0);
  for (let n: u32 = ES; n < FS; n++)
    if (n != CS) fieldRule(s, V.RULE_GUEST_DATA_BASE_BELOW4_G, baseField(n), !isUsable(s, n) || (base(s, n) & UPPER) == 0);
}

function checkVirtual(s: State): void {
  for (let n: u32 = ES; n < LDTR; n++) fieldRule(s, V.RULE_GUEST_SEGMENT_LIMIT_IS_REAL, limitField(n), limit(s, n) == 0xffff);
  for (let n: u32 = ES; n < LDTR; n++) fieldRule(s, V.RULE_GUEST_SEGMENT_RIGHTS_ARE_REAL, rightsField(n), rights(s, n) == VIRTUAL_RIGHTS);
}

/** Whether the rules for usable segments count for it: CS has none that says it is not. */
function counts(s: State, n: u32): bool {
  return n == CS || isUsable(s, n);
}

function isData(n: u32): bool {
  return n != CS && n != SS;
}

function checkRights(s: State, long: bool, unrestricted: bool): void {
  const code = type(s, CS);
  rule(s, V.RULE_GUEST_CS_TYPE_IS_CODE, (code & 9) == 9 || (unrestricted && code == 3));
  rule(s, V.RULE_GUEST_SS_TYPE_IS_STACK, !isUsable(s, SS) || (type(s, SS) & 11) == 3);
  for (let n: u32 = ES; n < LDTR; n++) {
    const accessed = (type(s, n) & 1) != 0 && (type(s, n) & 10) != 8;
    if (isData(n)) fieldRule(s, V.RULE_GUEST_DATA_TYPES_ARE_ACCESSED, rightsField(n), !isUsable(s, n) || accessed);
  }
  for (let n: u32 = ES; n < LDTR; n++) flagRule(s, V.RULE_GUEST_SEGMENTS_ARE_CODE_OR_DATA, n, RIGHTS_S);
  checkPrivilege(s, code, unrestricted);
  for (let n: u32 = ES; n < LDTR; n++) flagRule(s, V.RULE_GUEST_SEGMENTS_ARE_PRESENT, n, RIGHTS_P);
  for (let n: u32 = ES; n < LDTR; n++)
    fieldRule(s, V.RULE_GUEST_RIGHTS_RESERVED_BITS_CLEAR, rightsField(n), !counts(s, n) || (rights(s, n) & RESERVED) == 0);
  const both = RIGHTS_LONG | RIGHTS_BIG;
  rule(s, V.RULE_GUEST_CS_DEFAULT_SIZE_IN_LONG_MODE, !long || (rights(s, CS) & both) != both);
  for (let n: u32 = ES; n < LDTR; n++)
    fieldRule(s, V.RULE_GUEST_ODD_LIMITS_HAVE_BYTES, rightsField(n), !counts(s, n) || oddLimitHasBytes(s, n));
  for (let n: u32 = ES; n < LDTR; n++)
    fieldRule(s, V.RULE_GUEST_BIG_LIMITS_HAVE_PAGES, rightsField(n), !counts(s, n) || bigLimitHasPages(s, n));
}

function checkPrivilege(s: State, code: u32, unrestricted: bool): void {
  const stack = dpl(s, SS);
  const real = (field(s, V.GUEST_CR0) & CR0_PE) == 0;
  rule(s, V.RULE_GUEST_DATA_CS_DPL_IS0, code != 3 || dpl(s, CS) == 0);
  rule(s, V.RULE_GUEST_CS_DPL_IS_THAT_OF_SS, (code & ~2) != 9 || dpl(s, CS) == stack);
  rule(s, V.RULE_GUEST_CONFORMING_CS_DPL_AT_MOST_THAT_OF_SS, (code & ~2) != 13 || dpl(s, CS) <= stack);
  rule(s, V.RULE_GUEST_SS_DPL_IS_RPL, unrestricted || stack == rpl(s, SS));
  rule(s, V.RULE_GUEST_SS_DPL_IS0, stack == 0 || (code != 3 && !real));
  for (let n: u32 = ES; n < LDTR; n++) {
    const fits = !isUsable(s, n) || type(s, n) > 11 || dpl(s, n) >= rpl(s, n);
    if (isData(n)) fieldRule(s, V.RULE_GUEST_DATA_DPLS_FIT, rightsField(n), unrestricted || fits);
  }
}

/** A bit of the rights is 1, if the segment counts. */
function flagRule(s: State, id: u32, n: u32, flag: u32): void {
  fieldRule(s, id, rightsField(n), !counts(s, n) || (rights(s, n) & flag) != 0);
}

function oddLimitHasBytes(s: State, n: u32): bool {
  return (limit(s, n) & 0xfff) == 0xfff || (rights(s, n) & RIGHTS_G) == 0;
}

function bigLimitHasPages(s: State, n: u32): bool {
  return limit(s, n) >> 20 == 0 || (rights(s, n) & RIGHTS_G) != 0;
}

function checkTask(s: State, long: bool): void {
  rule(s, V.RULE_GUEST_TR_TYPE_IS_BUSY_TSS, type(s, TR) == 11 || (!long && type(s, TR) == 3));
  rule(s, V.RULE_GUEST_TR_IS_SYSTEM, (rights(s, TR) & RIGHTS_S) == 0);
  rule(s, V.RULE_GUEST_TR_IS_PRESENT, (rights(s, TR) & RIGHTS_P) != 0);
  rule(s, V.RULE_GUEST_TR_IS_USABLE, isUsable(s, TR));
  rule(s, V.RULE_GUEST_TR_RESERVED_BITS_CLEAR, (rights(s, TR) & RESERVED) == 0);
  rule(s, V.RULE_GUEST_TR_ODD_LIMIT_HAS_BYTES, oddLimitHasBytes(s, TR));
  rule(s, V.RULE_GUEST_TR_BIG_LIMIT_HAS_PAGES, bigLimitHasPages(s, TR));
}

function checkLocalTable(s: State): void {
  if (!isUsable(s, LDTR)) return;
  rule(s, V.RULE_GUEST_LDTR_TYPE_IS_LDT, type(s, LDTR) == 2);
  rule(s, V.RULE_GUEST_LDTR_IS_SYSTEM, (rights(s, LDTR) & RIGHTS_S) == 0);
  rule(s, V.RULE_GUEST_LDTR_IS_PRESENT, (rights(s, LDTR) & RIGHTS_P) != 0);
  rule(s, V.RULE_GUEST_LDTR_RESERVED_BITS_CLEAR, (rights(s, LDTR) & RESERVED) == 0);
  rule(s, V.RULE_GUEST_LDTR_ODD_LIMIT_HAS_BYTES, oddLimitHasBytes(s, LDTR));
  rule(s, V.RULE_GUEST_LDTR_BIG_LIMIT_HAS_PAGES, bigLimitHasPages(s, LDTR));
}
