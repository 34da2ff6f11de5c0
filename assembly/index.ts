/** The host ABI on one page: everything that TypeScript may call. Addresses and counters cross as BigInt, never per instruction. */

import { MAX_I32, MAX_I64, MAX_V128 } from "./backend/emit-function";
import { Exec } from "./backend/exec";
import { cycles, settle } from "./clock";
import { loadFlags, settleMode } from "./cpu/modes";
import { powerUp } from "./cpu/reset";
import { blockBytes, decodedBlocks, dropBlocks, profile } from "./decode/block";
import { setPending, setPin } from "./devices/lapic-interrupts";
import { receiveMessage } from "./devices/lapic-messages";
import { condition, rflags as readFlags } from "./flags";
import { HALTED_MWAIT, HALTED_MWAIT_MASKED, PENDING_HOST, PENDING_NMI } from "./generated/constants";
import { STATE_SIZE } from "./generated/state";
import { finish, writeBlock } from "./jit/block";
import {
  BOUNCE,
  COUNTERS,
  CPUID,
  DELIVERED,
  EMIT_BUFFER,
  FEATURES,
  MAX_VCPUS,
  MODEL,
  MSRS_PRESENT,
  ONES,
  PAGE_SIZE,
  PROFILE,
  RAM,
  STALE_USES,
  STATE_STRIDE,
  STATES,
  VIOLATIONS,
} from "./memory-map";
import { NO_APIC_ACCESS } from "./mmu/apic-access";
import { codeWritten, isCode, staleBlocks } from "./mmu/code-pages";
import { hostOf, setRamSize } from "./mmu/physical";
import { takeStaleUses } from "./mmu/stale";
import { initializeTlb } from "./mmu/tlb";
import { flushPage as dropPage, flushAll, takeContext } from "./mmu/tlb-context";
import { loadPdptes } from "./mmu/walk";
import { runSlices } from "./run";
import { resetVmx } from "./vmx/capability";
import { violated } from "./vmx/check";

export { group1 } from "./generated/cold";
export * from "./host-vmx";

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

/** Where the host writes which features and MSRs the CPU model has, and its CPUID leaves. */
export function featuresAt(): usize {
  return FEATURES;
}

/** Address of 3 * 256 u32: how often each vector was delivered, as exception or NMI, as interrupt, by INT n. */
export function deliveredAt(): usize {
  return DELIVERED;
}

export function msrsAt(): usize {
  return MSRS_PRESENT;
}

export function cpuidAt(): usize {
  return CPUID;
}

export function modelAt(): usize {
  return MODEL;
}

/** u64 each, by their numbers in src/spec/counters.ts */
export function countersAt(): usize {
  return COUNTERS;
}

/** How many rules the last VM entry violated. */
export function violations(): u32 {
  return violated;
}

/** What they are: assembly/vmx/check.ts. */
export function violationsAt(): usize {
  return VIOLATIONS;
}

/** Once, before anything runs: bytes of guest RAM, which must fit in memory behind `ramBase`. */
export function initialize(ramBytes: u64): void {
  setRamSize(ramBytes);
  memory.fill(ONES, 0xff, PAGE_SIZE);
  for (let i: u32 = 0; i < MAX_VCPUS; i++) {
    changetype<Exec>(stateOf(i)).timerAt = u64.MAX_VALUE;
    changetype<Exec>(stateOf(i)).apicAccess = NO_APIC_ACCESS;
    changetype<Exec>(stateOf(i)).vmxTimerAt = u64.MAX_VALUE;
  }
  initializeTlb();
  dropBlocks();
}

/** Tells the vCPU that mode, privilege or paging were set from outside. */
export function refresh(vcpu: usize): void {
  const b = changetype<Exec>(vcpu);
  // a guest with EPT has its PDPTE registers from the VMCS
  if (b.eptPointer == 0) loadPdptes(b, b.cr3);
  takeContext(b);
  settleMode(b);
  b.jump(b.rip);
}

/** The vCPU as after power-up. */
export function reset(vcpu: usize): void {
  powerUp(changetype<Exec>(vcpu));
  resetVmx(changetype<Exec>(vcpu));
  settle(changetype<Exec>(vcpu));
}

/**
 * Runs up to `budget` instructions (the last block may run over) and returns why it ended, a STOP value. If an instruction raised, the
 * host's `raised` has thrown through this call: the reason stands in the state, and `resume` delivers the exception and goes on.
 */
export function run(vcpu: usize, budget: i64): u32 {
  changetype<Exec>(vcpu).left = budget;
  return runSlices(changetype<Exec>(vcpu));
}

/** Goes on with what is left of the last budget. */
export function resume(vcpu: usize): u32 {
  return runSlices(changetype<Exec>(vcpu));
}

/** `run` returns behind the running block, or at once. */
export function endRun(vcpu: usize): void {
  setPending(changetype<Exec>(vcpu), PENDING_HOST);
}

// ---- time and interrupts

/** The vCPU has waited. */
export function skip(vcpu: usize, waited: f64): void {
  const b = changetype<Exec>(vcpu);
  b.idle += <u64>waited;
  b.now = <f64>cycles(b);
}

/** Level of a pin of the local APIC: 0 LINT0, the 8259's INTR, 1 LINT1, NMI. */
export function setLint(vcpu: usize, pin: u32, level: u32): void {
  setPin(changetype<Exec>(vcpu), pin, level != 0);
}

export function raiseNmi(vcpu: usize): void {
  setPending(changetype<Exec>(vcpu), PENDING_NMI);
}

/** A message-signalled interrupt, to whichever local APICs it names. */
export function message(address: u32, data: u32): void {
  receiveMessage(address, data);
}

export function rflags(vcpu: usize): u32 {
  return readFlags(changetype<Exec>(vcpu));
}

export function setRflags(vcpu: usize, value: u32): void {
  const b = changetype<Exec>(vcpu);
  loadFlags(b, value, 0xffffffff);
}

export function flushTlb(): void {
  flushAll();
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
  const b = changetype<Exec>(vcpu);
  if (b.halted == HALTED_MWAIT || b.halted == HALTED_MWAIT_MASKED) b.halted = 0;
}

/** Linear address of the RAM at `gpa`, or 0 if there is none. */
export function ramAt(gpa: u64): usize {
  return hostOf(gpa);
}

/** How many uses of stale translations there have been since the last call; the first 64 stand at `staleUsesAt`: mmu/stale.ts. */
export function staleUses(): u32 {
  return takeStaleUses();
}

export function staleUsesAt(): usize {
  return STALE_USES;
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
