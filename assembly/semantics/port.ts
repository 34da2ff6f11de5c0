/**
 * Input and output. SDM Vol. 2 "IN", "OUT", "INS/INSB/INSW/INSD", "OUTS/OUTSB/OUTSW/OUTSD". The host answers; the time it sees is the
 * instruction's. A repeated instruction is one element at a time, so that whatever a port does takes effect before the next.
 */
import { Exec } from "../backend/exec";
import { watchPort } from "../breakpoints";
import { stamp } from "../clock";
import { checkPort } from "../cpu/ports";
import { ES, linear, READ, WRITE } from "../cpu/segments";
import { Op } from "../decode/op";
import { portIn, portOut } from "../env";
import { RFLAGS_DF } from "../generated/constants";

const RAX: u32 = 0;
const RCX: u32 = 1;
const RDX: u32 = 2;
const RSI: u32 = 6;
const RDI: u32 = 7;

export function in_<T>(b: Exec, op: Op): void {
  const port = portOf(b, op, op.s);
  checkPort(b, op, port, sizeof<T>());
  b.setGpr<T>(RAX, input<T>(b, op, port));
  b.goOn(op);
}

export function out<T>(b: Exec, op: Op): void {
  const port = portOf(b, op, op.d);
  checkPort(b, op, port, sizeof<T>());
  output<T>(b, op, port, b.gpr<T>(RAX));
  b.goOn(op);
}

/** Whether the destination can be written is found out before the port is read: a fault must not lose what was read. */
export function ins<T>(b: Exec, op: Op): void {
  const port = b.gpr<u16>(RDX);
  checkPort(b, op, <u32>port, sizeof<T>());
  if (isDone(b, op)) return b.goOn(op);
  const at = linear(b, op, ES, index(b, op, RDI), sizeof<T>(), WRITE);
  b.checkWrite(op, at, sizeof<T>());
  b.write<T>(op, at, input<T>(b, op, <u32>port));
  advance<T>(b, op, RDI);
}

export function outs<T>(b: Exec, op: Op): void {
  const port = b.gpr<u16>(RDX);
  checkPort(b, op, <u32>port, sizeof<T>());
  if (isDone(b, op)) return b.goOn(op);
  const v = b.read<T>(op, linear(b, op, op.segment, index(b, op, RSI), sizeof<T>(), READ));
  output<T>(b, op, <u32>port, v);
  advance<T>(b, op, RSI);
}

/** The port stands in DX, whose address the record has, or is an immediate byte. */
function portOf(b: Exec, op: Op, register: u32): u32 {
  return register != 0 ? <u32>b.register<u16>(<usize>register) : <u32>op.imm & 0xff;
}

function input<T>(b: Exec, op: Op, port: u32): u64 {
  stamp(b, op);
  watchPort(b, port, sizeof<T>());
  return <u64>(<T>portIn(port, sizeof<T>()));
}

function output<T>(b: Exec, op: Op, port: u32, v: u64): void {
  stamp(b, op);
  portOut(port, sizeof<T>(), <u32>v);
  watchPort(b, port, sizeof<T>());
}

// ---- the registers of a string instruction, as wide as the address size

function index(b: Exec, op: Op, register: u32): u64 {
  return op.addressSize == 2 ? b.gpr<u64>(register) : op.addressSize == 1 ? b.gpr<u32>(register) : b.gpr<u16>(register);
}

function setIndex(b: Exec, op: Op, register: u32, v: u64): void {
  if (op.addressSize == 2) b.setGpr<u64>(register, v);
  else if (op.addressSize == 1) b.setGpr<u32>(register, v);
  else b.setGpr<u16>(register, v);
}

function isDone(b: Exec, op: Op): bool {
  return op.rep != 0 && index(b, op, RCX) == 0;
}

/** One element is done: on behind the instruction, or once more. */
function advance<T>(b: Exec, op: Op, register: u32): void {
  const step: u64 = (b.flagsOther & RFLAGS_DF) == 0 ? sizeof<T>() : -sizeof<T>();
  setIndex(b, op, register, index(b, op, register) + step);
  if (op.rep != 0) setIndex(b, op, RCX, index(b, op, RCX) - 1);
  if (op.rep == 0 || index(b, op, RCX) == 0) b.goOn(op);
  else b.restart(op);
}
