/**
 * What the local APIC does with interrupts: it takes them in, ranks them, hands the highest to the processor and is told their end. SDM
 * Vol. 3 "Interrupt Acceptance", "Task and Processor Priorities", "Signaling Interrupt Servicing Completion", "Local Vector Table",
 * "Error Handling".
 *
 *     message, IPI, LVT ──► accept ──► IRR ──► acknowledge ──► ISR ──► endOfInterrupt
 *                              └─ NMI, INIT, start-up, ExtINT: straight to the processor (State.pending)
 */
import { endSlice } from "../clock";
import { eoi, intAck } from "../env";
import {
  HALTED_WAIT_FOR_SIPI,
  PENDING_APIC,
  PENDING_EXTINT,
  PENDING_INIT,
  PENDING_INTR,
  PENDING_NMI,
  PENDING_SIPI,
} from "../generated/constants";
import { State } from "../generated/state";

// delivery modes
export const FIXED: u32 = 0;
export const LOWEST_PRIORITY: u32 = 1;
export const SMI: u32 = 2;
export const NMI: u32 = 4;
export const INIT: u32 = 5;
export const STARTUP: u32 = 6;
export const EXTINT: u32 = 7;

// entries of the local vector table
export const LVT_TIMER: u32 = 0;
export const LVT_LINT0: u32 = 3;
export const LVT_LINT1: u32 = 4;
export const LVT_ERROR: u32 = 5;
export const LVT_MASKED: u32 = 1 << 16;
const LVT_LEVEL: u32 = 1 << 15;
export const LVT_REMOTE_IRR: u32 = 1 << 14;

// errors
export const SEND_ILLEGAL_VECTOR: u32 = 1 << 5;
export const RECEIVE_ILLEGAL_VECTOR: u32 = 1 << 6;
export const ILLEGAL_REGISTER: u32 = 1 << 7;

export const BASE_ENABLED: u64 = 1 << 11;
export const SVR_ENABLED: u32 = 1 << 8;
/** vectors below are reserved for exceptions */
const FIRST_VECTOR: u32 = 16;

export function isEnabled(s: State): bool {
  return (s.apicBase & BASE_ENABLED) != 0;
}

export function lvtCell(s: State, entry: u32): usize {
  return changetype<usize>(s) + offsetof<State>("apicLvt0") + ((<usize>entry) << 2);
}

/** Something is to be looked at before the next block. */
export function setPending(s: State, bits: u32): void {
  if ((s.pending & bits) == bits) return;
  s.pending |= bits;
  endSlice(s);
}

/** An interrupt has arrived here. */
export function accept(s: State, mode: u32, vector: u32, level: bool): void {
  if (mode == FIXED || mode == LOWEST_PRIORITY) request(s, vector, level);
  else if (mode == NMI) setPending(s, PENDING_NMI);
  else if (mode == INIT) setPending(s, PENDING_INIT);
  else if (mode == EXTINT) setPending(s, PENDING_EXTINT);
  else if (mode == STARTUP && s.halted == HALTED_WAIT_FOR_SIPI) {
    s.sipiVector = vector;
    setPending(s, PENDING_SIPI);
  }
}

/** Puts a vector into the IRR, unless software has switched the local APIC off. */
export function request(s: State, vector: u32, level: bool): void {
  if (vector < FIRST_VECTOR) return error(s, RECEIVE_ILLEGAL_VECTOR);
  if ((s.apicSvr & SVR_ENABLED) == 0) return;
  setBit(requests(s), vector);
  if (level) setBit(triggers(s), vector);
  else clearBit(triggers(s), vector);
  rank(s);
}

/** After any change of IRR, ISR or TPR: whether the processor is to be interrupted. */
export function rank(s: State): void {
  const vector = highest(requests(s));
  if (vector >= 0 && vector >> 4 > <i32>processorPriority(s) >> 4) setPending(s, PENDING_APIC);
  else s.pending &= ~PENDING_APIC;
}

/** the processor-priority register */
export function processorPriority(s: State): u32 {
  const vector = highest(services(s));
  const inService: u32 = vector < 0 ? 0 : <u32>vector & 0xf0;
  return (s.apicTpr & 0xf0) >= inService ? s.apicTpr : inService;
}

export function setTaskPriority(s: State, priority: u32): void {
  s.apicTpr = priority & 0xff;
  rank(s);
}

/** The processor takes an interrupt: from the 8259 if it has one, else the highest of the IRR. Returns its vector. */
export function acknowledge(s: State): u32 {
  if ((s.pending & (PENDING_INTR | PENDING_EXTINT)) != 0) {
    s.pending &= ~PENDING_EXTINT;
    return intAck() & 0xff;
  }
  const vector = <u32>highest(requests(s));
  clearBit(requests(s), vector);
  setBit(services(s), vector);
  rank(s);
  return vector;
}

/** The highest interrupt in service is done; I/O APICs hear of it if it was level-triggered. */
export function endOfInterrupt(s: State): void {
  const vector = highest(services(s));
  if (vector < 0) return;
  clearBit(services(s), vector);
  rank(s);
  if (!isSet(triggers(s), vector)) return;
  for (let pin: u32 = 0; pin < 2; pin++) lowerRemoteIrr(s, pin, vector);
  eoi(vector);
}

/** A pin's interrupt that was level-triggered is done: if the wire is still up it comes again. */
function lowerRemoteIrr(s: State, pin: u32, vector: u32): void {
  const cell = lvtCell(s, LVT_LINT0 + pin);
  const entry = load<u32>(cell);
  if ((entry & LVT_REMOTE_IRR) == 0 || (entry & 0xff) != vector) return;
  store<u32>(cell, entry & ~LVT_REMOTE_IRR);
  pinChanged(s, pin);
}

// ---- pins

/** Level of LINT0 (0: the 8259's INTR) or LINT1 (1: NMI). */
export function setPin(s: State, pin: u32, level: bool): void {
  const bit: u32 = 1 << pin;
  if (((s.apicPins & bit) != 0) == level) return;
  s.apicPins ^= bit;
  pinChanged(s, pin);
}

/** After a change of a wire or of what its LVT entry says. */
export function pinChanged(s: State, pin: u32): void {
  const up = (s.apicPins & (1 << pin)) != 0;
  const cell = lvtCell(s, LVT_LINT0 + pin);
  const entry = load<u32>(cell);
  const mode = (entry >> 8) & 7;
  if (pin == 0) s.pending &= ~PENDING_INTR;
  if (!up) return;
  // without a local APIC the pins are the processor's own: INTR and NMI
  if (!isEnabled(s)) setPending(s, pin == 0 ? PENDING_INTR : PENDING_NMI);
  else if ((entry & LVT_MASKED) != 0) return;
  else if (mode == EXTINT) setPending(s, PENDING_INTR);
  else if (mode == NMI) setPending(s, PENDING_NMI);
  else if (mode == FIXED) requestByPin(s, cell, entry);
}

function requestByPin(s: State, cell: usize, entry: u32): void {
  const level = (entry & LVT_LEVEL) != 0;
  if (level && (entry & LVT_REMOTE_IRR) != 0) return;
  if (level) store<u32>(cell, entry | LVT_REMOTE_IRR);
  request(s, entry & 0xff, level);
}

// ---- errors

/** Remembers an error for the next write to the error status, and interrupts if the table says so. */
export function error(s: State, bit: u32): void {
  const known = (s.apicErrors & bit) != 0;
  s.apicErrors |= bit;
  const entry = load<u32>(lvtCell(s, LVT_ERROR));
  if (!known && (entry & LVT_MASKED) == 0 && (entry & 0xff) >= FIRST_VECTOR) request(s, entry & 0xff, false);
}

// ---- registers of 256 bits

export function requests(s: State): usize {
  return changetype<usize>(s) + offsetof<State>("apicIrr0");
}

export function services(s: State): usize {
  return changetype<usize>(s) + offsetof<State>("apicIsr0");
}

export function triggers(s: State): usize {
  return changetype<usize>(s) + offsetof<State>("apicTmr0");
}

function isSet(register: usize, vector: u32): bool {
  return ((load<u8>(register + (vector >> 3)) >> (vector & 7)) & 1) != 0;
}

function setBit(register: usize, vector: u32): void {
  const at = register + (vector >> 3);
  store<u8>(at, load<u8>(at) | ((<u8>1) << (<u8>(vector & 7))));
}

function clearBit(register: usize, vector: u32): void {
  const at = register + (vector >> 3);
  store<u8>(at, load<u8>(at) & ~((<u8>1) << (<u8>(vector & 7))));
}

/** number of the highest bit set, or -1 */
function highest(register: usize): i32 {
  for (let i: i32 = 7; i >= 0; i--) {
    const word = load<u32>(register + ((<usize>i) << 2));
    if (word != 0) return i * 32 + 31 - <i32>clz<u32>(word);
  }
  return -1;
}
