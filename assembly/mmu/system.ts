/**
 * Accesses that the processor makes on its own account: descriptors and task-state segments with supervisor rights whatever the CPL is,
 * and the inner stack before the CPL has changed. SDM Vol. 3 "Access Rights". What the supervisor's
 * TLB knows they find there.
 */
import { Op } from "../decode/op";
import { PF_W } from "../generated/constants";
import { State } from "../generated/state";
import { checkSystem as check, commit, readableSystem, readableUser, writableSupervisor, writableSystem } from "./access";
import { systemHit } from "./tlb";

const READ_TAG: usize = 0;
const WRITE_TAG: usize = 8;

/** Reads a system structure. */
export function readSystem<T>(s: State, op: Op, va: u64): u64 {
  const hit = systemHit(va, sizeof<T>(), READ_TAG);
  return <u64>load<T>(hit != 0 ? hit : readableSystem(s, op, va, sizeof<T>()));
}

/** Reads as a program of ring 3 would. */
export function readUser<T>(s: State, op: Op, va: u64): u64 {
  return <u64>load<T>(readableUser(s, op, va, sizeof<T>()));
}

/** Faults if the structure cannot be written. */
export function checkSystem(s: State, op: Op, va: u64, bytes: u32): void {
  check(s, op, va, bytes, PF_W);
}

/** Writes a system structure. */
export function writeSystem<T>(s: State, op: Op, va: u64, v: u64): void {
  const hit = systemHit(va, sizeof<T>(), WRITE_TAG);
  if (hit != 0) return store<T>(hit, <T>v);
  const at = writableSystem(s, op, va, sizeof<T>());
  store<T>(at, <T>v);
  commit(s, at);
}

/** Writes as code of an inner privilege level would. */
export function writeSupervisor<T>(s: State, op: Op, va: u64, v: u64): void {
  const hit = systemHit(va, sizeof<T>(), WRITE_TAG);
  if (hit != 0) return store<T>(hit, <T>v);
  const at = writableSupervisor(s, op, va, sizeof<T>());
  store<T>(at, <T>v);
  commit(s, at);
}
