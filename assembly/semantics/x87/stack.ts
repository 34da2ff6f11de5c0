/**
 * The register stack, and how every x87 instruction begins and ends. SDM Vol. 1 8.1.2 "x87 FPU Data Registers", 8.1.3 "x87 FPU Status
 * Register", 8.1.8 "x87 FPU Instruction and Data (Operand) Pointers", 8.5.1.1 "Stack Overflow or Underflow Exception (#IS)".
 *
 *     FSW   15  14  13-11  10  9   8   7   6   5   4   3   2   1   0
 *           B   C3  TOP    C2  C1  C0  ES  SF  PE  UE  OE  ZE  DE  IE      B and ES say that an exception is unmasked and waiting
 *
 * ST(i) is register (TOP + i) mod 8; `ftw` has a bit for each register that is not empty. An instruction with an unmasked exception ends
 * normally, in what the manual calls its unmasked response; the next waiting one raises #MF.
 */
import { Exec } from "../../backend/exec";
import { Op } from "../../decode/op";
import { C1, flags, IE } from "../../float80/environment";
import { CR0_EM, CR0_TS, VECTOR_MF, VECTOR_NM } from "../../generated/constants";
import { raise } from "../../raise";

export const SF: u32 = 0x40;
export const ES_B: u32 = 0x8080;
export const TOP: u32 = 0x3800;
export const CONDITION: u32 = 0x4700;

/** The real indefinite, which stands for what is not there. */
const INDEFINITE_LOW: u64 = 0xc000000000000000;
const INDEFINITE_HIGH: u16 = 0xffff;

/** Memory operands, read before anything changes; results of instructions that have two. */
export const MEMORY_CELL: usize = memory.data(16, 16);
export const SECOND_CELL: usize = memory.data(16, 16);
export const FIRST_CELL: usize = memory.data(16, 16);

// ---- beginning

/** The FPU must be there. */
export function available(fpu: Exec, op: Op): void {
  if ((fpu.cr0 & (CR0_EM | CR0_TS)) != 0) raise(fpu, op, VECTOR_NM, 0);
}

/** What all instructions but the FN… ones do first. QUIRK: with CR0.NE clear a real PC would raise IRQ 13 instead. */
export function waiting(fpu: Exec, op: Op): void {
  available(fpu, op);
  if ((fpu.fsw & ES_B) != 0) raise(fpu, op, VECTOR_MF, 0);
}

/** An instruction without memory operand. */
export function begin(fpu: Exec, op: Op): void {
  waiting(fpu, op);
  remember(fpu, op);
}

/** One that reads an operand of format F, or 10 bytes, from memory: where it has been put. */
export function beginLoad<F>(fpu: Exec, op: Op): usize {
  waiting(fpu, op);
  const va = fpu.address(op);
  if (isInteger<F>() || isFloat<F>()) store<F>(MEMORY_CELL, load<F>(fpu.readableAt(op, va, sizeof<F>())));
  else {
    // QUIRK: read as eight bytes and two, each with its own faults, like the stores; measured on Zen 4
    store<u64>(MEMORY_CELL, fpu.read<u64>(op, va));
    store<u16>(MEMORY_CELL, <u16>fpu.read<u16>(op, va + 8), 8);
  }
  remember(fpu, op);
  rememberData(fpu, op, va);
  return MEMORY_CELL;
}

/** One that writes memory: where `bytes` of it can be stored, to be committed. */
export function beginStore(fpu: Exec, op: Op, bytes: u32): usize {
  waiting(fpu, op);
  const va = fpu.address(op);
  if (bytes == 10) fpu.checkWrite(op, va, 8); // stored as eight bytes and two
  const at = fpu.storableAt(op, va, bytes);
  remember(fpu, op);
  rememberData(fpu, op, va);
  return at;
}

function remember(fpu: Exec, op: Op): void {
  fpu.fip = fpu.blockRip + <u64>op.off;
  fpu.fcs = fpu.cs;
  fpu.fop = <u16>(op.imm & 0x7ff);
}

function rememberData(fpu: Exec, op: Op, va: u64): void {
  const segment = changetype<usize>(fpu) + offsetof<Exec>("esBase") + ((<usize>op.segment) << 4);
  const isFlat = fpu.mode == 2 && op.segment < 4;
  const offset = isFlat ? va : va - load<u64>(segment);
  fpu.fdp = fpu.mode == 2 ? offset : offset & 0xffffffff;
  fpu.fds = load<u16>(segment, 12);
}

// ---- registers

/** i of the instruction's ST(i) operand. */
export function indexOf(op: Op): u32 {
  return <u32>op.imm & 7;
}

export function st(fpu: Exec, i: u32): usize {
  return changetype<usize>(fpu) + offsetof<Exec>("fpr0") + ((<usize>register(fpu, i)) << 4);
}

export function isEmpty(fpu: Exec, i: u32): bool {
  return ((<u32>fpu.ftw >> register(fpu, i)) & 1) == 0;
}

export function fill(fpu: Exec, i: u32): void {
  fpu.ftw |= <u16>((<u32>1) << register(fpu, i));
}

export function empty(fpu: Exec, i: u32): void {
  fpu.ftw &= <u16>~((<u32>1) << register(fpu, i));
}

export function rotate(fpu: Exec, by: u32): void {
  fpu.fsw = <u16>((fpu.fsw & ~TOP) | ((((<u32>fpu.fsw >> 11) + by) & 7) << 11));
}

export function pop(fpu: Exec): void {
  empty(fpu, 0);
  rotate(fpu, 1);
}

/** The new ST(0), to be written. */
export function push(fpu: Exec): usize {
  rotate(fpu, 7);
  fill(fpu, 0);
  return st(fpu, 0);
}

/** A register copied; its sixteen bytes are all its own. */
export function move(to: usize, from: usize): void {
  store<u64>(to, load<u64>(from));
  store<u16>(to, load<u16>(from, 8), 8);
}

function register(fpu: Exec, i: u32): u32 {
  return ((<u32>fpu.fsw >> 11) + i) & 7;
}

// ---- ending

/** Comparisons to RFLAGS leave C1 as it is, whatever the manual says, unless the stack is at fault. */
export function endKeepingC1(fpu: Exec): void {
  fpu.fsw |= <u16>flags;
  summarise(fpu);
}

/** The arithmetic is done and `flags` has what it raised. */
export function end(fpu: Exec): void {
  signal(fpu, flags);
}

/**
 * C1 is set or cleared, the exceptions stay until cleared; condition codes in `raised` are set, which were cleared before by who has
 * any.
 */
export function signal(fpu: Exec, raised: u32): void {
  fpu.fsw = <u16>((fpu.fsw & ~C1) | raised);
  summarise(fpu);
}

/** ES and B follow from flags and masks. */
export function summarise(fpu: Exec): void {
  const isWaiting = (fpu.fsw & ~fpu.fcw & 0x3f) != 0;
  fpu.fsw = <u16>(isWaiting ? fpu.fsw | ES_B : fpu.fsw & ~ES_B);
}

/** A register that should hold something is empty. True if the masked response is to go on: with the indefinite in its place. */
export function underflow(fpu: Exec): bool {
  signal(fpu, IE | SF);
  return (fpu.fcw & IE) != 0;
}

/** The register to be pushed into is not empty. */
export function overflow(fpu: Exec): bool {
  signal(fpu, IE | SF | C1);
  return (fpu.fcw & IE) != 0;
}

export function setIndefinite(cell: usize): void {
  store<u64>(cell, INDEFINITE_LOW);
  store<u16>(cell, INDEFINITE_HIGH, 8);
}
