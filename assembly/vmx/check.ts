/**
 * Notes which rules of VM entry a VMCS violates, in the order of the manual: the first decides how the entry fails, all of them explain why.
 * A rule is its number and the field it is about, RULE_… in the generated tables, whose sentences are in src/spec/vmx-rules.ts.
 *
 *      0      4       8
 *     ┌──────┬───────┬──────────────────┐
 *     │ rule │ field │ its value        │   VIOLATIONS + 16 n; the field by its offset in the region
 *     └──────┴───────┴──────────────────┘
 */
import { State } from "../generated/state";
import { VIOLATIONS, VIOLATIONS_MAX } from "../memory-map";
import { field, isAligned } from "./vmcs";

/** how many rules the last entry violated */
export let violated: u32 = 0;
/** the first of them, RULE_… */
export let firstViolated: u32 = 0;

export function startChecks(): void {
  violated = 0;
}

export function rule(s: State, id: u32, holds: bool): void {
  if (!holds) violate(id, id >> 16, field(s, id >> 16));
}

/** A rule about one of several fields. */
export function fieldRule(s: State, id: u32, offset: u32, holds: bool): void {
  if (!holds) violate(id, offset, field(s, offset));
}

export function violate(id: u32, offset: u32, value: u64): void {
  if (violated == 0) firstViolated = id;
  if (violated < VIOLATIONS_MAX) {
    const at = VIOLATIONS + ((<usize>violated) << 4);
    store<u32>(at, id & 0xffff);
    store<u32>(at, offset, 4);
    store<u64>(at, value, 8);
  }
  violated++;
}

/** The rule's field, if it counts, is the physical address of something aligned to 1 << bits. */
export function addressRule(s: State, id: u32, counts: bool, bits: u64): void {
  rule(s, id, !counts || isAligned(field(s, id >> 16), bits));
}
