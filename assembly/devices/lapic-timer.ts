/**
 * The local APIC's timer: one-shot, periodic, TSC-deadline. SDM Vol. 3 "APIC Timer". All there is to it is the cycle in which it expires
 * next; the current count follows from that. It counts the core crystal clock that CPUID leaf 15H names.
 */
import { endSlice } from "../clock";
import { TIME_CRYSTAL_CYCLES } from "../generated/constants";
import { State } from "../generated/state";
import { LVT_MASKED, request } from "./lapic-interrupts";

/** `timerAt` of a timer that is not running */
export const NEVER: u64 = u64.MAX_VALUE;

const PERIODIC: u32 = 1;
const DEADLINE: u32 = 2;

function modeOf(entry: u32): u32 {
  return (entry >> 17) & 3;
}

/** cycles of one count */
function tick(s: State): u64 {
  const n = (s.apicDivide & 3) | ((s.apicDivide >> 1) & 4);
  return <u64>TIME_CRYSTAL_CYCLES * (n == 7 ? 1 : (<u64>2) << n);
}

export function setInitialCount(s: State, count: u32): void {
  if (modeOf(s.apicLvt0) == DEADLINE) return;
  s.apicInitial = count;
  arm(s, count == 0 ? NEVER : <u64>s.now + <u64>count * tick(s));
}

/** As of `State.now`. */
export function currentCount(s: State): u32 {
  if (s.timerAt == NEVER || modeOf(s.apicLvt0) == DEADLINE) return 0;
  const left = s.timerAt - min<u64>(s.timerAt, <u64>s.now);
  return <u32>((left + tick(s) - 1) / tick(s));
}

/** The count goes on at its new pace. */
export function setDivide(s: State, divide: u32): void {
  const count = currentCount(s);
  s.apicDivide = divide & 11;
  if (count != 0) arm(s, <u64>s.now + <u64>count * tick(s));
}

/** The timer's LVT entry changes: to and from TSC-deadline mode the timer stops, and goes on counting otherwise. */
export function setTimerMode(s: State, entry: u32): void {
  const old = modeOf(s.apicLvt0);
  s.apicLvt0 = entry;
  if (old == modeOf(entry) || (old != DEADLINE && modeOf(entry) != DEADLINE)) return;
  s.apicInitial = 0;
  s.tscDeadline = 0;
  s.timerAt = NEVER;
}

/** IA32_TSC_DEADLINE is written: 0 disarms, a time that has passed fires at once. */
export function setDeadline(s: State, deadline: u64): void {
  if (modeOf(s.apicLvt0) != DEADLINE) return;
  s.tscDeadline = deadline;
  retarget(s);
}

/** The time-stamp counter was set: the deadline is another cycle now. */
export function retarget(s: State): void {
  if (modeOf(s.apicLvt0) != DEADLINE) return;
  const now = <u64>s.now;
  if (s.tscDeadline == 0) s.timerAt = NEVER;
  else arm(s, s.tscDeadline <= now + s.tscOffset ? now : s.tscDeadline - s.tscOffset);
}

function arm(s: State, at: u64): void {
  s.timerAt = at;
  if (at != NEVER) endSlice(s);
}

/** The cycle `timerAt` has come. */
export function expire(s: State, now: u64): void {
  const entry = s.apicLvt0;
  const period = <u64>s.apicInitial * tick(s);
  if (modeOf(entry) == PERIODIC && period != 0) s.timerAt += ((now - s.timerAt) / period + 1) * period;
  else s.timerAt = NEVER;
  s.tscDeadline = 0;
  if ((entry & LVT_MASKED) == 0) request(s, entry & 0xff, false);
}
