/**
 * FNSTENV, FLDENV, FNSAVE, FRSTOR. SDM Vol. 1 8.1.10 "Saving the x87 FPU's State with FSTENV/FNSTENV and FSAVE/FNSAVE". F is the width
 * of the fields:
 *
 *     field        0    1    2    3          4              5          6                 7…
 *     protected    FCW  FSW  FTW  FIP        FCS, FOP       FDP        FDS               8 registers of 10 bytes from ST(0)
 *     real         FCW  FSW  FTW  FIP 15-0   FIP 31-16 FOP  FDP 15-0   FDP 31-16
 *
 * 16-bit fields have no room for FOP in protected mode, and in real mode only for bits 19-16 of a pointer. Real-mode pointers are
 * linear.
 */
import { Exec } from "../../backend/exec";
import { Op } from "../../decode/op";
import { A, NORMAL, unpackExtended, ZERO } from "../../float80/unpacked";
import { CR0_PE, RFLAGS_VM } from "../../generated/constants";
import { initialise, setControl } from "./control";
import { available, move, st, summarise, waiting } from "./stack";

const ALL_MASKS: u16 = 0x3f;
const REGISTERS: u32 = 80;

export function fnstenv<F>(b: Exec, op: Op): void {
  available(b, op);
  const at = toWrite<F>(b, op, 7 * sizeof<F>());
  storeEnvironment<F>(b, at);
  b.commit(at);
  b.fcw |= ALL_MASKS;
  summarise(b);
}

export function fnsave<F>(b: Exec, op: Op): void {
  available(b, op);
  const at = toWrite<F>(b, op, 7 * sizeof<F>() + REGISTERS);
  storeEnvironment<F>(b, at);
  for (let i = 0; i < 8; i++) move(at + 7 * sizeof<F>() + 10 * i, st(b, i));
  b.commit(at);
  initialise(b);
}

export function fldenv<F>(b: Exec, op: Op): void {
  waiting(b, op);
  loadEnvironment<F>(b, toRead<F>(b, op, 7 * sizeof<F>()));
}

export function frstor<F>(b: Exec, op: Op): void {
  waiting(b, op);
  const at = toRead<F>(b, op, 7 * sizeof<F>() + REGISTERS);
  loadEnvironment<F>(b, at);
  for (let i = 0; i < 8; i++) move(st(b, i), at + 7 * sizeof<F>() + 10 * i);
}

/** The first field is touched first and the last byte next, so that is what a page fault speaks of. */
function toWrite<F>(b: Exec, op: Op, bytes: u32): usize {
  const va = b.address(op);
  b.checkWrite(op, va, sizeof<F>());
  b.checkWrite(op, va + (bytes - 1), 1);
  return b.writableAt(op, va, bytes);
}

function toRead<F>(b: Exec, op: Op, bytes: u32): usize {
  const va = b.address(op);
  b.checkRead(op, va, sizeof<F>());
  b.checkRead(op, va + (bytes - 1), 1);
  return b.readableAt(op, va, bytes);
}

function storeEnvironment<F>(b: Exec, at: usize): void {
  put<F>(at, 0, b.fcw);
  put<F>(at, 1, b.fsw);
  put<F>(at, 2, fullTags(b));
  if (isProtected(b)) {
    putWhole<F>(at, 3, <u32>b.fip);
    putWhole<F>(at, 4, <u32>b.fcs | ((<u32>b.fop) << 16));
    putWhole<F>(at, 5, <u32>b.fdp);
    put<F>(at, 6, b.fds);
  } else {
    const fip = <u32>b.fip + ((<u32>b.fcs) << 4);
    const fdp = <u32>b.fdp + ((<u32>b.fds) << 4);
    put<F>(at, 3, fip & 0xffff);
    putWhole<F>(at, 4, ((fip >> 16) << 12) | b.fop);
    put<F>(at, 5, fdp & 0xffff);
    putWhole<F>(at, 6, (fdp >> 16) << 12);
  }
}

function loadEnvironment<F>(b: Exec, at: usize): void {
  const fcw = get<F>(at, 0);
  b.fsw = <u16>get<F>(at, 1);
  const tags = get<F>(at, 2);
  let abridged: u32 = 0;
  for (let i: u32 = 0; i < 8; i++) if (((tags >> (2 * i)) & 3) != 3) abridged |= 1 << i;
  b.ftw = <u16>abridged;
  const middle = get<F>(at, 4);
  const last = get<F>(at, 6);
  if (isProtected(b)) {
    b.fip = get<F>(at, 3);
    b.fcs = <u16>middle;
    b.fop = <u16>((middle >> 16) & 0x7ff);
    b.fdp = get<F>(at, 5);
    b.fds = <u16>last;
  } else {
    b.fip = (get<F>(at, 3) & 0xffff) | ((middle >> 12) << 16);
    b.fop = <u16>(middle & 0x7ff);
    b.fdp = (get<F>(at, 5) & 0xffff) | ((last >> 12) << 16);
    b.fcs = 0;
    b.fds = 0;
  }
  setControl(b, fcw);
}

function isProtected(b: Exec): bool {
  return (b.cr0 & CR0_PE) != 0 && (b.flagsOther & RFLAGS_VM) == 0;
}

/** A field of 16 bits; the upper half of a wider one is all ones. */
function put<F>(at: usize, field: usize, v: u32): void {
  store<F>(at + field * sizeof<F>(), <F>(v | 0xffff0000));
}

function putWhole<F>(at: usize, field: usize, v: u32): void {
  store<F>(at + field * sizeof<F>(), <F>v);
}

function get<F>(at: usize, field: usize): u32 {
  return <u32>load<F>(at + field * sizeof<F>());
}

/** Two bits a register: 0 valid, 1 zero, 2 special, 3 empty. */
function fullTags(b: Exec): u32 {
  const registers = changetype<usize>(b) + offsetof<Exec>("fpr0");
  let tags: u32 = 0;
  for (let n: u32 = 0; n < 8; n++) {
    let tag: u32 = 3;
    if (((<u32>b.ftw >> n) & 1) != 0) {
      unpackExtended(A, registers + ((<usize>n) << 4));
      tag = A.kind == NORMAL ? 0 : A.kind == ZERO ? 1 : 2;
    }
    tags |= tag << (2 * n);
  }
  return tags;
}
