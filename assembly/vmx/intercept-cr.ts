/**
 * Accesses to control registers: guest/host masks, read shadows, CR3 targets. SDM Vol. 3 "Instructions That Cause VM Exits Conditionally",
 * "Exit Qualification for Control-Register Accesses", "Changes to Instruction Behavior in VMX Non-Root Operation".
 *
 *     qualification: 0-3 register · 4-5 access: MOV to, MOV from, CLTS, LMSW · 6 LMSW of memory · 8-11 general register · 16-31 LMSW source
 */

import { MEM, Op } from "../decode/op";
import { CR0_PE, CR0_TS, VMX_NON_ROOT } from "../generated/constants";
import { State } from "../generated/state";
import * as V from "../generated/vmx";
import { readable } from "../mmu/access";
import { exitInstruction } from "./exit";
import { answersCr } from "./fast-path";
import { linearOf, registerNumber } from "./instruction-information";
import { readVirtualCr8, writeVirtualCr8 } from "./intercept-apic";
import { field } from "./vmcs";

const MOV_TO: u32 = 0;
const MOV_FROM: u32 = 1;
const CLTS: u32 = 2;
const LMSW: u32 = 3;
const LMSW_BITS: u64 = 15;

function crExit(s: State, op: Op, cr: u32, access: u32, rest: u32): bool {
  exitInstruction(s, op, V.EXIT_REASON_CR_ACCESS, qualified(cr, access, rest));
  return true;
}

function qualified(cr: u32, access: u32, rest: u32): u64 {
  return <u64>(cr | (access << 4) | rest);
}

/** CR0 after LMSW: PE MP EM TS loaded, but PE not cleared. */
export function loadsMsw(cr0: u64, source: u64): u64 {
  return (cr0 & ~(LMSW_BITS & ~(<u64>CR0_PE))) | (source & LMSW_BITS);
}

export function interceptMovToCr(s: State, op: Op, main: Op): bool {
  const cr: u32 = main.d;
  const register = registerNumber(s, main.s);
  const v = load<u64>(<usize>main.s);
  if (writeExits(s, cr, v) && !answersCr(s, op, cr, v, qualified(cr, MOV_TO, register << 8)))
    return crExit(s, op, cr, MOV_TO, register << 8);
  return cr == 8 && writeVirtualCr8(s, op, v);
}

function writeExits(s: State, cr: u32, v: u64): bool {
  if (cr == 0) return changesOwned(v, field(s, V.CR0_READ_SHADOW), field(s, V.CR0_GUEST_HOST_MASK));
  if (cr == 4) return changesOwned(v, field(s, V.CR4_READ_SHADOW), field(s, V.CR4_GUEST_HOST_MASK));
  if (cr == 8) return (s.vmxPrimary & V.PRIMARY_CR8_LOAD_EXITING) != 0;
  if (cr != 3 || (s.vmxPrimary & V.PRIMARY_CR3_LOAD_EXITING) == 0) return false;
  const count = <u32>field(s, V.CR3_TARGET_COUNT);
  for (let n: u32 = 0; n < count; n++) if (field(s, V.CR3_TARGET_VALUE0 + (n << 3)) == v) return false;
  return true;
}

/** A bit that the host owns would differ from what the guest reads there. */
function changesOwned(v: u64, shadow: u64, mask: u64): bool {
  return ((v ^ shadow) & mask) != 0;
}

export function interceptMovFromCr(s: State, op: Op, main: Op): bool {
  const cr: u32 = main.s;
  const exits = cr == 3 ? (s.vmxPrimary & V.PRIMARY_CR3_STORE_EXITING) != 0 : cr == 8 && (s.vmxPrimary & V.PRIMARY_CR8_STORE_EXITING) != 0;
  const register = registerNumber(s, main.d) << 8;
  if (exits && !answersCr(s, op, cr, 0, qualified(cr, MOV_FROM, register))) return crExit(s, op, cr, MOV_FROM, register);
  return cr == 8 && readVirtualCr8(s, op, <usize>main.d);
}

export function interceptClts(s: State, op: Op): bool {
  const owned = (field(s, V.CR0_GUEST_HOST_MASK) & CR0_TS) != 0;
  if (!owned || (field(s, V.CR0_READ_SHADOW) & CR0_TS) == 0) return false;
  return !answersCr(s, op, 0, visibleCr0(s) & ~(<u64>CR0_TS), qualified(0, CLTS, 0)) && crExit(s, op, 0, CLTS, 0);
}

/** PE can only be set. */
export function interceptLmsw(s: State, op: Op, main: Op): bool {
  const inMemory = main.sk == MEM;
  const source: u32 = inMemory ? <u32>load<u16>(readable(s, op, linearOf(s, op), 2)) : load<u16>(<usize>main.s);
  const mask = field(s, V.CR0_GUEST_HOST_MASK) & LMSW_BITS;
  const shadow = field(s, V.CR0_READ_SHADOW);
  const v = <u64>source;
  const sets = (mask & v & CR0_PE) != 0 && (shadow & CR0_PE) == 0;
  const changes = ((v ^ shadow) & mask & LMSW_BITS & ~(<u64>CR0_PE)) != 0;
  if (!sets && !changes) return false;
  const rest: u32 = (inMemory ? 1 << 6 : 0) | (source << 16);
  return !answersCr(s, op, 0, loadsMsw(visibleCr0(s), v), qualified(0, LMSW, rest)) && crExit(s, op, 0, LMSW, rest);
}

/** What software reads of CR0 or CR4: in a guest, bits that the host owns come from the read shadow. */
export function visibleCr0(s: State): u64 {
  return s.vmx != VMX_NON_ROOT ? s.cr0 : mix(s.cr0, field(s, V.CR0_READ_SHADOW), field(s, V.CR0_GUEST_HOST_MASK));
}

export function visibleCr4(s: State): u64 {
  return s.vmx != VMX_NON_ROOT ? s.cr4 : mix(s.cr4, field(s, V.CR4_READ_SHADOW), field(s, V.CR4_GUEST_HOST_MASK));
}

/** What a write of `v` that does not exit leaves in CR0 or CR4: bits that the host owns stay. */
export function ownedCr0(s: State, v: u64): u64 {
  return s.vmx != VMX_NON_ROOT ? v : mix(v, s.cr0, field(s, V.CR0_GUEST_HOST_MASK));
}

export function ownedCr4(s: State, v: u64): u64 {
  return s.vmx != VMX_NON_ROOT ? v : mix(v, s.cr4, field(s, V.CR4_GUEST_HOST_MASK));
}

function mix(a: u64, b: u64, mask: u64): u64 {
  return (a & ~mask) | (b & mask);
}
