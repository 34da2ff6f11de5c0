/**
 * The local APIC's registers, as 32-bit words of a page of memory (xAPIC) or as MSRs 800H-83FH (x2APIC). SDM Vol. 3 "Local APIC Register
 * Address Map", "x2APIC Register Address Space". Register number n is at offset n × 16 and is MSR 800H + n.
 *
 *     02 ID · 03 version · 08 TPR · 09 APR · 0A PPR · 0B EOI · 0D LDR · 0E DFR · 0F SVR · 10-17 ISR · 18-1F TMR · 20-27 IRR
 *     28 ESR · 30-31 ICR · 32 timer · 33 thermal · 34 performance · 35 LINT0 · 36 LINT1 · 37 error · 38 initial · 39 current
 *     3E divide · 3F self IPI (x2APIC only)
 */
import { State } from "../generated/state";
import {
  BASE_ENABLED,
  endOfInterrupt,
  error,
  ILLEGAL_REGISTER,
  isEnabled,
  LVT_LINT0,
  LVT_LINT1,
  LVT_MASKED,
  LVT_REMOTE_IRR,
  LVT_TIMER,
  lvtCell,
  pinChanged,
  processorPriority,
  rank,
  SVR_ENABLED,
  services,
  setTaskPriority,
} from "./lapic-interrupts";
import { isX2apic, logicalX2apicId, sendIpi } from "./lapic-messages";
import { currentCount, NEVER, setDivide, setInitialCount, setTimerMode } from "./lapic-timer";

const ID: u32 = 0x02;
const VERSION: u32 = 0x03;
const TPR: u32 = 0x08;
const APR: u32 = 0x09;
const PPR: u32 = 0x0a;
const EOI: u32 = 0x0b;
const LDR: u32 = 0x0d;
const DFR: u32 = 0x0e;
const SVR: u32 = 0x0f;
const ISR: u32 = 0x10;
const IRR: u32 = 0x20;
const ESR: u32 = 0x28;
const ICR: u32 = 0x30;
const ICR_HIGH: u32 = 0x31;
const LVT: u32 = 0x32;
const INITIAL: u32 = 0x38;
const CURRENT: u32 = 0x39;
const DIVIDE: u32 = 0x3e;
const SELF_IPI: u32 = 0x3f;

/** an integrated APIC with six entries in its local vector table */
const VERSION_WORD: u32 = 0x00050014;
const LVT_ENTRIES: u32 = 6;
/** what can be written of each LVT entry: vector, delivery mode, polarity, trigger, mask, timer mode */
const LVT_WRITABLE: usize = memory.data<u32>([0x700ff, 0x107ff, 0x107ff, 0x1a7ff, 0x1a7ff, 0x100ff]);
const ICR_WRITABLE: u32 = 0xccfff;
const SVR_WRITABLE: u32 = 0x1ff;
const BASE_X2APIC: u64 = 1 << 10;

/** The local APIC as after power-up: SDM Vol. 3 "Local APIC State After Power-Up or Reset". ID and base stay. */
export function resetLapic(s: State): void {
  const from = changetype<usize>(s) + offsetof<State>("apicTpr");
  memory.fill(from, 0, changetype<usize>(s) + offsetof<State>("apicIrr7") + 4 - from);
  s.apicIcr = 0;
  s.apicDfr = 0xffffffff;
  s.apicSvr = 0xff;
  s.timerAt = NEVER;
  s.tscDeadline = 0;
  for (let i: u32 = 0; i < LVT_ENTRIES; i++) store<u32>(lvtCell(s, i), LVT_MASKED);
  rank(s);
  pinChanged(s, 0);
}

/** Guest-physical address of the page of registers, or all ones if there is none. */
export function lapicPage(s: State): u64 {
  return isEnabled(s) && !isX2apic(s) ? s.apicBase & ~(<u64>0xfff) : ~(<u64>0);
}

// ---- xAPIC: registers in memory; `State.now` is the time of the access

export function lapicRead(s: State, offset: u32): u32 {
  const register = offset >> 4;
  if (register == EOI) return 0;
  if (register == ID) return s.apicId << 24;
  if (register == LDR) return s.apicLdr;
  if (register == DFR) return s.apicDfr;
  if (register == ICR_HIGH) return <u32>(s.apicIcr >> 32);
  if (!exists(register)) {
    error(s, ILLEGAL_REGISTER);
    return 0;
  }
  return read(s, register);
}

export function lapicWrite(s: State, offset: u32, value: u32): void {
  const register = offset >> 4;
  if (register == LDR) s.apicLdr = value & 0xff000000;
  else if (register == DFR) s.apicDfr = value | 0x0fffffff;
  else if (register == ICR_HIGH) s.apicIcr = (s.apicIcr & 0xffffffff) | ((<u64>(value & 0xff000000)) << 32);
  else if (register == ICR) {
    s.apicIcr = (s.apicIcr & ~(<u64>0xffffffff)) | <u64>(value & ICR_WRITABLE);
    const destination = <u32>(s.apicIcr >> 56);
    sendIpi(s, value, destination == 0xff ? 0xffffffff : destination);
  } else if (register != ID && register != EOI && !exists(register)) error(s, ILLEGAL_REGISTER);
  else write(s, register, value);
}

// ---- x2APIC: registers as MSRs

/** Whether RDMSR of register `n` of 0-FFH is possible. */
export function x2apicReadable(n: u32): bool {
  return n == ID || n == LDR || (n != SELF_IPI && n != APR && exists(n));
}

export function x2apicRead(s: State, n: u32): u64 {
  if (n == ID) return <u64>s.apicId;
  if (n == LDR) return <u64>logicalX2apicId(s);
  return n == ICR ? s.apicIcr : <u64>read(s, n);
}

/** False, with nothing done, if WRMSR of `value` to register `n` is #GP. */
export function x2apicWrite(s: State, n: u32, value: u64): bool {
  if (n == ICR) {
    if ((value & 0xffffffff & ~(<u64>ICR_WRITABLE)) != 0) return false;
    s.apicIcr = value;
    sendIpi(s, <u32>value, <u32>(value >> 32));
    return true;
  }
  if (!isWritable(n) || (value & ~x2apicWritable(n)) != 0) return false;
  if (n == SELF_IPI) sendIpi(s, <u32>value | (1 << 18), 0);
  else write(s, n, <u32>value);
  return true;
}

function isWritable(n: u32): bool {
  return n == TPR || n == EOI || n == SVR || n == ESR || (n >= LVT && n <= INITIAL) || n == DIVIDE || n == SELF_IPI;
}

/** bits of an MSR that may be set */
function x2apicWritable(n: u32): u64 {
  if (n == TPR || n == SELF_IPI) return 0xff;
  if (n == SVR) return SVR_WRITABLE;
  if (n >= LVT && n < LVT + LVT_ENTRIES) return <u64>lvtWritable(n - LVT);
  return n == INITIAL ? 0xffffffff : n == DIVIDE ? 11 : 0;
}

// ---- both

/** registers that xAPIC and x2APIC have alike */
function exists(n: u32): bool {
  if (n < ICR) return n == VERSION || (n >= TPR && n <= PPR) || (n >= SVR && n <= ESR);
  return n == ICR || (n >= LVT && n <= CURRENT) || n == DIVIDE;
}

function read(s: State, n: u32): u32 {
  if (n == VERSION) return VERSION_WORD;
  if (n == TPR) return s.apicTpr;
  if (n == PPR) return processorPriority(s);
  if (n == SVR) return s.apicSvr;
  // ISR, TMR and IRR stand one behind the other in the state as they do here
  if (n >= ISR && n < IRR + 8) return load<u32>(services(s) + ((<usize>(n - ISR)) << 2));
  if (n == ESR) return s.apicEsr;
  if (n == ICR) return <u32>s.apicIcr;
  if (n >= LVT && n < LVT + LVT_ENTRIES) return load<u32>(lvtCell(s, n - LVT));
  if (n == INITIAL) return s.apicInitial;
  if (n == CURRENT) return currentCount(s);
  return n == DIVIDE ? s.apicDivide : 0;
}

function lvtWritable(entry: u32): u32 {
  return load<u32>(LVT_WRITABLE + ((<usize>entry) << 2));
}

function write(s: State, n: u32, value: u32): void {
  if (n == TPR) setTaskPriority(s, value);
  else if (n == EOI) endOfInterrupt(s);
  else if (n == SVR) writeSpurious(s, value);
  else if (n == ESR) {
    s.apicEsr = s.apicErrors;
    s.apicErrors = 0;
  } else if (n >= LVT && n < LVT + LVT_ENTRIES) writeLvt(s, n - LVT, value);
  else if (n == INITIAL) setInitialCount(s, value);
  else if (n == DIVIDE) setDivide(s, value);
}

/** Switched off by software, the local APIC masks its own table. */
function writeSpurious(s: State, value: u32): void {
  s.apicSvr = value & SVR_WRITABLE;
  if ((value & SVR_ENABLED) == 0) for (let i: u32 = 0; i < LVT_ENTRIES; i++) writeLvt(s, i, load<u32>(lvtCell(s, i)));
}

function writeLvt(s: State, entry: u32, value: u32): void {
  const cell = lvtCell(s, entry);
  let v = (value & lvtWritable(entry)) | (load<u32>(cell) & LVT_REMOTE_IRR);
  if ((s.apicSvr & SVR_ENABLED) == 0) v |= LVT_MASKED;
  if (entry == LVT_TIMER) setTimerMode(s, v);
  else store<u32>(cell, v);
  if (entry == LVT_LINT0 || entry == LVT_LINT1) pinChanged(s, entry - LVT_LINT0);
}

// ---- IA32_APIC_BASE

/**
 * SDM Vol. 3 "x2APIC State Transitions": xAPIC to x2APIC and off, never back from x2APIC to xAPIC, nor straight from off to x2APIC.
 * False, with nothing done, if the transition is #GP.
 */
export function writeApicBase(s: State, value: u64): bool {
  const old = s.apicBase & (BASE_ENABLED | BASE_X2APIC);
  const now = value & (BASE_ENABLED | BASE_X2APIC);
  if (now == BASE_X2APIC || (old == 0 && now == (BASE_ENABLED | BASE_X2APIC))) return false;
  if (old == (BASE_ENABLED | BASE_X2APIC) && now == BASE_ENABLED) return false;
  s.apicBase = value;
  if (old != 0 && now == 0) resetLapic(s);
  else if (old != now) {
    if ((now & BASE_X2APIC) != 0) s.apicIcr &= 0xffffffff;
    pinChanged(s, 0);
  }
  return true;
}
