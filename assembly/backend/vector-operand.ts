/**
 * Vector operands of records that are not hot, out of line, and everything about MMX registers. SDM Vol. 1 "Programming with Intel MMX
 * Technology": they are the low halves of the x87's, and every instruction that uses one makes the x87's stack look full, top at 0, and
 * waits for a pending x87 exception first.
 */
import { MEM, Op } from "../decode/op";
import { VECTOR_MF } from "../generated/constants";
import { raise } from "../raise";
import { Exec } from "./exec";

const FSW_ES: u32 = 0x80;
const FSW_TOP: u32 = 0x3800;

export function xmmSource(b: Exec, op: Op): v128 {
  return v128.load(op.sk == MEM ? b.vectorAt(op) : <usize>op.s);
}

export function setXmmOperand(b: Exec, op: Op, v: v128): void {
  if (op.dk == MEM) b.storeX(op, v);
  else v128.store(<usize>op.d, v);
}

/** #MF if an unmasked x87 exception is waiting: what an MMX instruction does first. */
export function beginMmx(b: Exec, op: Op): void {
  if ((b.fsw & FSW_ES) != 0) raise(b, op, VECTOR_MF, 0);
}

/** The instruction can no longer fault: the x87's top is 0, every register valid. */
export function enterMmx(b: Exec): void {
  b.fsw &= <u16>~FSW_TOP;
  b.ftw = 0xff;
}

export function mmxSource<V>(b: Exec, op: Op): v128 {
  beginMmx(b, op);
  return b.lowX(op.sk == MEM ? b.read<V>(op, b.address(op)) : load<u64>(<usize>op.s));
}

/** A written register reads as a NaN by the x87: sign and exponent are all ones. */
export function setMmx(b: Exec, at: usize, v: v128): void {
  enterMmx(b);
  v128.store64_lane(at, v, 0);
  store<u16>(at, 0xffff, 8);
}

export function setMmxOperand(b: Exec, op: Op, v: v128): void {
  if (op.dk == MEM) {
    b.write<u64>(op, b.address(op), b.lowOfX(v));
    enterMmx(b);
  } else setMmx(b, <usize>op.d, v);
}
