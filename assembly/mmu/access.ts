/**
 * Accesses that the TLB did not answer: misses, accesses that cross a page, writes to pages that hold decoded code, device memory. Either
 * the access gets a linear address, or it faults before anything has changed. What has no single linear address goes through a buffer:
 * its bytes are gathered there, and `commit` spreads them again after the store. Device memory is read while gathering, after both halves
 * have been checked, and written by `commit`; it never gets a TLB entry.
 */

import { watch } from "../breakpoints";
import { stamp } from "../clock";
import { count } from "../counters";
import { Op } from "../decode/op";
import { lapicPage } from "../devices/lapic";
import { COUNTER_TLB_MISSES, EFER_LMA, PF_U, PF_W, VECTOR_AC, VECTOR_GP, VECTOR_SS } from "../generated/constants";
import { State } from "../generated/state";
import { GATHER, PAGE_MASK } from "../memory-map";
import { raise } from "../raise";
import { checkApicAccess, NO_APIC_ACCESS } from "./apic-access";
import { codeWritten, isCode } from "./code-pages";
import { readDevice, writeDevice } from "./device-memory";
import { hostOf } from "./physical";
import { refuse } from "./refuse";
import { checkedHit } from "./stale";
import { checksAlignment, context, filledTlb, fillRead, fillWrite, isChecking } from "./tlb";
import { IMPLICIT, isCanonical, walk, walkError } from "./walk";

// what is done with the bytes
const READ: u32 = 0;
const WRITE: u32 = 1;
const UPDATE: u32 = 2;
/** Only looked at: a device does not notice. */
const CHECK: u32 = 3;
const X87_ENVIRONMENT: u32 = 28;
const X87_IMAGE: u32 = 108;
/** What stores so much may leave bytes between as they are. */
const LONGEST_PLAIN_STORE: u32 = 16;

/** the two halves of the access in the buffer: linear addresses, or 0 and the physical ones; how many bytes belong to the first */
let first: usize = 0;
let second: usize = 0;
let firstDevice: u64 = 0;
let secondDevice: u64 = 0;
let split: u32 = 0;
let total: u32 = 0;
/** physical address that `translate` found no RAM at */
let device: u64 = 0;

/** Address of `size` bytes at linear guest address `va`, to be read. */
export function readable(s: State, op: Op, va: u64, size: u32): usize {
  return place(s, op, va, size, accessOf(s, 0), READ, vectorOf(op));
}

/** The same, to be read and written; pass it to `commit` after the last store. */
export function updatable(s: State, op: Op, va: u64, size: u32): usize {
  return place(s, op, va, size, accessOf(s, PF_W), UPDATE, vectorOf(op));
}

/** The same, all of it to be written and none of it read. */
export function writable(s: State, op: Op, va: u64, size: u32): usize {
  return place(s, op, va, size, accessOf(s, PF_W), WRITE, vectorOf(op));
}

/** As `readable`, of the stack: a bad address is #SS, whatever the instruction's operand. */
export function readableStack(s: State, op: Op, va: u64, size: u32): usize {
  return place(s, op, va, size, accessOf(s, 0), READ, VECTOR_SS);
}

export function writableStack(s: State, op: Op, va: u64, size: u32): usize {
  return place(s, op, va, size, accessOf(s, PF_W), WRITE, VECTOR_SS);
}

/** Faults as the access would; address of the bytes if they stand in RAM one behind the other, else 0. */
export function checkRead(s: State, op: Op, va: u64, size: u32): usize {
  return place(s, op, va, size, accessOf(s, 0), CHECK, vectorOf(op));
}

export function checkWrite(s: State, op: Op, va: u64, size: u32): usize {
  return place(s, op, va, size, accessOf(s, PF_W), CHECK, vectorOf(op));
}

/** Address of a system structure's bytes: the processor reads it as a supervisor whatever the CPL is. */
export function readableSystem(s: State, op: Op, va: u64, size: u32): usize {
  return place(s, op, va, size, IMPLICIT, READ, VECTOR_GP);
}

/** For code of ring 3, whatever CPL says. */
export function readableUser(s: State, op: Op, va: u64, size: u32): usize {
  return place(s, op, va, size, PF_U, READ, VECTOR_GP);
}

export function writableSystem(s: State, op: Op, va: u64, size: u32): usize {
  return place(s, op, va, size, IMPLICIT | PF_W, WRITE, VECTOR_GP);
}

/** For code of an inner privilege level, which CPL does not say yet. */
export function writableSupervisor(s: State, op: Op, va: u64, size: u32): usize {
  return place(s, op, va, size, PF_W, WRITE, VECTOR_GP);
}

/** Faults as an access to a system structure would. */
export function checkSystem(s: State, op: Op, va: u64, size: u32, write: u32): void {
  place(s, op, va, size, IMPLICIT | write, CHECK, VECTOR_GP);
}

/** Spreads what was stored in the buffer. A plain address needs nothing. */
export function commit(s: State, at: usize): void {
  if (at != GATHER) return;
  const rest = total - split;
  // device memory last: the host must find RAM as the instruction leaves it
  if (first != 0) memory.copy(first, GATHER, split);
  if (rest != 0 && second != 0) memory.copy(second, GATHER + split, rest);
  if (first == 0) writeDevice(s, firstDevice, GATHER, split);
  if (rest != 0 && second == 0) writeDevice(s, secondDevice, GATHER + split, rest);
}

function accessOf(s: State, write: u32): u32 {
  return write | (s.cpl == 3 ? PF_U : 0);
}

function vectorOf(op: Op): u32 {
  return op.segment == 2 ? VECTOR_SS : VECTOR_GP;
}

/** `vector` is raised for an address that is not canonical. */
function place(s: State, op: Op, va: u64, size: u32, access: u32, use: u32, vector: u32): usize {
  if ((s.efer & EFER_LMA) == 0) va &= 0xffffffff;
  const last = va + <u64>(size - 1);
  if (!isCanonical(va) || !isCanonical(last)) raise(s, op, vector, 0);
  const explicit = (access & IMPLICIT) == 0;
  if (explicit && checksAlignment(s) && !isAligned(va, size)) raise(s, op, VECTOR_AC, 0);
  const a = translate(s, op, va, access);
  const crosses = ((va ^ last) & PAGE_MASK) != 0;
  const aDevice = device;
  let b: usize = 0;
  if (crosses) b = translate(s, op, s.mode == 2 || va > 0xffffffff ? last & PAGE_MASK : last & 0xfffff000, access);
  if (explicit) watch(s, va, size, (access & PF_W) != 0);
  if (a != 0 && !crosses) return a;
  if (use == CHECK) return 0;
  if (s.apicAccess != NO_APIC_ACCESS) {
    if ((aDevice & PAGE_MASK) == s.apicAccess) useApicPage(s, op, <u32>aDevice & 0xfff, size, use, !crosses);
    if (crosses && (device & PAGE_MASK) == s.apicAccess) useApicPage(s, op, <u32>device & 0xfff, size, use, false);
  }
  first = a;
  firstDevice = aDevice;
  second = b;
  secondDevice = device;
  split = crosses ? 4096 - (<u32>va & 0xfff) : size;
  total = size;
  stamp(s, op);
  const reads = use != WRITE || size > LONGEST_PLAIN_STORE;
  gather(s, GATHER, a, aDevice, split, reads);
  if (crosses) gather(s, GATHER + split, b, secondDevice, size - split, reads);
  return GATHER;
}

function useApicPage(s: State, op: Op, offset: u32, size: u32, use: u32, whole: bool): void {
  if (use != WRITE) checkApicAccess(s, op, offset, size, false, whole);
  if (use != READ) checkApicAccess(s, op, offset, size, true, whole);
}

/**
 * SDM Vol. 3 "Interrupt 17—Alignment Check Exception (#AC)": operands to their size, the environment and the image of the x87 to 4 bytes.
 * What the manual leaves open is as measured on Zen 4: 16 bytes count too, descriptor-table registers do not, and #AC goes before #PF.
 */
function isAligned(va: u64, size: u32): bool {
  if (popcnt(size) == 1) return (va & <u64>(size - 1)) == 0;
  return (size != X87_ENVIRONMENT && size != X87_IMAGE) || (va & 3) == 0;
}

function gather(s: State, to: usize, host: usize, gpa: u64, size: u32, reads: bool): void {
  if (host != 0) memory.copy(to, host, size);
  else if (reads) readDevice(s, gpa, to, size);
}

/** Linear-memory address of one byte, permission checked, and everything else in its page; 0, and `device`, if it is not RAM. */
function translate(s: State, op: Op, va: u64, access: u32): usize {
  const write = access & PF_W;
  const tlb = (access & IMPLICIT) != 0 ? context : access == accessOf(s, write) ? filledTlb(s) : 0;
  if (isChecking(s) && tlb != 0) {
    const held = checkedHit(s, op, tlb, va, access);
    if (held != 0) return held;
  }
  count(COUNTER_TLB_MISSES);
  const physical = walk(s, va, access);
  if (walkError != 0) refuse(s, op, va);
  // the local APIC's page lies before RAM, wherever software puts it
  const host: usize = (physical & PAGE_MASK) == lapicPage(s) || (physical & PAGE_MASK) == s.apicAccess ? <usize>0 : hostOf(physical);
  device = physical;
  if (host == 0) return 0;
  if (write != 0 && isCode(host)) codeWritten(s, host);
  if (tlb != 0) {
    if (write != 0) fillWrite(s, tlb, va, host);
    else fillRead(s, tlb, va, host);
  }
  return host;
}
