/** SDM Vol. 2 "FXSAVE", "FXRSTOR", "LDMXCSR", "STMXCSR". Everything is checked before anything is stored or loaded. */
import { Exec } from "../backend/exec";
import { loadX87, loadXmm, MXCSR_MASK, saveMxcsr, saveX87, saveXmm } from "../cpu/extended-state";
import { SS, segmentBase } from "../cpu/segments";
import { Op } from "../decode/op";
import { VECTOR_GP, VECTOR_SS } from "../generated/constants";
import { isCanonical } from "../mmu/walk";
import { raise, raiseGp } from "../raise";

const AREA: u32 = 512;

/** Address of the operand: canonical, then aligned to 16 bytes. */
function area(b: Exec, op: Op): u64 {
  const va = b.address(op);
  if (!isCanonical(va)) raise(b, op, op.segment == SS ? VECTOR_SS : VECTOR_GP, 0);
  if ((va & 15) != 0) raiseGp(b, op);
  return va;
}

/** Silicon touches the last byte first, which shows in a fault; a 16-bit address wraps on the way to it. */
function lastByte(b: Exec, op: Op, va: u64): u64 {
  if (op.addressSize != 0) return va + (AREA - 1);
  const base = segmentBase(b, op.segment);
  const last = base + ((va - base + (AREA - 1)) & 0xffff);
  return b.mode == 2 ? last : last & 0xffffffff;
}

export function fxsave<U>(b: Exec, op: Op): void {
  const va = area(b, op);
  b.checkWrite(op, lastByte(b, op, va), 1);
  const at = b.writableAt(op, va, AREA);
  saveX87(b, at, sizeof<U>() == 8);
  saveMxcsr(b, at);
  saveXmm(b, at);
  b.commit(at);
}

export function fxrstor<U>(b: Exec, op: Op): void {
  const va = area(b, op);
  b.checkRead(op, lastByte(b, op, va), 1);
  const at = b.readableAt(op, va, AREA);
  if ((load<u32>(at, 24) & ~MXCSR_MASK) != 0) raiseGp(b, op);
  b.mxcsr = load<u32>(at, 24);
  loadX87(b, at, sizeof<U>() == 8);
  loadXmm(b, at);
}

export function ldmxcsr(b: Exec, op: Op): void {
  const v = <u32>b.read<u32>(op, b.address(op));
  if ((v & ~MXCSR_MASK) != 0) raiseGp(b, op);
  b.mxcsr = v;
}

export function stmxcsr(b: Exec, op: Op): void {
  b.write<u32>(op, b.address(op), <u64>b.mxcsr);
}
