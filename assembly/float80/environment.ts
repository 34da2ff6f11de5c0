/**
 * The floating-point environment of one operation: what MXCSR or the x87 control word asks for, and the flags that come back. SDM 1 4.9
 * "Overview of floating-point exceptions", 8.1 "x87 FPU execution environment", 10.2.3 "MXCSR control and status register".
 *
 * Convention of this folder. Every operation takes the control register as it is (`mxcsr` or `fcw`), starts with `beginSse` or
 * `beginX87` and leaves in `flags` what *this* operation raised; the caller merges them into MXCSR or FSW:
 *
 *    bit  14   10   9    8        5   4   3   2   1   0
 *         C3   C2   C1   C0  ...  PE  UE  OE  ZE  DE  IE        (C bits for x87 only; the order is that of FSW and of MXCSR)
 *
 * SSE operations return the bits of the result; if an exception in `flags` is unmasked the instruction faults and the value means
 * nothing. x87 operations write their destination cell and return true, or leave it alone and return false when an unmasked exception
 * allows no result.
 */

export const IE: u32 = 0x01;
export const DE: u32 = 0x02;
export const ZE: u32 = 0x04;
export const OE: u32 = 0x08;
export const UE: u32 = 0x10;
export const PE: u32 = 0x20;
export const C0: u32 = 0x100;
export const C1: u32 = 0x200;
export const C2: u32 = 0x400;
export const C3: u32 = 0x4000;

/** The RC field of both control registers. */
export const NEAREST: u32 = 0;
export const DOWN: u32 = 1;
export const UP: u32 = 2;
export const TRUNCATE: u32 = 3;

/** The exceptions found by looking at the operands: unmasked, they stop the operation before it computes. */
const BEFORE: u32 = IE | DE | ZE;

export let flags: u32 = 0;
export let masks: u32 = 0;
export let rounding: u32 = NEAREST;
export let isX87: bool = false;
export let denormalsAreZero: bool = false;
/** MXCSR.FZ counts only while underflow is masked. */
export let flushToZero: bool = false;

export function beginSse(mxcsr: u32): void {
  flags = 0;
  isX87 = false;
  masks = (mxcsr >> 7) & 0x3f;
  rounding = (mxcsr >> 13) & 3;
  denormalsAreZero = (mxcsr & 0x40) !== 0;
  flushToZero = (mxcsr & 0x8800) === 0x8800;
}

export function beginX87(fcw: u32): void {
  flags = 0;
  isX87 = true;
  masks = fcw & 0x3f;
  rounding = (fcw >> 10) & 3;
  denormalsAreZero = false;
  flushToZero = false;
}

export function signal(raised: u32): void {
  flags |= raised;
}

export function withdraw(raised: u32): void {
  flags &= ~raised;
}

/** The last rounding went away from zero: C1 says so, on the x87 only. */
export function signalRoundedUp(): void {
  if (isX87) flags |= C1;
}

export function isUnmasked(exception: u32): bool {
  return (exception & ~masks) !== 0;
}

/** An unmasked exception stops the operation before it computes anything. */
export function isStopped(): bool {
  return (flags & BEFORE & ~masks) !== 0;
}

/** Significand bits that the PC field asks for; the reserved 01 behaves as 64. */
export function precisionControl(fcw: u32): i32 {
  const pc = (fcw >> 8) & 3;
  return pc === 0 ? 24 : pc === 2 ? 53 : 64;
}
