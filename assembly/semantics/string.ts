/**
 * String instructions. SDM Vol. 2 "MOVS", "CMPS", "SCAS", "LODS", "STOS", "REP/REPE/REPZ/REPNE/REPNZ".
 *
 * With a REP prefix one execution handles one run: as many elements as lie in one page of each operand. Then the instruction goes on behind
 * itself or, with elements left, starts again: RIP stays on it, and a fault, an interrupt or the end of the slice finds RCX, RSI and RDI
 * as they are after whole iterations. What crosses a page or is no RAM goes element by element. A REP prefix makes the instruction the last of its block (the decoder sees to it).
 */
import { Exec } from "../backend/exec";
import { retired } from "../clock";
import { KEY_STEP } from "../cpu/modes";
import { DS, ES, linear, READ, segmentRoom, WRITE } from "../cpu/segments";
import { Op } from "../decode/op";
import { RFLAGS_DF } from "../generated/constants";
import { BOUNCE_END } from "../memory-map";

const RAX: u32 = 0;
const RCX: u32 = 1;
const RSI: u32 = 6;
const RDI: u32 = 7;

/** REP prefixes as in the record */
const REPE: u32 = 1;

/** elements of a repeated instruction that take as long as one other instruction */
const PER_INSTRUCTION: u64 = 16;

export function movs<T>(b: Exec, op: Op): void {
  const left = iterations(b, op);
  if (left == 0) return again(b, op, 0);
  const from = source<T>(b, op);
  const readAt = b.checkRead(op, from, sizeof<T>());
  const to = destination<T>(b, op, WRITE);
  const writeAt = b.checkWrite(op, to, sizeof<T>());
  let n: u64 = 1;
  if (readAt != 0 && writeAt != 0) {
    n = min<u64>(min<u64>(left, run<T>(b, op, op.segment, RSI, from)), run<T>(b, op, ES, RDI, to));
    copyRun<T>(b, writeAt, readAt, <usize>n);
  } else b.write<T>(op, to, b.read<T>(op, from));
  advance<T>(b, op, RSI, n);
  advance<T>(b, op, RDI, n);
  again(b, op, left - n, n);
}

/** Element by element where a later element reads what an earlier one wrote. */
function copyRun<T>(b: Exec, to: usize, from: usize, n: usize): void {
  const bytes = n * sizeof<T>();
  const overlap = (b.flagsOther & RFLAGS_DF) == 0 ? to > from && to < from + bytes : true;
  if (!overlap) memory.copy(to, from, bytes);
  else {
    const step = stepOf<T>(b);
    for (let i: usize = 0; i < n; i++) {
      store<T>(to, load<T>(from));
      to += <usize>step;
      from += <usize>step;
    }
  }
}

export function stos<T>(b: Exec, op: Op): void {
  const left = iterations(b, op);
  if (left == 0) return again(b, op, 0);
  const to = destination<T>(b, op, WRITE);
  const at = b.storableAt(op, to, sizeof<T>());
  const v = b.gpr<T>(RAX);
  const n = at < BOUNCE_END ? 1 : min<u64>(left, run<T>(b, op, ES, RDI, to));
  if (n == 1) {
    store<T>(at, <T>v);
    b.commit(at);
  } else fillRun<T>((b.flagsOther & RFLAGS_DF) == 0 ? at : at - <usize>(n - 1) * sizeof<T>(), v, <usize>n);
  advance<T>(b, op, RDI, n);
  again(b, op, left - n, n);
}

function fillRun<T>(at: usize, v: u64, n: usize): void {
  if (v == <u64>(<T>(0x0101010101010101 * (v & 0xff)))) memory.fill(at, <u8>v, n * sizeof<T>());
  else for (let i: usize = 0; i < n; i++) store<T>(at + i * sizeof<T>(), <T>v);
}

export function lods<T>(b: Exec, op: Op): void {
  const left = iterations(b, op);
  if (left == 0) return again(b, op, 0);
  const from = source<T>(b, op);
  const at = b.readableAt(op, from, sizeof<T>());
  const n = at < BOUNCE_END ? 1 : min<u64>(left, run<T>(b, op, op.segment, RSI, from));
  b.setGpr<T>(RAX, <u64>load<T>(at + <usize>(n - 1) * <usize>stepOf<T>(b)));
  advance<T>(b, op, RSI, n);
  again(b, op, left - n, n);
}

export function cmps<T>(b: Exec, op: Op): void {
  const left = iterations(b, op);
  if (left == 0) return again(b, op, 0);
  // silicon reads ES:rDI first, except under REPE with bytes: which of two faults comes shows it
  if (sizeof<T>() == 1 && op.rep == REPE) b.checkRead(op, source<T>(b, op), sizeof<T>());
  const second = destination<T>(b, op, READ);
  let q = b.checkRead(op, second, sizeof<T>());
  const first = source<T>(b, op);
  let p = b.checkRead(op, first, sizeof<T>());
  let n: u64 = 1;
  if (p != 0 && q != 0) n = min<u64>(min<u64>(left, run<T>(b, op, op.segment, RSI, first)), run<T>(b, op, ES, RDI, second));
  let y = q != 0 ? <u64>load<T>(q) : b.read<T>(op, second);
  let x = p != 0 ? <u64>load<T>(p) : b.read<T>(op, first);
  let done: u64 = 1;
  for (const step = <usize>stepOf<T>(b); done < n && goesOn(op, x == y); done++) {
    p += step;
    q += step;
    x = <u64>load<T>(p);
    y = <u64>load<T>(q);
  }
  b.flagsSub<T>(x, b.sub<T>(x, y));
  advance<T>(b, op, RSI, done);
  advance<T>(b, op, RDI, done);
  againIf(b, op, left - done, done, goesOn(op, x == y));
}

export function scas<T>(b: Exec, op: Op): void {
  const left = iterations(b, op);
  if (left == 0) return again(b, op, 0);
  const va = destination<T>(b, op, READ);
  let at = b.readableAt(op, va, sizeof<T>());
  const n = at < BOUNCE_END ? 1 : min<u64>(left, run<T>(b, op, ES, RDI, va));
  const x = b.gpr<T>(RAX);
  let y = <u64>load<T>(at);
  let done: u64 = 1;
  for (const step = <usize>stepOf<T>(b); done < n && goesOn(op, x == y); done++) {
    at += step;
    y = <u64>load<T>(at);
  }
  b.flagsSub<T>(x, b.sub<T>(x, y));
  advance<T>(b, op, RDI, done);
  againIf(b, op, left - done, done, goesOn(op, x == y));
}

/** REPE goes on while the elements are equal, REPNE while they differ. */
function goesOn(op: Op, equal: bool): bool {
  return (op.rep == REPE) == equal;
}

// ---- registers, as wide as the address size

function index(b: Exec, op: Op, register: u32): u64 {
  return op.addressSize == 2 ? b.gpr<u64>(register) : op.addressSize == 1 ? b.gpr<u32>(register) : b.gpr<u16>(register);
}

function setIndex(b: Exec, op: Op, register: u32, v: u64): void {
  if (op.addressSize == 2) b.setGpr<u64>(register, v);
  else if (op.addressSize == 1) b.setGpr<u32>(register, v);
  else b.setGpr<u16>(register, v);
}

function stepOf<T>(b: Exec): i64 {
  return (b.flagsOther & RFLAGS_DF) == 0 ? sizeof<T>() : -(<i64>sizeof<T>());
}

function advance<T>(b: Exec, op: Op, register: u32, n: u64): void {
  setIndex(b, op, register, index(b, op, register) + n * <u64>stepOf<T>(b));
}

/** linear address of the element at DS:rSI */
function source<T>(b: Exec, op: Op): u64 {
  return linear(b, op, op.segment, index(b, op, RSI), sizeof<T>(), READ);
}

/** linear address of the element at ES:rDI */
function destination<T>(b: Exec, op: Op, access: u32): u64 {
  return linear(b, op, ES, index(b, op, RDI), sizeof<T>(), access);
}

/** How many elements from the one at `va` on lie in its page and, up to there, in its segment; 1 where it crosses a border. */
function run<T>(b: Exec, op: Op, segment: u32, register: u32, va: u64): u64 {
  if (op.rep == 0 || (b.blockKey & KEY_STEP) != 0 || b.once != 0) return 1;
  const inPage = va & 0xfff;
  const offset = index(b, op, register);
  if ((b.flagsOther & RFLAGS_DF) != 0) {
    if (inPage + sizeof<T>() > 4096) return 1;
    return min<u64>(inPage, offset) / sizeof<T>() + 1;
  }
  let bytes = 4096 - inPage;
  if (op.addressSize != 2) bytes = min<u64>(bytes, (op.addressSize == 1 ? 0x100000000 : 0x10000) - offset);
  if (b.mode != 2) bytes = min<u64>(bytes, segmentRoom(b, segment, offset));
  return max<u64>(bytes / sizeof<T>(), 1);
}

/** rCX with a REP prefix, else 1 */
function iterations(b: Exec, op: Op): u64 {
  return op.rep != 0 ? index(b, op, RCX) : 1;
}

/** After `done` elements: on behind the instruction, or once more if elements are left. */
function again(b: Exec, op: Op, left: u64, done: u64 = 0): void {
  againIf(b, op, left, done, true);
}

function againIf(b: Exec, op: Op, left: u64, done: u64, goesOn: bool): void {
  if (op.rep == 0) return;
  if (done != 0) setIndex(b, op, RCX, left);
  b.budget -= <i64>(done / PER_INSTRUCTION);
  if (left != 0 && goesOn) {
    // RF as in the middle of an instruction: its breakpoint has struck
    b.resumeAt = retired(b) + 1;
    b.restart(op);
  } else b.goOn(op);
}
