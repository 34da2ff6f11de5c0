/** The host ABI on one page: everything that TypeScript may call. Addresses and counters cross as BigInt, never per instruction. */

import { MAX_I32, MAX_I64, MAX_V128 } from "./backend/emit-function";
import { Exec } from "./backend/exec";
import { settle, startSlice } from "./clock";
import { deliver } from "./cpu/interrupts";
import { loadFlags, settleMode } from "./cpu/modes";
import { blockBytes, decodedBlocks, dropBlocks, profile } from "./decode/block";
import { condition, rflags as readFlags } from "./flags";
import { EVENT_EXCEPTION, OPTION_HOST_EXCEPTIONS, STOP_BUDGET, STOP_EXCEPTION } from "./generated/constants";
import { interpret } from "./generated/interpret";
import { STATE_SIZE } from "./generated/state";
import { finish, writeBlock } from "./jit/block";
import { BOUNCE, CPUID, EMIT_BUFFER, FEATURES, ONES, PAGE_SIZE, PROFILE, RAM, STATE_STRIDE, STATES } from "./memory-map";
import { codeWritten, isCode, staleBlocks } from "./mmu/code-pages";
import { hostOf, setRamSize } from "./mmu/physical";
import { flushPage as dropPage, flushTlb as dropTlb } from "./mmu/tlb";

export { group1 } from "./generated/cold";

/** V8 swaps in optimised code only between calls: the longest time the interpreter stays in one, in instructions. */
const CALL_BUDGET: i64 = 20000;

/** Address of vCPU `index`'s State; its size is checked against the TypeScript layout by the caller. */
export function stateOf(index: u32): usize {
  return STATES + <usize>index * STATE_STRIDE;
}

export function stateSize(): usize {
  return STATE_SIZE;
}

export function ramBase(): usize {
  return RAM;
}

/** Where the host writes which features the CPU model has, and its CPUID leaves. */
export function featuresAt(): usize {
  return FEATURES;
}

export function cpuidAt(): usize {
  return CPUID;
}

/** Once, before anything runs: bytes of guest RAM, which must fit in memory behind `ramBase`. */
export function initialize(ramBytes: u64): void {
  setRamSize(ramBytes);
  memory.fill(ONES, 0xff, PAGE_SIZE);
  dropTlb();
  dropBlocks();
}

/** Tells the vCPU that mode, privilege or paging were set from outside. */
export function refresh(vcpu: usize): void {
  const b = changetype<Exec>(vcpu);
  settleMode(b);
  b.jump(b.rip);
}

/**
 * Runs up to `budget` instructions (the last block may run over) and returns why it ended, a STOP value. If an instruction raised, the
 * host's `raised` has thrown through this call, and the reason stands in the state.
 */
export function run(vcpu: usize, budget: i64): u32 {
  const b = changetype<Exec>(vcpu);
  const raised = b.stop == STOP_EXCEPTION && (b.options & OPTION_HOST_EXCEPTIONS) == 0;
  b.stop = STOP_BUDGET;
  b.jump(b.rip);
  if (raised) deliver(b, b.vector, EVENT_EXCEPTION, b.errorCode);
  for (let left = budget; left > 0 && b.stop == STOP_BUDGET; left -= settle(b)) {
    startSlice(b, min<i64>(left, CALL_BUDGET));
    interpret(b);
  }
  return b.stop;
}

export function rflags(vcpu: usize): u32 {
  return readFlags(changetype<Exec>(vcpu));
}

export function setRflags(vcpu: usize, value: u32): void {
  const b = changetype<Exec>(vcpu);
  loadFlags(b, value, 0xffffffff);
}

export function flushTlb(): void {
  dropTlb();
}

export function flushPage(va: u64): void {
  dropPage(va);
}

/** The host is about to write, or has written, `bytes` of guest RAM at `gpa`: forget what was decoded from there. */
export function ramWritten(vcpu: usize, gpa: u64, bytes: u64): void {
  for (let at = gpa & ~(<u64>0xfff); at < gpa + bytes; at += 4096) {
    const host = hostOf(at);
    if (host != 0 && isCode(host)) codeWritten(changetype<Exec>(vcpu), host);
  }
}

/** Linear address of the RAM at `gpa`, or 0 if there is none. */
export function ramAt(gpa: u64): usize {
  return hostOf(gpa);
}

/** Where the data of `mmioRead` and `mmioWrite` are exchanged. */
export function bounceAt(): usize {
  return BOUNCE;
}

/**
 * Writes WebAssembly for the block at RIP; returns how many bytes stand at `emittedAt`, a function body without its local declarations:
 * (blockRip: i64) → i32, the records that ran to the end. Locals are described by `emittedLocals`.
 */
export function emitBlock(vcpu: usize): u32 {
  return writeBlock(changetype<Exec>(vcpu));
}

export function emittedAt(): usize {
  return EMIT_BUFFER;
}

/** i64, i32 and v128 temporaries an emitted function declares, 16 bits each from bit 0 */
export function emittedLocals(): u64 {
  return <u64>MAX_I64 | ((<u64>MAX_I32) << 16) | ((<u64>MAX_V128) << 32);
}

/** The emitted function has returned `records`: puts RIP at the instruction it left before, if any, and returns how many it retired. */
export function finishEmitted(vcpu: usize, records: u32): u32 {
  return finish(changetype<Exec>(vcpu), records);
}

/** The condition of Jcc by its opcode bits, for emitted code that does not know the flags' kind. */
export function conditionHolds(vcpu: usize, cc: u32): u32 {
  return <u32>condition(changetype<Exec>(vcpu), cc);
}

/** Address of a table of u64, executions by kind << 3 | destination class << 2 | source class, filled now. */
export function profileByKind(): usize {
  profile();
  return PROFILE;
}

export function blocksDecoded(): u32 {
  return decodedBlocks;
}

export function blocksStale(): u32 {
  return staleBlocks;
}

export function blockMemory(): u32 {
  return blockBytes();
}
