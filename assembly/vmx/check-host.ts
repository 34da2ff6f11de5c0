/** SDM Vol. 3 "Checks on Host State Area". */
import { isPat } from "../cpu/mtrr";
import { CR4_LA57, CR4_PAE, CR4_PCIDE, EFER_LMA, EFER_LME } from "../generated/constants";
import { State } from "../generated/state";
import * as V from "../generated/vmx";
import { isCanonicalBase } from "../mmu/walk";
import { rule } from "./check";
import { CR0_FIXED0, CR4_FIXED0, cr4Fixed1, EFER_KNOWN } from "./fixed-bits";
import { field, PHYSICAL_MASK } from "./vmcs";

const RPL_TI: u64 = 7;
const UPPER: u64 = 0xffffffff00000000;

export function checkHost(s: State): void {
  const exit = <u32>field(s, V.VM_EXIT_CONTROLS);
  const wide = (exit & V.EXIT_HOST_ADDRESS_SPACE_SIZE) != 0;
  const cr4 = field(s, V.HOST_CR4);
  const cr0 = field(s, V.HOST_CR0);
  rule(s, V.RULE_HOST_CR0_FIXED_BITS, (CR0_FIXED0 & ~cr0) == 0 && (cr0 & UPPER) == 0);
  rule(s, V.RULE_HOST_CR4_FIXED_BITS, (CR4_FIXED0 & ~cr4) == 0 && (cr4 & ~cr4Fixed1()) == 0);
  rule(s, V.RULE_HOST_CR3_WITHIN_WIDTH, (field(s, V.HOST_CR3) & ~PHYSICAL_MASK) == 0);
  canonicalRule(s, V.RULE_HOST_SYSENTER_ESP_CANONICAL);
  canonicalRule(s, V.RULE_HOST_SYSENTER_EIP_CANONICAL);
  rule(s, V.RULE_HOST_PAT_VALID, (exit & V.EXIT_LOAD_HOST_IA32_PAT) == 0 || isPat(field(s, V.HOST_IA32_PAT)));
  const efer = field(s, V.HOST_IA32_EFER);
  const loads = (exit & V.EXIT_LOAD_HOST_IA32_EFER) != 0;
  rule(s, V.RULE_HOST_EFER_RESERVED_BITS_CLEAR, !loads || (efer & ~EFER_KNOWN) == 0);
  const long: u64 = wide ? EFER_LMA | EFER_LME : 0;
  rule(s, V.RULE_HOST_EFER_MATCHES_ADDRESS_SPACE, !loads || (efer & (EFER_LMA | EFER_LME)) == long);
  plainRule(s, V.RULE_HOST_ES_SELECTOR_PLAIN);
  plainRule(s, V.RULE_HOST_CS_SELECTOR_PLAIN);
  plainRule(s, V.RULE_HOST_SS_SELECTOR_PLAIN);
  plainRule(s, V.RULE_HOST_DS_SELECTOR_PLAIN);
  plainRule(s, V.RULE_HOST_FS_SELECTOR_PLAIN);
  plainRule(s, V.RULE_HOST_GS_SELECTOR_PLAIN);
  plainRule(s, V.RULE_HOST_TR_SELECTOR_PLAIN);
  rule(s, V.RULE_HOST_CS_SELECTOR_NOT_NULL, field(s, V.HOST_CS_SELECTOR) != 0);
  rule(s, V.RULE_HOST_TR_SELECTOR_NOT_NULL, field(s, V.HOST_TR_SELECTOR) != 0);
  rule(s, V.RULE_HOST_SS_SELECTOR_NOT_NULL, wide || field(s, V.HOST_SS_SELECTOR) != 0);
  canonicalRule(s, V.RULE_HOST_FS_BASE_CANONICAL);
  canonicalRule(s, V.RULE_HOST_GS_BASE_CANONICAL);
  canonicalRule(s, V.RULE_HOST_GDTR_BASE_CANONICAL);
  canonicalRule(s, V.RULE_HOST_IDTR_BASE_CANONICAL);
  canonicalRule(s, V.RULE_HOST_TR_BASE_CANONICAL);
  rule(s, V.RULE_HOST_SIZE_MATCHES_LONG_MODE, wide == ((s.efer & EFER_LMA) != 0));
  const guestLong = (<u32>field(s, V.VM_ENTRY_CONTROLS) & V.ENTRY_IA32E_MODE_GUEST) != 0;
  rule(s, V.RULE_GUEST_LONG_MODE_NEEDS_HOST_LONG_MODE, wide || !guestLong);
  rule(s, V.RULE_HOST_PCIDE_NEEDS_LONG_MODE, wide || (cr4 & CR4_PCIDE) == 0);
  rule(s, V.RULE_HOST_PAE_IN_LONG_MODE, !wide || (cr4 & CR4_PAE) != 0);
  const rip = field(s, V.HOST_RIP);
  rule(s, V.RULE_HOST_RIP_BELOW4_G, wide || (rip & UPPER) == 0);
  rule(s, V.RULE_HOST_RIP_CANONICAL, !wide || isCanonicalIn(cr4, rip));
}

/** Whether an instruction pointer is canonical with the paging that CR4 will select, not with that of now. */
function isCanonicalIn(cr4: u64, rip: u64): bool {
  const unused: i64 = (cr4 & CR4_LA57) != 0 ? 7 : 16;
  return <u64>(((<i64>rip) << unused) >> unused) == rip;
}

function canonicalRule(s: State, id: u32): void {
  rule(s, id, isCanonicalBase(field(s, id >> 16)));
}

function plainRule(s: State, id: u32): void {
  rule(s, id, (field(s, id >> 16) & RPL_TI) == 0);
}
