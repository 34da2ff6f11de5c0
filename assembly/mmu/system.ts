/**
 * Accesses that the processor makes on its own account: descriptors and task-state segments with supervisor rights whatever the CPL is,
 * and the inner stack before the CPL has changed. SDM Vol. 3 "Access Rights". They are rare and always walk.
 */
import { Op } from "../decode/op";
import { EFER_LMA, PF_U, PF_W } from "../generated/constants";
import { State } from "../generated/state";
import { raiseGp, raisePf } from "../raise";
import { codeWritten, isCode } from "./code-pages";
import { hostOf } from "./physical";
import { IMPLICIT, isCanonical, walk, walkError } from "./walk";

/** Reads a system structure. */
export function readSystem<T>(s: State, op: Op, va: u64): u64 {
  return readAs<T>(s, op, va, IMPLICIT);
}

function readAs<T>(s: State, op: Op, va: u64, access: u32): u64 {
  const first = place(s, op, va, access);
  const last = place(s, op, va + (sizeof<T>() - 1), access);
  if (last - first == sizeof<T>() - 1) return <u64>load<T>(first);
  let v: u64 = 0;
  for (let i: u64 = 0; i < sizeof<T>(); i++) v |= (<u64>load<u8>(place(s, op, va + i, access))) << (i * 8);
  return v;
}

/** Reads as a program of ring 3 would. */
export function readUser<T>(s: State, op: Op, va: u64): u64 {
  return readAs<T>(s, op, va, PF_U);
}

/** Writes a system structure. */
export function writeSystem<T>(s: State, op: Op, va: u64, v: u64): void {
  writeAs<T>(s, op, va, v, IMPLICIT);
}

/** Writes as code of an inner privilege level would. */
export function writeSupervisor<T>(s: State, op: Op, va: u64, v: u64): void {
  writeAs<T>(s, op, va, v, 0);
}

function writeAs<T>(s: State, op: Op, va: u64, v: u64, access: u32): void {
  const first = place(s, op, va, access | PF_W);
  const last = place(s, op, va + (sizeof<T>() - 1), access | PF_W);
  if (last - first == sizeof<T>() - 1) store<T>(first, <T>v);
  else for (let i: u64 = 0; i < sizeof<T>(); i++) store<u8>(place(s, op, va + i, access | PF_W), <u8>(v >> (i * 8)));
}

/** Linear-memory address of one byte. */
function place(s: State, op: Op, va: u64, access: u32): usize {
  if ((s.efer & EFER_LMA) == 0) va &= 0xffffffff;
  else if (!isCanonical(va)) raiseGp(s, op);
  const gpa = walk(s, va, access);
  if (walkError != 0) raisePf(s, op, va, walkError >> 1);
  const host = hostOf(gpa);
  if ((access & PF_W) != 0 && isCode(host)) codeWritten(s, host);
  return host;
}
