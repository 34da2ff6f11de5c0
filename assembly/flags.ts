/**
 * Lazy flags. An ALU operation leaves its sign-extended result `flagR`, one operand or ready bits `flagA`, and a kind; flags are computed
 * when somebody reads them. The low six bits of `flagKind` are 64 minus the operand width (a shift count), the kind stands above.
 *
 *     ADD      flagA is the first operand; the second is result - first
 *     SUB      flagA is the first operand; the second is first - result
 *     LOGIC    CF, OF, AF clear
 *     PARTIAL  ZF SF PF from the result; CF AF OF stand in flagA at their RFLAGS positions
 *     ALL      all six stand in flagA
 */

import { RFLAGS_AF, RFLAGS_CF, RFLAGS_OF, RFLAGS_PF, RFLAGS_SF, RFLAGS_ZF } from "./generated/constants";
import { State } from "./generated/state";

export const FLAGS_ADD: u32 = 0 << 6;
export const FLAGS_SUB: u32 = 1 << 6;
export const FLAGS_LOGIC: u32 = 2 << 6;
export const FLAGS_PARTIAL: u32 = 3 << 6;
export const FLAGS_ALL: u32 = 4 << 6;
export const STATUS: u32 = RFLAGS_CF | RFLAGS_PF | RFLAGS_AF | RFLAGS_ZF | RFLAGS_SF | RFLAGS_OF;

/** the second operand of an ADD or SUB, sign-extended from the operand's width */
function second(s: State): i64 {
  const w = <i64>(s.flagKind & 63);
  const b = s.flagKind >= FLAGS_SUB ? s.flagA - s.flagR : s.flagR - s.flagA;
  return (b << w) >> w;
}

export function cf(s: State): bool {
  const kind = s.flagKind;
  if (kind < FLAGS_SUB) return <u64>s.flagR < <u64>s.flagA;
  if (kind < FLAGS_LOGIC) return <u64>s.flagA < <u64>second(s);
  if (kind < FLAGS_PARTIAL) return false;
  return (<u32>s.flagA & RFLAGS_CF) != 0;
}

export function pf(s: State): bool {
  if (s.flagKind >= FLAGS_ALL) return (<u32>s.flagA & RFLAGS_PF) != 0;
  return (popcnt<u32>(<u32>s.flagR & 0xff) & 1) == 0;
}

export function af(s: State): bool {
  const kind = s.flagKind;
  if (kind < FLAGS_LOGIC) return ((s.flagA ^ second(s) ^ s.flagR) & 16) != 0;
  if (kind < FLAGS_PARTIAL) return false;
  return (<u32>s.flagA & RFLAGS_AF) != 0;
}

export function zf(s: State): bool {
  if (s.flagKind >= FLAGS_ALL) return (<u32>s.flagA & RFLAGS_ZF) != 0;
  return s.flagR == 0;
}

export function sf(s: State): bool {
  if (s.flagKind >= FLAGS_ALL) return (<u32>s.flagA & RFLAGS_SF) != 0;
  return s.flagR < 0;
}

export function of_(s: State): bool {
  const kind = s.flagKind;
  const a = s.flagA;
  if (kind < FLAGS_SUB) return ((a ^ s.flagR) & (second(s) ^ s.flagR)) < 0;
  if (kind < FLAGS_LOGIC) return ((a ^ second(s)) & (a ^ s.flagR)) < 0;
  if (kind < FLAGS_PARTIAL) return false;
  return (<u32>a & RFLAGS_OF) != 0;
}

/** The condition of Jcc, SETcc, CMOVcc by the low four opcode bits. */
export function condition(s: State, cc: u32): bool {
  let holds: bool;
  switch (cc >> 1) {
    case 0:
      holds = of_(s);
      break;
    case 1:
      holds = cf(s);
      break;
    case 2:
      holds = zf(s);
      break;
    case 3:
      holds = zf(s) || cf(s);
      break;
    case 4:
      holds = sf(s);
      break;
    case 5:
      holds = pf(s);
      break;
    case 6:
      holds = sf(s) != of_(s);
      break;
    default:
      holds = zf(s) || sf(s) != of_(s);
      break;
  }
  return <u32>holds != (cc & 1);
}

/** The six status flags at their RFLAGS positions. */
export function status(s: State): u32 {
  if (s.flagKind >= FLAGS_ALL) return <u32>s.flagA;
  return <u32>cf(s) | ((<u32>pf(s)) << 2) | ((<u32>af(s)) << 4) | ((<u32>zf(s)) << 6) | ((<u32>sf(s)) << 7) | ((<u32>of_(s)) << 11);
}

export function setStatus(s: State, bits: u32): void {
  s.flagA = <i64>(bits & STATUS);
  s.flagKind = FLAGS_ALL;
}

/** All of RFLAGS. */
export function rflags(s: State): u32 {
  return s.flagsOther | status(s);
}
